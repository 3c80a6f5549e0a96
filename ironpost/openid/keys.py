"""The keys of one provider: as its document names them (OpenID Connect Discovery §4), kept for a bounded time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from .answers import PutOff, Refused
from .fetch import FetchError, fetch
from .jwk import Key, keys_of

REFRESH = 3600  # seconds after which a provider is asked again
LOOK = 300  # how often that is looked at
PAUSE = 10  # between two questions about a key that nobody knows, or to a provider that is away
PATIENCE = 6.0  # for both documents; Postfix gives up on Dovecot after ten seconds


class Keys:
    """Keys by their name (`kid`), on disk too: a restart while the provider is away forgets nothing."""

    def __init__(self, issuer: str, authority: str | None, good_for: int, folder: Path) -> None:
        self.issuer, self.authority, self.good_for = issuer, authority, good_for
        self.file = folder / f"{hashlib.sha256(issuer.encode()).hexdigest()[:16]}.json"
        self.keys: tuple[Key, ...] = ()
        self.fetched = self.tried = 0.0
        self.lock = asyncio.Lock()
        self.remember()

    def remember(self) -> None:
        """What an earlier process of ours has fetched from this issuer; a damaged file is as if there were none."""
        try:
            kept = json.loads(self.file.read_text())
            if kept["issuer"] == self.issuer and float(kept["fetched"]) <= time.time():
                self.keys, self.fetched = keys_of(kept["keys"]), float(kept["fetched"])
        except (OSError, ValueError, KeyError, TypeError):
            self.keys = ()

    @property
    def age(self) -> float:
        return time.time() - self.fetched

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key that signed. Raises Refused when the provider has none of that name, PutOff when it cannot say."""
        if found := self.fitting(kid, algorithm):
            return found[0]
        async with self.lock:
            if not self.fitting(kid, algorithm):
                await self.refresh()
        if self.age > self.good_for:
            raise PutOff(f"{self.issuer} does not answer, and its keys are too old")
        if found := self.fitting(kid, algorithm):
            return found[0]
        if self.fetched < self.tried:
            raise PutOff(f"{self.issuer} does not answer, and the token is signed with a key that is not known here")
        raise Refused("it is signed with a key that the provider does not have")

    async def keep_fresh(self) -> None:
        """Asks the provider each hour, so that no login waits for that and a key that it withdrew is gone here too."""
        while True:
            if self.age > REFRESH:
                async with self.lock:
                    await self.refresh()
            await asyncio.sleep(LOOK)

    def fitting(self, kid: str | None, algorithm: str) -> list[Key]:
        """Those that may have signed and are not too old; without a name there must be only one (RFC 7517 §4.5)."""
        able = [key for key in self.keys if algorithm in key.algorithms and self.age <= self.good_for]
        return [key for key in able if key.kid == kid] if kid is not None else able if len(able) == 1 else []

    async def refresh(self) -> None:
        """Asks the provider, if it was not asked just now. What it says badly changes nothing."""
        if time.time() - self.tried < PAUSE:
            return
        self.tried = time.time()
        try:
            found = await asyncio.wait_for(asyncio.to_thread(self.ask), PATIENCE)
        except (FetchError, TimeoutError) as error:
            say(f"{self.issuer}: {str(error) or 'no answer in time'}; keys are {int(self.age)} s old")
            return
        self.keys, self.fetched = keys_of(found), time.time()
        self.keep(found)

    def ask(self) -> list[Any]:
        base = self.issuer.rstrip("/")
        document = fetch(f"{base}/.well-known/openid-configuration", self.authority)
        if document.get("issuer") != self.issuer:
            raise FetchError("its document is of another issuer")
        found = fetch(str(document.get("jwks_uri")), self.authority).get("keys")
        if not isinstance(found, list) or not keys_of(found):
            raise FetchError("it names no key that can be used")
        return found

    def keep(self, found: list[Any]) -> None:
        new = self.file.with_suffix(".new")
        try:
            new.write_text(json.dumps({"issuer": self.issuer, "fetched": self.fetched, "keys": found}))
            new.replace(self.file)
        except OSError as error:
            say(f"{self.file}: {error.strerror}; the keys are kept in memory alone")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""Letters that the verifier wrote and read: as a user of the mail host, and as a stranger."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ironpost.evidence import NotCollectedError


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a server said to the last command of an attempt: its code, or 0 when it said nothing, and its text."""

    code: int
    text: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """A DKIM signature of a delivered letter, checked against what the authoritative servers show.

    `headers` is h= in lower case. `survives_second` names header fields of which one more could be added without
    breaking the signature.
    """

    algorithm: str
    domain: str
    selector: str
    holds: bool
    headers: tuple[str, ...]
    canonicalization: str
    has_length: bool
    survives_second: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Letter:
    """A letter as it lay in the mailbox. `results` are its Authentication-Results fields, unfolded."""

    mailbox: str
    folder: str
    header_from: str
    signatures: tuple[Signature, ...]
    results: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    digest: str = ""  # SHA-256 of the message as it was read

    def results_of(self, server: str) -> tuple[str, ...]:
        """Those that claim to be from that server (RFC 8601 §2.2, authserv-id)."""
        return tuple(found for found in self.results if found.split(";")[0].split()[0].lower() == server.lower())


@dataclasses.dataclass(frozen=True)
class SenderAttempt:
    """After login as `login`, a letter with that envelope sender; `own` says whether the address is the login's."""

    login: str
    sender: str
    own: bool
    reply: Reply


@dataclasses.dataclass(frozen=True)
class Letters:
    """Each part, or the reason why it is missing.

    written: by the probe login, to the probe login of another host (else to itself), as it was delivered.
    bounce: what came back for a letter to a recipient that the other host does not know.
    forged: from the stranger, with Authentication-Results that claim our authserv-id (`FORGED_RESULT`), and with an
    envelope sender of a hosted domain, whose SPF does not name the stranger.
    two_from: reply to a stranger's letter with two From fields.
    spoof: reply to a stranger's letter that claims to be from a hosted domain that publishes p=reject.
    quarantined: from the stranger, claiming to be from a domain that publishes p=quarantine.
    claimed: from the stranger, as a list post that claims to be from a hosted domain.
    senders: attempts at envelope senders after login.
    """

    parts: Mapping[str, object]
    missing: Mapping[str, str]

    @property
    def selectors(self) -> frozenset[tuple[str, str]]:
        """(domain, selector) of each signature under the letters that were read."""
        letters = [part for part in self.parts.values() if isinstance(part, Letter)]
        return frozenset((each.domain, each.selector) for letter in letters for each in letter.signatures)

    def _part(self, name: str) -> object:
        if name not in self.parts:
            raise NotCollectedError(self.missing.get(name, f"no letter was written ({name})"), f"letters/{name}")
        return self.parts[name]

    @property
    def written(self) -> Letter:
        return self._letter("written")

    @property
    def bounce(self) -> Letter:
        return self._letter("bounce")

    @property
    def forged(self) -> Letter:
        return self._letter("forged")

    @property
    def quarantined(self) -> Letter:
        return self._letter("quarantined")

    @property
    def claimed(self) -> Letter | Reply:
        """The letter as it was delivered, or the reply that refused it."""
        found = self._part("claimed")
        if not isinstance(found, (Letter, Reply)):
            raise TypeError("claimed is a Letter or a Reply")
        return found

    @property
    def two_from(self) -> Reply:
        return self._reply("two_from")

    @property
    def spoof(self) -> Reply:
        return self._reply("spoof")

    @property
    def senders(self) -> tuple[SenderAttempt, ...]:
        found = self._part("senders")
        if not isinstance(found, tuple):
            raise TypeError("senders is a tuple")
        return found

    def _letter(self, name: str) -> Letter:
        found = self._part(name)
        if not isinstance(found, Letter):
            raise TypeError(f"{name} is a Letter")
        return found

    def _reply(self, name: str) -> Reply:
        found = self._part(name)
        if not isinstance(found, Reply):
            raise TypeError(f"{name} is a Reply")
        return found


FORGED_RESULT = "forged.invalid"  # stands in the forged field as header.from, so that it can be told from ours

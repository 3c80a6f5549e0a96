"""The DNS as its authoritative servers showed it, for all names that matter to one mail host."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ironpost.evidence import NotCollectedError

Place = tuple[str, str]  # name in lower case without closing dot, type
NO_SUCH_NAME = "ironpost-no-such-name"  # how names begin that are asked for to find wildcards


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one server said of one place; `error` says why nothing is known. Values in presentation format.

    Names inside values are absolute, without closing dot (the root is "."; a null MX is "0 ."); a TXT value is its
    strings joined. `alias` is the target of a CNAME found there. `size` is that of the reply in bytes. `exists` is
    false where the server denies the name (NXDOMAIN).
    """

    server: str
    values: tuple[str, ...] = ()
    alias: str | None = None
    size: int = 0
    error: str | None = None
    exists: bool = True


@dataclasses.dataclass(frozen=True)
class Zone:
    """All answers, by place; one for each server that was asked."""

    answers: Mapping[Place, tuple[Answer, ...]]

    def below(self, name: str, rtype: str) -> tuple[str, ...]:
        """Names directly below a name that were asked for."""
        return tuple(sorted(found for found, kind in self.answers if kind == rtype and found.partition(".")[2] == name))

    def everywhere(self, name: str, rtype: str) -> dict[str, Answer]:
        """Server → answer. Raises NotCollectedError when a server was not asked or did not answer."""
        found = self.answers.get((name.lower().rstrip("."), rtype))
        if not found:
            raise NotCollectedError(f"{name} {rtype} was not asked for")
        for answer in found:
            if answer.error:
                raise NotCollectedError(f"{answer.server}: {answer.error}")
        return {answer.server: answer for answer in found}

    def values(self, name: str, rtype: str) -> tuple[str, ...]:
        """The values that all servers show together, sorted; use `everywhere` where a difference matters."""
        return tuple(sorted({value for answer in self.everywhere(name, rtype).values() for value in answer.values}))

    def alias(self, name: str) -> str | None:
        """The CNAME target at a name, where there is one."""
        found = [answer.alias for answer in self.everywhere(name, "A").values() if answer.alias]
        return found[0] if found else None

    def invented(self, domain: str, rtype: str) -> list[str]:
        """Names directly below a domain that were asked for although nobody can have published them."""
        below = [name for name, asked in self.answers if asked == rtype and name.startswith(NO_SUCH_NAME)]
        found = [name for name in below if name.partition(".")[2] == domain]
        if not found:
            raise NotCollectedError(f"no invented name below {domain} was asked for")
        return found

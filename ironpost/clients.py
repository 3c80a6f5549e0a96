"""Which mail programs logged in, from where and with which password, as the journal of a mail host has it. Pure."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

JOURNAL = "journalctl -q --no-pager -o json --output-fields=MESSAGE -t dovecot -g 'ironpost: |Password mismatch'"
# As templates/common/etc/dovecot/app-passwords.lua writes it.
LOGIN = re.compile(r'ironpost: (?:main password|app password "(?P<name>[^"]*)") of (?P<account>\S+) for (?P<visit>.*)')
VISIT = re.compile(r"(?P<service>\S+) from (?P<address>\S+)$")
# Dovecot 2.3 writes passwd-file(user,ip,<session>), 2.4 auth(user,ip,…): passwd-file.
MISMATCH = re.compile(r"(?:passwd-file|auth)\((?P<account>[^,)]+)(?:,(?P<address>[^,)]+))?[^)]*\).*Password mismatch")
ANSWERED_WITHIN_US = 10_000_000


@dataclasses.dataclass(frozen=True)
class Client:
    """A program at an address that logged in for a service. `password` is blank for the main one."""

    host: str
    account: str
    service: str
    address: str
    password: str
    times: int
    last: int  # microseconds since 1970

    @property
    def is_main(self) -> bool:
        return not self.password

    def told(self) -> str:
        with_what = f"app password {self.password!r}" if self.password else "main password"
        return f"{self.service} from {self.address} with {with_what}: {self.times} times, last {moment(self.last)}"

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"last": moment(self.last)}


def moment(microseconds: int) -> str:
    """In UTC, to the second."""
    import datetime

    return datetime.datetime.fromtimestamp(microseconds // 1_000_000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def clients(host: str, journal: str) -> list[Client]:
    """The clients in what JOURNAL printed, latest first. A main password that was wrong is no login."""
    logins: list[tuple[int, str, str, str, str]] = []
    for line in journal.splitlines():
        entry = json.loads(line)
        text, at = str(entry.get("MESSAGE", "")), int(entry["__REALTIME_TIMESTAMP"])
        if found := LOGIN.search(text):
            visit = VISIT.match(found["visit"])
            if visit:
                logins.append((at, found["account"], visit["service"], visit["address"], found["name"] or ""))
        elif found := MISMATCH.search(text):
            forget(logins, at, found["account"], found["address"])
    return counted(host, logins)


def forget(logins: list[tuple[int, str, str, str, str]], at: int, account: str, address: str | None) -> None:
    """Takes back the login that this mismatch answers: the first of that account and address not yet answered."""
    for index, login in enumerate(logins):
        fits = login[1] == account and login[3] in (address, "nowhere") and not login[4]
        if fits and at - login[0] < ANSWERED_WITHIN_US:
            del logins[index]
            return


def counted(host: str, logins: list[tuple[int, str, str, str, str]]) -> list[Client]:
    found: dict[tuple[str, str, str, str], list[int]] = {}
    for at, *who in logins:
        found.setdefault((who[0], who[1], who[2], who[3]), []).append(at)
    made = [Client(host, *who, times=len(times), last=max(times)) for who, times in found.items()]
    return sorted(made, key=lambda client: -client.last)

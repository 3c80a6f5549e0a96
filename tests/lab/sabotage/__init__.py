"""Ways to break a live mail host, each with the control that must see it. The deploy, or `dns apply`, repairs them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ironpost.lab import Lab

# Controls that look at letters written with the probe login; they know nothing while a login is impossible.
LETTERS = frozenset(
    {"AUTH-09", "SPF-07", "DMARC-06", "DMARC-07", "TLC-01", "TLC-06", "TLC-09", "RELAY-09", "LOG-02", "LOG-11"}
    | {f"DKIM-{number}" for number in ("01", "03", "04", "05", "06", "08", "10")}
)
BOTH = ("inside", "outside")
PEOPLE = {"mx1": ("example.org", "anna"), "mx2": ("example.com", "dora")}


@dataclasses.dataclass(frozen=True)
class Sabotage:
    """One way to break a mail host.

    `breaks` is a shell command of root on the host, in which NAME, DOMAIN and SECOND stand for the host's name, its
    domain and its second account; or a function. `sides` must each be broken on their own evidence. `trips` are further
    controls that may not hold meanwhile. `repair`: what puts it right. `alone`: it disturbs the other host's letters.
    `shared`: both hosts have what is broken. `mends`: puts right what is not the product's to repair.
    """

    control: str
    sentence: str
    breaks: str | Callable[[Lab, str], None]
    sides: tuple[str, ...] = BOTH
    trips: frozenset[str] = frozenset()
    repair: tuple[str, ...] = ("deploy",)
    alone: bool = False
    only: str = ""  # the host that it can be done on, where the other release has no such thing; it is then alone
    shared: bool = False
    mends: Callable[[Lab, str], None] | None = None

    @property
    def key(self) -> str:
        return f"{self.control}: {self.sentence}"

    def carry_out(self, lab: Lab, host: str) -> None:
        if callable(self.breaks):
            self.breaks(lab, host)
            return
        domain, second = PEOPLE[host]
        words = {"NAME": lab.host(host).fqdn, "DOMAIN": domain, "SECOND": second}
        command = self.breaks
        for word, value in words.items():
            command = command.replace(word, value)
        lab.run(host, command)


def postfix(*settings: str) -> str:
    """Changes main.cf, or master.cf where a name holds slashes, and has Postfix read it."""
    commands = [f"postconf {'-P' if '/' in setting.partition('=')[0] else '-e'} '{setting}'" for setting in settings]
    return " && ".join([*commands, "postfix reload 2>/dev/null && sleep 1"])

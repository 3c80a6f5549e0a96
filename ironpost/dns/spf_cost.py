"""What an SPF policy costs a receiver in questions to the DNS: more than ten, and it is an error (RFC 7208 §4.6.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_LOOKUPS = 10
MOST_VOID = 2  # questions that find nothing
MOST_MX = 10  # names of one mx mechanism
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})

# Name, type → values; None where nothing is known.
Ask = Callable[[str, str], tuple[str, ...] | None]


@dataclass
class Cost:
    """Counted terms that ask, those that find nothing, and what else is wrong."""

    lookups: int = 0
    void: int = 0
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def excess(self) -> list[str]:
        """Why receivers answer permerror."""
        found = [f"asks {self.lookups} times, more than {MOST_LOOKUPS}"] if self.lookups > MOST_LOOKUPS else []
        found += [f"asks {self.void} times in vain, more than {MOST_VOID}"] if self.void > MOST_VOID else []
        return found + self.faults

    def sentence(self) -> str:
        text = f"asks DNS {self.lookups} of at most {MOST_LOOKUPS} times, {self.void} of at most {MOST_VOID} in vain"
        return f"{text}; not known: {', '.join(self.unknown)}" if self.unknown else text


def spf_cost(policy: str, domain: str, ask: Ask) -> Cost:
    """Counts as a receiver does that finds no match before the end. Macros are counted, not followed."""
    cost = Cost()
    count(policy, domain, ask, cost, (domain,))
    return cost


def count(policy: str, domain: str, ask: Ask, cost: Cost, path: tuple[str, ...]) -> None:
    terms = [term.lstrip("+-~?").lower() for term in policy.split()[1:]]
    has_all = "all" in terms
    for term in terms:
        kind, target = parted(term, domain)
        if term == "all":
            return  # nothing behind it is looked at (RFC 7208 §5.1)
        if kind == "redirect" and has_all:
            continue  # RFC 7208 §6.1
        if kind not in ASKING and kind != "redirect":
            continue
        cost.lookups += 1
        if kind == "ptr":
            cost.faults.append(f"{domain}: ptr is not to be used (RFC 7208 §5.5)")
        elif "%" not in target:
            follow(kind, target, ask, cost, path)


def parted(term: str, domain: str) -> tuple[str, str]:
    """`a:mail.example.org/28` → a, mail.example.org; without a name, the domain itself."""
    mark = "=" if term.startswith("redirect=") else ":"
    kind, _, target = term.partition("/")[0].partition(mark)
    return kind, target.rstrip(".") or domain


def follow(kind: str, target: str, ask: Ask, cost: Cost, path: tuple[str, ...]) -> None:
    if kind in ("include", "redirect"):
        nested(target, ask, cost, path)
    elif kind == "mx":
        hosts = known(target, "MX", ask, cost)
        names = [value.split()[1].rstrip(".") for value in hosts or ()]
        if len(names) > MOST_MX:
            cost.faults.append(f"{target}: mx has {len(names)} names, more than {MOST_MX}")
        for name in names:
            addressed(name, ask, cost)
    else:
        addressed(target, ask, cost)


def nested(target: str, ask: Ask, cost: Cost, path: tuple[str, ...]) -> None:
    texts = known(target, "TXT", ask, cost)
    if texts is None or cost.lookups > 2 * MOST_LOOKUPS:
        return
    policies = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if target in path:
        cost.faults.append(f"{target}: includes itself")
    elif len(policies) != 1:
        cost.faults.append(f"{target}: has {len(policies)} SPF policies, so that including it is an error")
    else:
        count(policies[0], target, ask, cost, (*path, target))


def addressed(name: str, ask: Ask, cost: Cost) -> None:
    """A receiver asks for the type of the client's address; in vain only where there is neither."""
    found = [ask(name, rtype) for rtype in ("A", "AAAA")]
    if None in found:
        cost.unknown.append(name)
    elif not any(found):
        cost.void += 1


def known(name: str, rtype: str, ask: Ask, cost: Cost) -> tuple[str, ...] | None:
    values = ask(name, rtype)
    if values is None:
        cost.unknown.append(name)
    elif not values:
        cost.void += 1
    return values

"""Who owns which record set: one TXT value per set, beside the records, so that any controller can go on.

All values of one domain (or pointer) stand at `_ironpost.NAME`. One ordinary query tells what is ours there, also
what the settings no longer name, and no zone transfer is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ironpost.dns.recordset import SetId
from ironpost.errors import DnsError

SCHEMA = 1
HERITAGE = "heritage=ironpost"

# own: the whole set is ours. merge: somebody else's SPF terms stay beside ours. keep: somebody else's, left alone.
Rule = Literal["own", "merge", "keep"]
RULES: dict[str, Rule] = {"own": "own", "merge": "merge", "keep": "keep"}


@dataclass(frozen=True)
class Entry:
    """One row of the registry."""

    id: SetId
    rule: Rule

    def text(self) -> str:
        return f"{HERITAGE} schema={SCHEMA} set={'/'.join(self.id).rstrip('/')} rule={self.rule}"


def registry_name(scope: str) -> str:
    return f"_ironpost.{scope}"


def entries(name: str, values: tuple[str, ...]) -> dict[SetId, Entry]:
    """The rows found at the registry's name. Values of others there are left alone."""
    found = (entry(name, value) for value in values if value.split(" ")[0] == HERITAGE)
    return {each.id: each for each in found}


def entry(name: str, value: str) -> Entry:
    """Raises DnsError for a row of a newer version, and for one that makes no sense: guessing could delete records."""
    fields = dict(word.partition("=")[::2] for word in value.split())
    schema = fields.get("schema", "")
    if schema.isdigit() and int(schema) > SCHEMA:
        raise DnsError(f"{name}: schema {schema} was written by a newer ironpost; use that version here")
    parts = fields.get("set", "").split("/")
    if schema != str(SCHEMA) or len(parts) not in (2, 3) or fields.get("rule") not in RULES:
        raise DnsError(f"{name}: {value!r} is no row of the registry; delete this TXT value by hand")
    return Entry(SetId(*parts), RULES[fields["rule"]])

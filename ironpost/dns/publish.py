"""Publishes changes of one zone by dynamic update (RFC 2136) and reads them back from every server."""

from __future__ import annotations

import binascii
import datetime
import time
from collections.abc import Iterable

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update

from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.recordset import rdata_of
from ironpost.dns.registry import Entry
from ironpost.dns.survey import updates_of
from ironpost.dns.zone import NameServer, NoAnswerError, Place, Seen
from ironpost.errors import DnsError

UPDATE_SECONDS = 30.0  # a server that signs does so before it answers
READ_BACK_SECONDS = 20.0
READ_BACK_PAUSE = 0.2
MOST_BYTES = 60_000  # of one message: its length has two bytes (RFC 1035 §4.2.2), and room for a signature
LEAST_KEY_BYTES = 16  # as `tsig-keygen` makes 32; shorter ones can be guessed (RFC 8945 §8)

# What a server says when the zone is no longer as the plan saw it (RFC 2136 §3.2).
OVERTAKEN = (dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN)
REFUSED = (dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTZONE)

# Place → values to delete, values to add.
Edits = dict[Place, tuple[set[str], set[str]]]


def publish(plan: ZonePlan, changes: Iterable[Change]) -> None:
    """Sends the changes as one update, all or nothing; as several of whole scopes where one message cannot hold them.

    Raises DnsError, the key's secret never in it.
    """
    changes = [change for change in changes if edits_of([change])]
    if not changes:
        return
    key = key_of(plan)
    parts = messages(plan, changes, key)
    for number, message in enumerate(parts):
        try:
            accepted(plan, sent(plan, message))
        except DnsError as error:
            if number == 0:
                raise
            raise type(error)(f"{error}; {number} of {len(parts)} parts were published before") from None


def messages(plan: ZonePlan, changes: list[Change], key: dns.tsig.Key) -> list[dns.update.UpdateMessage]:
    """As few as hold all. What belongs to one scope stays together, for its registry is one set."""
    by_scope: dict[str, list[Change]] = {}
    for change in changes:
        by_scope.setdefault(change.scope, []).append(change)
    parts: list[list[Change]] = []
    room = 0
    for scope, own in by_scope.items():
        size = size_of(plan, scope, update_message(plan, edits_of(own), key))
        if size > room:
            parts.append([])
            room = MOST_BYTES
        parts[-1] += own
        room -= size
    return [update_message(plan, edits_of(part), key) for part in parts]


def size_of(plan: ZonePlan, scope: str, message: dns.update.UpdateMessage) -> int:
    """In bytes, by itself; together with others it is less, since names are written once."""
    try:
        return len(message.to_wire())
    except dns.exception.TooBig:
        raise DnsError(
            f"{plan.zone}: the changes of {scope} are more than one message can hold; "
            "publish them by way of `ironpost dns plan --format octodns`"
        ) from None


def accepted(plan: ZonePlan, answer: dns.message.Message) -> None:
    if answer.rcode() in OVERTAKEN:
        raise DnsError(f"{plan.zone}: the zone changed since it was read; this was not published, run it again")
    if answer.rcode() in REFUSED:
        raise DnsError(refusal(plan, dns.rcode.to_text(answer.rcode())))
    if answer.rcode():
        said = dns.rcode.to_text(answer.rcode())
        raise DnsError(f"{plan.zone}: {plan.updates.primary} answers {said} to the update; its log says why")


def edits_of(changes: Iterable[Change]) -> Edits:
    """Values to delete and to add at each place; those of the registry are values like all others."""
    edits: Edits = {}
    for change in changes:
        old = {Entry(change.id, change.old_rule).text()} if change.old_rule else set()
        new = {Entry(change.id, change.rule).text()} if change.rule else set()
        edit(edits, (change.id.name, change.id.rtype), set(change.before), set(change.after))
        edit(edits, (change.row, "TXT"), old, new)
    return edits


def edit(edits: Edits, place: Place, before: set[str], after: set[str]) -> None:
    if before != after:
        gone, new = edits.setdefault(place, (set(), set()))
        gone |= before - after
        new |= after - before


def update_message(plan: ZonePlan, edits: Edits, key: dns.tsig.Key) -> dns.update.UpdateMessage:
    """Each place must still be as the plan saw it; values are deleted one by one, so that others' stay."""
    message = dns.update.UpdateMessage(dns.name.from_text(plan.zone))
    message.use_tsig(key)
    for place in edits:
        require(message, place, plan.seen.get(place, Seen()))
    for (name, rtype), (gone, new) in edits.items():
        seen = plan.seen.get((name, rtype), Seen())
        # All of a set have one TTL (RFC 2181 §5.2): where others' values stay, theirs.
        ttl = seen.ttl if set(seen.values) - gone else plan.updates.ttl
        for value in sorted(gone):
            for rdata in seen.held(rtype, value):
                message.delete(absolute(name), rdata)
        for value in sorted(new):
            message.add(absolute(name), ttl, rdata_of(rtype, value))
    return message


def require(message: dns.update.UpdateMessage, place: Place, seen: Seen) -> None:
    """A prerequisite (RFC 2136 §2.4): exactly these values, or none."""
    name, rtype = place
    if seen.values:
        for value in dict.fromkeys(seen.values):
            for rdata in seen.held(rtype, value):
                message.present(absolute(name), rdata)
    else:
        message.absent(absolute(name), rtype)


def absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


def key_of(plan: ZonePlan) -> dns.tsig.Key:
    """The TSIG key, read now. Raises DnsError for one that is not base64, or too short to protect anything."""
    key = updates_of(plan.scopes[0]).key
    secret = plan.scopes[0].mailhosts[0].secret(key.secret)
    try:
        found = dns.tsig.Key(key.name, secret.read(), key.algorithm)
    except (binascii.Error, ValueError):
        raise DnsError(f"{secret!r}: is not base64; copy the secret of the key {key.name} unchanged") from None
    if len(found.secret) < LEAST_KEY_BYTES:
        raise DnsError(f"{secret!r}: has {len(found.secret)} bytes; make one of 32 with `tsig-keygen`")
    return found


def unusable_keys(plans: Iterable[ZonePlan]) -> list[str]:
    """What a plan can tell of the keys that its publication needs. Nobody is prompted for one by a plan."""
    told = []
    for plan in plans:
        try:
            if updates_of(plan.scopes[0]).key.secret.kind != "command":
                key_of(plan)
        except DnsError as error:
            told.append(str(error))
    return list(dict.fromkeys(told))


def sent(plan: ZonePlan, message: dns.update.UpdateMessage) -> dns.message.Message:
    primary = plan.updates.primary
    try:
        return dns.query.tcp(message, primary, timeout=UPDATE_SECONDS)
    except (dns.tsig.PeerBadTime, dns.tsig.BadTime):
        raise DnsError(wrong_time(plan)) from None
    except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadKey) as error:
        key = plan.updates.key
        raise DnsError(
            f"{plan.zone}: {primary} does not accept the key {key.name} ({type(error).__name__}); "
            f"compare its name, algorithm ({key.algorithm}) and secret ({key.secret!r}) with the server's"
        ) from None
    except dns.exception.FormError:
        # A refusal without a signature: some servers sign none.
        raise DnsError(refusal(plan, "an unsigned refusal")) from None
    except (OSError, EOFError, dns.exception.DNSException):
        raise NoAnswerError(f"{primary}: the name server takes no update; see that it is up and reachable") from None


def wrong_time(plan: ZonePlan) -> str:
    """A signature is good for five minutes, so that nobody can send it again later (RFC 8945 §5.2.3)."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"{plan.zone}: {plan.updates.primary} does not accept when this was signed (TSIG BADTIME); "
        f"this controller's clock says {now}: set it by NTP, and that of the server"
    )


def refusal(plan: ZonePlan, said: str) -> str:
    return (
        f"{plan.zone}: {plan.updates.primary} refuses the update with the key {plan.updates.key.name} ({said}); "
        "see that it is the primary server of this zone and that the key may change these names there"
    )


def read_back(plan: ZonePlan, changes: Iterable[Change]) -> None:
    """Returns once every server shows the changes. Raises DnsError naming the first that does not in time."""
    edits = edits_of(changes)
    deadline = time.monotonic() + READ_BACK_SECONDS
    for address in dict.fromkeys((plan.updates.primary, *plan.updates.servers)):
        while missing := unseen(NameServer(address), edits):
            if time.monotonic() > deadline:
                raise DnsError(
                    f"{address}: does not show the new {' '.join(missing)} after {READ_BACK_SECONDS:.0f} s; "
                    "see whether it receives the zone, and run this again"
                )
            time.sleep(READ_BACK_PAUSE)


def unseen(server: NameServer, edits: Edits) -> Place | None:
    """The first place at which a server does not yet show what was published."""
    seen = server.read_all(edits)
    for place, (gone, new) in edits.items():
        values = set(seen[place].values)
        if not new <= values or gone & values:
            return place
    return None

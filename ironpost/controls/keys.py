"""DKIM keys as DNS shows them and as they lie on the host: their form, their age, and whose they are."""

from __future__ import annotations

import base64
import binascii
import calendar
import datetime
import re
from collections import Counter

from ironpost.controls.control import Verdict, broken, control, holds, holds_unless
from ironpost.controls.dkim import NO_KEYS, PUBLISH, aligned, bits, key_records, tag
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.letters import Letter, Reply
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

ALGORITHMS = {"rsa-sha256", "ed25519-sha256"}
KINDS = {"rsa", "ed25519"}
ED25519_BYTES = 32
OLDEST_DAYS = 180  # M3AAWG, DKIM Key Rotation Best Common Practices (2019)
DATED = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])[a-z0-9]{4}-[re]$")
ROTATE = "run `ironpost dkim rotate`"


@control(
    "DKIM-03",
    claim="Each letter carries an RSA and an Ed25519 signature",
    reference="RFC 8463 §3–5",
    roles=("submission", "relay"),
)
class TwoAlgorithmsSign:
    """Should one of them fall, the other still stands; many verifiers know RSA alone, and the rest prefers Ed25519."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        kinds = {key["path"]: key.get("kind") for key in snapshot.dkim_keys if "public" in key}
        faults = []
        for name, domain in snapshot.rspamd("dkim_signing").get("domain", {}).items():
            found = {kinds.get(row.get("path")) for row in domain.get("selectors", [])}
            faults += [f"{name}: rspamd has no {kind} key to sign with" for kind in sorted(KINDS - found)]
        if not kinds:
            raise NotCollectedError("there is no signing key on the host")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        found = set(aligned(probes.letters.written))
        faults = [f"a letter has no valid {kind} signature" for kind in sorted(ALGORITHMS - found)]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "DKIM-07",
    claim="Each selector has one key record, in the form that all verifiers read",
    reference="RFC 6376 §3.6.1, §3.6.2.2",
)
class KeyRecordsAreInForm:
    """Two records, a testing flag or a broken line: each verifier then decides by itself what the key is worth."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{server}: {place} {fault}"
            for place, answers in key_records(mailhost, probes).items()
            for server, answer in answers.items()
            for fault in mistakes(answer.values)
        ]
        return holds_unless(faults, remedy=PUBLISH)


def mistakes(values: tuple[str, ...]) -> list[str]:
    if len(values) != 1:
        return [f"has {len(values)} TXT records"]
    [value] = values
    kind, public, flags = tag(value, "k") or "rsa", tag(value, "p"), tag(value, "t").split(":")
    faults = [] if value.replace(" ", "").startswith("v=DKIM1;") else ["does not begin with v=DKIM1"]
    faults += ["says t=y: verifiers treat its mail as unsigned"] if "y" in flags else []
    faults += ["has g=, which RFC 6376 withdrew"] if re.search(r";\s*g\s*=", value) else []
    faults += [f"is of the kind {kind}"] if kind not in KINDS else []
    return faults + ([] if is_key(kind, public) else ["holds no key that can be read"])


def is_key(kind: str, public: str) -> bool:
    """An empty p= is a key that was revoked."""
    try:
        raw = base64.b64decode(public, validate=True)
    except (ValueError, binascii.Error):
        return False
    return not raw or (len(raw) == ED25519_BYTES if kind == "ed25519" else bits(public) > 0)


@control(
    "DKIM-08",
    claim="No signing key is older than 180 days, and none serves twice",
    reference="M3AAWG DKIM Key Rotation BCP (2019); RFC 6376 §3.1",
    roles=("submission", "relay"),
)
class KeysAreYoungAndTheirOwn:
    """Nobody notices when a key is stolen; what it is worth to the thief ends with the next rotation."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        used = [key for key in snapshot.dkim_keys if key.get("signs")]
        if not used:
            raise NotCollectedError("rspamd names no signing key")
        faults = [f"{key['path']}: is {key['days']:.0f} days old" for key in used if key["days"] > OLDEST_DAYS]
        counts = Counter(key["public"] for key in snapshot.dkim_keys if "public" in key)
        faults += [f"{key['path']}: serves more than once" for key in used if counts[key.get("public")] > 1]
        return holds_unless(
            faults, remedy=ROTATE, seen=f"the oldest is {max(key['days'] for key in used):.0f} days old"
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        signatures = probes.letters.written.signatures
        if not signatures:
            raise NotCollectedError("the letter carries no signature to look at")
        faults = [
            f"s={each.selector} is from {age:.0f} days ago"
            for each in signatures
            if (age := days_since(each.selector, probes.taken)) > OLDEST_DAYS
        ]
        owners: dict[str, str] = {}
        for place, answers in key_records(mailhost, probes).items():
            for public in {tag(value, "p") for answer in answers.values() for value in answer.values} - {""}:
                if owners.setdefault(public, place) != place:
                    faults.append(f"{place} and {owners[public]} show one and the same key")
        return holds_unless(faults, remedy=ROTATE)


def days_since(selector: str, now: datetime.datetime) -> float:
    """Days since the end of the month that a made-up selector tells; 0 for one that tells none."""
    found = DATED.search(selector)
    if not found:
        return 0.0
    year, month = int(found[1]), int(found[2])
    last = datetime.date(year, month, calendar.monthrange(year, month)[1])
    return float((now.date() - last).days)


@control(
    "DKIM-09",
    claim="The name under which keys stand is there on every name server",
    reference="RFC 8020 §2; RFC 4592 §2.2.2",
)
class KeySpaceIsThere:
    """A resolver that was told NXDOMAIN for _domainkey may deny every selector below it, without asking."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{server}: denies _domainkey.{domain}"
            for domain in mailhost.domain_names
            for server, answer in probes.zone.everywhere(f"_domainkey.{domain}", "TXT").items()
            if not answer.exists
        ]
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DKIM-10",
    claim="Mail of strangers who claim to be from here is never signed",
    reference="RFC 6376 §8; rspamd dkim_signing sign_inbound, sign_networks",
    severity="high",
)
class StrangersAreNotSigned:
    """Whoever can have any letter signed needs no key, and no password, to be us."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        signing = snapshot.rspamd("dkim_signing")
        if not signing:
            raise NotCollectedError("rspamd tells nothing of dkim_signing")
        faults = ["rspamd dkim_signing: sign_inbound = true"] if signing.get("sign_inbound") else []
        strangers = [each for each in signing.get("sign_networks", []) if not each.startswith("127.")]
        faults += [f"rspamd dkim_signing: sign_networks holds {each}" for each in strangers]
        local = snapshot.rspamd("options").get("local_addrs", [])
        faults += [
            f"rspamd takes {each} for this machine" for each in local if not each.startswith("127.") and each != "::1"
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        claimed = probes.letters.claimed
        if isinstance(claimed, Reply):
            return holds(f"refused ({claimed.code})")
        return signed_for(claimed, mailhost)


def signed_for(letter: Letter, mailhost: MailHost) -> Verdict:
    ours = sorted({each.domain for each in letter.signatures if each.domain in mailhost.domain_names})
    if ours:
        return broken(f"a stranger's letter got a signature of {', '.join(ours)}", REDEPLOY)
    return holds(f"delivered to {letter.folder} without a signature of ours")


@control(
    "DKIM-11",
    claim="Nothing obsolete or left over stands among the keys",
    reference="RFC 5617 (Historic); RFC 6376 §3.6.1; RFC 4592",
    roles=("submission", "relay"),
)
class NothingLeftOverAmongKeys:
    """A wildcard makes every selector a key, a private key that nobody knows of signs for whoever finds it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if not snapshot.dkim_keys:
            raise NotCollectedError("there is no signing key on the host")
        strays = [key["path"] for key in snapshot.dkim_keys if not key.get("known")]
        return holds_unless((f"{path}: belongs to no rotation" for path in strays), remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{server}: {word}_domainkey.{domain} holds {answer.values[0][:40]!r}"
            for domain in mailhost.domain_names
            for word in NO_KEYS
            for server, answer in probes.zone.everywhere(f"{word}_domainkey.{domain}", "TXT").items()
            if answer.values
        ]
        return holds_unless(faults, remedy="remove these records; " + PUBLISH)

"""Signatures under what the host sends."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import SUBMISSION
from ironpost.controls.tls import REDEPLOY, listed
from ironpost.evidence import NotCollectedError
from ironpost.evidence.letters import Letter
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.zone import Answer
from ironpost.mailhost import MailHost

RSA_BITS = 2048
MOST_BYTES = 1232  # DNS Flag Day 2020: the largest answer that no path cuts to pieces
OVERSIGNED = ("from", "to", "cc", "subject", "date", "reply-to", "message-id", "content-type")
PUBLISH = "run `ironpost dns apply`"
NO_KEYS = ("_adsp.", "nobody-has-this-selector.")  # below _domainkey, and asked for since nothing may be there


@control(
    "DKIM-01",
    claim="Every letter that leaves is signed for its author's domain, bounces among them",
    reference="RFC 6376 §5; RFC 9989; rspamd dkim_signing; postconf(5) internal_mail_filter_classes",
    severity="high",
    roles=("submission", "relay"),
)
class EveryLetterIsSigned:
    """Large receivers refuse what is not; a bounce without a signature fails DMARC of its own domain."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_milters is empty"
            for name in SUBMISSION
            if "submission" in mailhost.roles and not snapshot.postfix.service(name)["smtpd_milters"]
        ]
        if not snapshot.postfix.value("non_smtpd_milters"):
            faults.append("non_smtpd_milters is empty: cron mail leaves unsigned")
        if "bounce" not in listed(snapshot.postfix.value("internal_mail_filter_classes")):
            faults.append("internal_mail_filter_classes lacks bounce")
        signing = snapshot.rspamd("dkim_signing")
        expected = {"sign_authenticated": True, "sign_local": True, "use_domain": "header", "use_esld": False}
        faults += [
            f"rspamd dkim_signing: {key} = {signing.get(key)}"
            for key, value in expected.items()
            if signing.get(key) != value
        ]
        if signing.get("enabled") is False:
            faults.append("rspamd dkim_signing is switched off")
        faults += [
            f"rspamd has no key for {name}" for name in mailhost.domain_names if name not in signing.get("domain", {})
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        letters = {"a user's letter": probes.letters.written}
        # A host that knows all addresses of the fleet refuses a wrong one itself, and nothing bounces.
        if letters["a user's letter"].mailbox.rpartition("@")[2] not in mailhost.domain_names:
            letters["a bounce"] = probes.letters.bounce
        faults = [
            f"{what} carries no valid signature of its own domain"
            for what, letter in letters.items()
            if not aligned(letter)
        ]
        return holds_unless(faults, remedy=REDEPLOY)


def aligned(letter: Letter) -> list[str]:
    """Algorithms of the valid signatures whose d= is the domain in From, or one above it (RFC 9989, relaxed)."""
    author = letter.header_from.rpartition("@")[2].lower()
    return [
        each.algorithm
        for each in letter.signatures
        if each.holds and (author == each.domain or author.endswith("." + each.domain))
    ]


@control(
    "DKIM-02",
    claim="RSA signing keys have 2048 bits",
    reference="RFC 8301 §3.2; NIST SP 800-177r1",
    roles=("submission", "relay"),
)
class RsaKeysHave2048Bits:
    """1024 bits are within reach of those who forge for a living; 4096 do not fit into a DNS answer."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        keys = [key for key in snapshot.dkim_keys if key.get("kind") == "rsa"]
        if not keys:
            raise NotCollectedError("there is no RSA signing key on the host")
        faults = [f"{key['path']}: {bits(key['public'])} bits" for key in keys if bits(key["public"]) != RSA_BITS]
        return holds_unless(faults, remedy="remove the key and deploy: a new one is made")

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for place, answers in key_records(mailhost, probes).items():
            for server, answer in answers.items():
                found = [tag(value, "p") for value in answer.values if tag(value, "k") in ("", "rsa")]
                faults += [
                    f"{server}: {place} holds a key of {bits(key)} bits"
                    for key in found
                    if key and bits(key) != RSA_BITS  # an empty one is revoked
                ]
                if answer.size > MOST_BYTES:
                    faults.append(f"{server}: the answer for {place} has {answer.size} bytes")
        return holds_unless(faults, remedy=PUBLISH)


def key_records(mailhost: MailHost, probes: Probes) -> dict[str, dict[str, Answer]]:
    """Place → server → answer, for each key of the host's domains that DNS or a letter names. None is no evidence."""
    names = [place for domain in mailhost.domain_names for place in probes.zone.below(f"_domainkey.{domain}", "TXT")]
    found = {place: probes.zone.everywhere(place, "TXT") for place in names if not place.startswith(NO_KEYS)}
    if not found:
        raise NotCollectedError("neither the registry in DNS nor a letter names a selector")
    return found


def tag(value: str, name: str) -> str:
    """A tag of a key record (RFC 6376 §3.6.1), without blanks; empty when it is not there."""
    for part in value.split(";"):
        found, _, content = part.strip().partition("=")
        if found.strip() == name:
            return re.sub(r"\s", "", content)
    return ""


def bits(public: str) -> int:
    """Size of an RSA key in DER and base64; 0 for anything else."""
    try:
        key = load_der_public_key(base64.b64decode(public, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPublicKey) else 0


@control(
    "DKIM-05",
    claim="Signatures are relaxed, cover the whole body, and leave no room for a second From or Subject",
    reference="RFC 6376 §3.5, §5.4.2, §8.2, §8.15",
    roles=("submission", "relay"),
)
class SignaturesLeaveNoRoom:
    """A header field that is added in front is the one that people read."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        names = str(snapshot.rspamd("dkim_signing").get("sign_headers", "")).lower().split(":")
        # rspamd: (o) signs the field and that there is no further one
        faults = [f"rspamd dkim_signing does not oversign {name}" for name in OVERSIGNED if f"(o){name}" not in names]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        signatures = probes.letters.written.signatures
        if not signatures:
            raise NotCollectedError("the letter carries no signature to look at")
        faults = []
        for each in signatures:
            if each.canonicalization.partition("/")[0] != "relaxed":
                faults.append(f"{each.algorithm}: c={each.canonicalization}")
            if each.has_length:
                faults.append(f"{each.algorithm}: l= lets text be added")
            if each.headers.count("from") < 2:
                faults.append(f"{each.algorithm}: h= lists From only once")
            faults += [f"{each.algorithm}: a second {name} does not break it" for name in each.survives_second]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "DKIM-06",
    claim="Every name server shows the public half of the key that signs",
    reference="RFC 6376 §3.6.2, §6.1.2",
    severity="high",
    roles=("submission", "relay"),
)
class PublishedKeysAreThoseInUse:
    """One stale server, and part of the world refuses part of the mail."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        if not snapshot.dkim_keys:
            raise NotCollectedError("there is no signing key on the host")
        for key in snapshot.dkim_keys:
            if "public" not in key:
                faults.append(f"{key['path']} cannot be read as a key")
            elif not isinstance(key.get("told"), str) or key["told"].strip() != key["public"]:
                faults.append(f"{key['path']}: what DNS is given is not the public half of this key")
        return holds_unless(
            faults, remedy="remove the key and deploy, then publish it", seen=f"{len(snapshot.dkim_keys)} keys"
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        signatures = probes.letters.written.signatures
        faults = [
            f"s={each.selector} d={each.domain} does not verify with what DNS shows"
            for each in signatures
            if not each.holds
        ]
        faults += [] if signatures else ["a letter carries no signature"]
        for place, answers in key_records(mailhost, probes).items():
            faults += [f"{server}: there is no {place}" for server, answer in answers.items() if not answer.values]
            if len({answer.values for answer in answers.values()}) > 1:
                faults.append(f"the name servers differ on {place}")
        return holds_unless(faults, remedy=PUBLISH)

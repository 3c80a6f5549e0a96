"""What a domain promises to those who write to it: MTA-STS, and where reports on TLS go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import APPROVED, REDEPLOY
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import Domain, MailHost

RECORD = re.compile(r"v=STSv1;\s*id=([A-Za-z0-9]{1,32});?\s*")  # RFC 8461 §3.1
REPORTS = re.compile(r"v=TLSRPTv1;\s*rua=((?:mailto:|https:)[^,;\s]+(?:,(?:mailto:|https:)[^,;\s]+)*);?\s*")
TESTED_SECONDS, ENFORCED_SECONDS, MOST_SECONDS = 604_800, 1_209_600, 31_557_600
NONE = "no domain of this host has a policy (mta_sts= is not set)"
PUBLISH = "run `ironpost dns apply`"


def promising(mailhost: MailHost) -> tuple[Domain, ...]:
    return tuple(domain for domain in mailhost.domains if domain.mta_sts)


def fields(text: str) -> tuple[dict[str, str], list[str]]:
    """Of a policy: its fields, and the MX patterns in order (RFC 8461 §3.2)."""
    pairs = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines())]
    return dict(pairs), [value.lower() for key, value in pairs if key == "mx"]


def served(domain: Domain, probes: Probes) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, what the web server said) of each address."""
    for address, seen in probes.each(f"policy/{domain.name}"):
        yield f"{domain.name} at {address}", seen


@control(
    "STS-01",
    claim="DNS announces one MTA-STS policy, by an id that belongs to the policy that is served",
    reference="RFC 8461 §3.1, §8.1",
    roles=("mx",),
)
class AnnouncedPolicyIsTheServedOne:
    """Senders fetch a policy when its id is new: with an old id they go on with the old policy."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if not promising(mailhost):
            return not_applicable(NONE)
        faults = []
        for domain in promising(mailhost):
            texts = {seen["policy"]["text"] for _, seen in served(domain, probes)}
            faults += [f"{domain.name}: its addresses serve {len(texts)} different policies"] if len(texts) > 1 else []
            wanted = {identity(text) for text in texts}
            for server, answer in probes.zone.everywhere(f"_mta-sts.{domain.name}", "TXT").items():
                found = [RECORD.fullmatch(value) for value in answer.values if value.startswith("v=STSv1")]
                if len(found) != 1 or found[0] is None:
                    faults.append(f"{server}: shows {' and '.join(answer.values) or 'nothing'} for {domain.name}")
                elif found[0][1] not in wanted:
                    faults.append(f"{server}: announces {found[0][1]}, the policy that is served has {min(wanted)}")
        return holds_unless(faults, remedy=f"deploy every host of the domain, then {PUBLISH}")


def identity(text: str) -> str:
    """The id that goes with a text: first letter of its mode, and the start of its digest."""
    return f"{fields(text)[0].get('mode', '?')[:1]}{hashlib.sha256(text.encode()).hexdigest()[:24]}"


@control(
    "STS-02",
    claim="The policy is served over verified HTTPS at every address, without redirects and with nothing beside it",
    reference="RFC 8461 §3.3; RFC 9325 §3.1.1, §4.2",
    severity="high",
    roles=("mx",),
)
class PolicyIsServedOverHttps:
    """A policy that cannot be fetched is no policy, and no sender tells."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if not promising(mailhost):
            return not_applicable(NONE)
        seen = [found for domain in promising(mailhost) for found in served(domain, probes)]
        return holds_unless((f"{where}: {fault}" for where, web in seen for fault in web_faults(web)), remedy=REDEPLOY)


def web_faults(web: dict[str, Any]) -> Iterator[str]:
    if web["problem"]:
        yield f"the certificate is not valid for the policy's name ({web['problem']})"
    answer = web["policy"]
    if answer["status"] != 200:
        yield f"status {answer['status']}"
    elif answer["kind"] != "text/plain":
        yield f"its type is {answer['kind'] or 'not told'}"
    if web["top"] != 404:
        yield f"/ answers with status {web['top']}"
    for version in ("TLSv1", "TLSv1.1"):
        if collected(web["versions"][version], version).get("version") == version:
            yield f"{version} is spoken"
    suites = collected(web["suites"], "TLS 1.2 suites") if isinstance(web["suites"], dict) else web["suites"]
    yield from (f"the suite {suite} is accepted" for suite in suites if suite not in APPROVED)


@control(
    "STS-03",
    claim="The policy names every MX host of the domain and no other",
    reference="RFC 8461 §3.2, §4.1",
    severity="high",
    roles=("mx",),
)
class PolicyNamesTheMxHosts:
    """A sender that enforces the policy refuses a host that it lacks."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if not promising(mailhost):
            return not_applicable(NONE)
        faults = []
        for domain in promising(mailhost):
            found, named = fields(snapshot.text("policies", domain.name))
            if found.get("mode") != "none" and mailhost.name not in named:
                faults.append(f"{domain.name}: the policy on disk names {', '.join(named) or 'nobody'}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if not promising(mailhost):
            return not_applicable(NONE)
        faults = []
        for domain in promising(mailhost):
            hosts = sorted(value.split()[-1].rstrip(".") for value in probes.zone.values(domain.name, "MX"))
            for where, seen in served(domain, probes):
                found, named = fields(seen["policy"]["text"])
                if found.get("mode") != "none" and sorted(named) != hosts:
                    faults.append(f"{where}: names {', '.join(named) or 'nobody'}, the MX hosts are {', '.join(hosts)}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "STS-04",
    claim="The policy is remembered for a week or longer while it is tried, and for two weeks when it is enforced",
    reference="RFC 8461 §3.2, §5",
    roles=("mx",),
)
class PolicyLastsLongEnough:
    """A policy that is forgotten soon protects only those who were never in danger."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return self.judged(mailhost, probes, ("testing", "enforce"))

    def strict_outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return self.judged(mailhost, probes, ("enforce",))

    def judged(self, mailhost: MailHost, probes: Probes, modes: tuple[str, ...]) -> Verdict:
        if not promising(mailhost):
            return not_applicable(NONE)
        faults = []
        for domain in promising(mailhost):
            for where, seen in served(domain, probes):
                found, _ = fields(seen["policy"]["text"])
                mode, age = found.get("mode", ""), found.get("max_age", "")
                least = ENFORCED_SECONDS if mode == "enforce" else TESTED_SECONDS
                if mode == "none" == domain.mta_sts:
                    continue
                if mode not in modes:
                    faults.append(f"{where}: mode {mode or 'not told'}")
                elif not age.isdigit() or not least <= int(age) <= MOST_SECONDS:
                    faults.append(f"{where}: max_age {age or 'not told'}")
        return holds_unless(faults, remedy='deploy again; at the profile strict, say mta_sts="enforce"')


@control(
    "TRPT-01",
    claim="DNS says where reports on TLS go, and that mailbox exists",
    reference="RFC 8460 §3",
)
class ReportsHaveAMailbox:
    """Nobody else tells that senders fail to reach this domain over TLS."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults: list[str] = []
        for domain in mailhost.domains:
            for server, answer in probes.zone.everywhere(f"_smtp._tls.{domain.name}", "TXT").items():
                found = [REPORTS.fullmatch(value) for value in answer.values if value.startswith("v=TLSRPTv1")]
                if len(found) != 1 or found[0] is None:
                    faults.append(f"{server}: shows {' and '.join(answer.values) or 'nothing'} for {domain.name}")
                    continue
                faults += dead_ends(mailhost, found[0][1].split(","), probes)
        return holds_unless(faults, remedy=f"{PUBLISH}, and see that the mailbox exists")


def dead_ends(mailhost: MailHost, targets: list[str], probes: Probes) -> Iterator[str]:
    """Mailboxes of this host among the targets that it does not take mail for."""
    for target in targets:
        mailbox = target.removeprefix("mailto:").lower()
        if target.startswith("https:") or mailbox.rpartition("@")[2] not in mailhost.domain_names:
            continue
        for address, replies in probes.each("reports"):
            if mailbox not in replies:
                yield f"reports go to {mailbox}, which is not the inventory's"
            elif replies[mailbox][0] != 250:
                yield f"{address}: {mailbox} gets {replies[mailbox][0]}"

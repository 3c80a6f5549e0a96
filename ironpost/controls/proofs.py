"""DNSSEC in use: how denials are proven, and how long signatures still hold."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.dnssec import see_that_resolvers_validate
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost

LEAST_DAYS = 3.0  # a weekend in which nobody looks
ALARM_DAYS = 5.0


@control(
    "DSEC-04",
    claim="Where denials are hashed, they are hashed once and without salt",
    reference="RFC 9276 §3.1",
    cost="passive",
)
class DenialsAreCheap:
    """More rounds hide nothing, and resolvers call such zones insecure or bogus: DANE is gone with them."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for name in mailhost.domain_names:
            for value in probes.zone.values(name, "NSEC3PARAM"):
                _, _, rounds, salt = value.split()
                faults += [f"{name}: {rounds} extra rounds of NSEC3"] * (rounds != "0")
                faults += [f"{name}: NSEC3 with the salt {salt}"] * (salt != "-")
        return holds_unless(faults, remedy="let the signer use NSEC, or NSEC3 with 0 iterations and no salt")


@control(
    "DSEC-05",
    claim="Every signature of a zone holds for three days more, on every name server",
    reference="RFC 6781 §4.4.2",
    severity="high",
)
class SignaturesHoldForDays:
    """When a signer stops on a Friday, Monday is early enough to find out."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return self.judged(mailhost, probes, LEAST_DAYS)

    def strict_outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return self.judged(mailhost, probes, ALARM_DAYS)

    def judged(self, mailhost: MailHost, probes: Probes, least: float) -> Verdict:
        faults, shortest = [], []
        for domain in mailhost.domain_names:
            for each in probes.world.servers_of(domain):
                if each.signed_days is None:
                    faults.append(f"{each.address}: shows {domain} without signatures")
                    continue
                shortest.append(each.signed_days)
                if each.signed_days < least:
                    faults.append(f"{each.address}: a signature of {domain} ends in {each.signed_days:.1f} days")
        seen = f"the first one ends in {min(shortest):.1f} days" if shortest else ""
        remedy = "see that the signer runs, signs for two weeks or so, and renews when half of that is over"
        return holds_unless(faults, remedy=remedy, seen=seen)


@control(
    "DANE-05",
    claim="That there is something else than TLSA records, or nothing, at their names is proven too",
    reference="RFC 7672 §2.1.2, §9.2; RFC 4035 §5.4",
    severity="high",
)
class DenialsAroundTlsaValidate:
    """A sender that gets no proof of either may not deliver at all: it defers, and bounces after days."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        see_that_resolvers_validate(probes)
        faults = list(unproven(mailhost, probes))
        return holds_unless(
            faults, remedy="see that every name server has the whole signed zone, and one signer makes it"
        )


def unproven(mailhost: MailHost, probes: Probes) -> Iterator[str]:
    owner = f"_25._tcp.{mailhost.name}"
    for rtype in ("A", "MX"):
        for echo in probes.world.echoes.get((owner, rtype), ()):
            if echo.error and "SERVFAIL" in echo.error:
                yield f"{owner} {rtype}: {echo.error}"
            elif echo.error:
                raise NotCollectedError(echo.error)
            elif not echo.secure:
                yield f"{owner} {rtype}: {echo.resolver} gets no proof that there is none"
        if (owner, rtype) not in probes.world.echoes:
            raise NotCollectedError(f"{owner} {rtype}: no resolver was asked")

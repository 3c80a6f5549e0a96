"""TLS by listener: who must come with it, whether all are alike, and what those get who name no server."""

from __future__ import annotations

import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_if, holds_unless, not_applicable
from ironpost.controls.exchange import exchanges
from ironpost.controls.tls import REDEPLOY, ports_of
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

WEAKENING = (
    "smtpd_tls_protocols",
    "smtpd_tls_ciphers",
    "smtpd_tls_mandatory_ciphers",
    "smtpd_tls_exclude_ciphers",
    "smtpd_tls_mandatory_exclude_ciphers",
    "tls_high_cipherlist",
    "tls_preempt_cipherlist",
    "tls_config_file",
    "tls_config_name",
    "tls_ssl_options",
    "tls_eecdh_auto_curves",
)


@control(
    "TLS-13",
    claim="A public MX takes mail from servers without TLS as well",
    reference="RFC 3207 §4; RFC 7672 §6; postconf(5) smtpd_tls_security_level",
    roles=("mx",),
)
class MailWithoutTlsIsTaken:
    """A refusal loses mail and protects none: the one who can insist on TLS is the sender."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        level = snapshot.postfix.service("smtp/inet")["smtpd_tls_security_level"]
        if mailhost.tls == "closed":
            return not_applicable("this host serves a closed community (TLS-14)")
        return holds_if(level == "may", found=f"smtp/inet: smtpd_tls_security_level = {level}", remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: {command} without TLS gets {' '.join(map(str, reply))}"
            for address, replies in probes.each("without tls")
            for command, reply in replies.items()
            if reply[0] >= 400
        ]
        if mailhost.tls == "closed":
            return not_applicable("this host serves a closed community (TLS-14)")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-14",
    claim="In a closed community port 25 takes no mail without TLS 1.3",
    reference="BSI TR-02102-2 §3.4; against RFC 3207 §4; postconf(5) smtpd_tls_security_level",
    level="strict",
    severity="high",
    roles=("mx",),
)
class ClosedCommunitiesInsist:
    """Everybody in it was told to come with TLS; whoever comes without is not one of them."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        if mailhost.tls != "closed":
            return not_applicable("this is a public MX (TLS-13)")
        good = service["smtpd_tls_security_level"] == "encrypt"
        good = good and service["smtpd_tls_mandatory_protocols"] == ">=TLSv1.3"
        return holds_if(good, found="port 25 does not insist on TLS 1.3", remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: MAIL without TLS gets {' '.join(map(str, replies['MAIL']))}"
            for address, replies in probes.each("without tls")
            if replies["MAIL"][0] < 500
        ]
        if mailhost.tls != "closed":
            return not_applicable("this is a public MX (TLS-13)")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-17",
    claim="No listener has TLS of its own that is weaker than the others', and both address families are alike",
    reference="RFC 9325 §3.2; master(5) -o; doveconf ssl_* inside blocks",
)
class TlsIsTheSameEverywhere:
    """One `-o` in master.cf undoes main.cf for a single port, and nobody reads it again."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: -o {setting}={value}"
            for name, settings_of in snapshot.postfix.overrides.items()
            for setting, value in settings_of.items()
            if setting in WEAKENING and name.endswith("/inet")
        ]
        faults += [
            f"dovecot: {path} = {value}"
            for path, value in snapshot.dovecot.items()
            if "/" in path
            and re.fullmatch(r"ssl_(min_protocol|cipher_list|cipher_suites|curve_list)", path.split("/")[-1])
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for port in ports_of(mailhost):
            shown = {address: shape(seen, f"{address} port {port}") for address, seen in probes.each(f"tls/{port}")}
            if len(set(shown.values())) > 1:
                faults.append(f"port {port} differs between {' and '.join(shown)}")
        return holds_unless(faults, remedy=REDEPLOY)


def shape(seen: dict[str, Any], where: str) -> tuple[Any, ...]:
    """Versions and suites of one port, to be compared."""
    versions = tuple(sorted(name for name, answer in seen["versions"].items() if answer.get("version") == name))
    return versions, tuple(collected(seen["suites"], f"{where}: suites"))


@control(
    "TLS-18",
    claim="Whoever names no server or a wrong one gets the certificate all the same",
    reference="RFC 7672 §8.1; RFC 9325 §3.7; postconf(5) tls_server_sni_maps",
    severity="low",
)
class UnknownNamesGetTheCertificate:
    """Many mail servers send no name at all; refusing them is refusing their mail."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, _, seen in exchanges(mailhost, probes):
            right = collected(seen["names"]["right"], f"{where}: with its name")
            for label in ("none", "wrong"):
                answer = seen["names"][label]
                if "error" in answer:
                    faults.append(f"{where}: with {label} name: {answer['error']}")
                elif answer["leaf"] != right["leaf"]:
                    faults.append(f"{where}: with {label} name another certificate comes")
        return holds_unless(faults, remedy="see tls_server_sni_maps of Postfix and local_name of Dovecot")

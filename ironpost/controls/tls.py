"""TLS on every port where mail is spoken. What a port must do follows from its profile (`tls` of the mail host)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_if, holds_unless
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# RFC 9325 §4.2; NCSC-NL 2025-05 appendix B; BSI TR-02102-2 §3.3.1
APPROVED = frozenset(
    {
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    }
)
CLIENT_PORTS = (465, 587, 993, 995)
ROLE_PORTS = {"mx": (25,), "submission": (465, 587), "mailbox": (993, 995)}
CLEARTEXT_PORTS = {"imap": 143, "pop3": 110}
REDEPLOY = "run the deploy again; it puts the configuration back"


def ports_of(mailhost: MailHost) -> tuple[int, ...]:
    """Every port on which TLS is spoken; those that begin in clear text only where the inventory opens them."""
    found = [port for role, ports in ROLE_PORTS.items() if role in mailhost.roles for port in ports]
    return (*found, *(port for name, port in CLEARTEXT_PORTS.items() if name in mailhost.cleartext_ports))


def is_modern(mailhost: MailHost, port: int) -> bool:
    """TLS 1.3 only: client ports of `modern`, and port 25 of a closed community."""
    return mailhost.tls == ("closed" if port == 25 else "modern")


def looks(mailhost: MailHost, probes: Probes) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(where, port, what was seen) of each TLS port of each address."""
    for port in ports_of(mailhost):
        for address, seen in probes.each(f"tls/{port}"):
            yield f"{address} port {port}", port, seen


def speaks(seen: dict[str, Any], version: str, where: str) -> bool:
    """Whether a handshake of this version was answered. Raises NotCollectedError when it was not tried."""
    answer = collected(seen["versions"][version], f"{where}: {version}")
    return bool(answer.get("version") == version)


def served_at_all(seen: dict[str, Any], where: str) -> None:
    """A dead port refuses everything: that is no evidence."""
    if not any(answer.get("version") for answer in seen["versions"].values()):
        raise NotCollectedError(f"{where}: no version of TLS is answered, so nothing can be said")


def smtpd(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str]]]:
    """Each service that takes mail from the network, with its effective settings."""
    for name in snapshot.postfix.smtpd_services:
        yield name, snapshot.postfix.service(name)


def dovecot_value(snapshot: Snapshot, name_2_3: str, name_2_4: str, default: str) -> str:
    """A setting of Dovecot under its name in 2.3 or in 2.4; `default` is what both have when it is not set."""
    return snapshot.dovecot.get(name_2_4, snapshot.dovecot.get(name_2_3, default))


def listed(value: str) -> list[str]:
    """A list of restrictions, names or suites, split as postconf(5) splits it."""
    return [word for word in re.split(r"[,\s]+", value) if word]


@control(
    "TLS-01",
    claim="Port 25 offers STARTTLS on every address and completes a handshake",
    reference="RFC 3207 §4; RFC 7672 §2.2; postconf(5) smtpd_tls_security_level",
    severity="high",
)
class Port25OffersTls:
    """Without it every letter from outside crosses the Internet as a postcard."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        level = service["smtpd_tls_security_level"]
        return holds_if(
            level in ("may", "encrypt") and bool(service["smtpd_tls_chain_files"]),
            found=f"smtpd_tls_security_level = {level!r}, smtpd_tls_chain_files = {service['smtpd_tls_chain_files']!r}",
            remedy=REDEPLOY,
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/25"):
            if "STARTTLS" not in seen["ehlo"]:
                faults.append(f"{address}: EHLO does not offer STARTTLS")
            elif seen["tls_problem"]:
                faults.append(f"{address}: {seen['tls_problem']}")
        return holds_unless(faults, remedy="see smtpd_tls_security_level and smtpd_tls_chain_files on the host")


@control(
    "TLS-02",
    claim="No mail port speaks a version below TLS 1.2, and none below 1.3 where the profile says so",
    reference="RFC 8996 §4–5; RFC 9325 §3.1.1; NCSC-NL 2025-05 §3.3.1; postconf(5) smtpd_tls_protocols",
    severity="high",
)
class NoOldTls:
    """Old versions let a man in the middle choose; Debian's Postfix speaks them unless it is told not to."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            for setting in ("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"):
                if not {">=TLSv1.2", ">=TLSv1.3"} & set(listed(service[setting])):
                    faults.append(f"{name}: {setting} = {service[setting]}")
        oldest = dovecot_value(snapshot, "ssl_min_protocol", "ssl_min_protocol", "TLSv1.2")
        if oldest not in ("TLSv1.2", "TLSv1.3"):
            faults.append(f"dovecot: ssl_min_protocol = {oldest}")
        if mailhost.tls == "modern" and oldest != "TLSv1.3":
            faults.append(f"dovecot: ssl_min_protocol = {oldest} although the profile is modern")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, port, seen in looks(mailhost, probes):
            served_at_all(seen, where)
            forbidden = ("TLSv1", "TLSv1.1", *(["TLSv1.2"] if is_modern(mailhost, port) else []))
            faults += [f"{where} speaks {version}" for version in forbidden if speaks(seen, version, where)]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-03",
    claim="Every TLS port speaks TLS 1.3",
    reference="RFC 9325 §3.1.1; NIST SP 800-52r2 §3.1; postconf(5) smtpd_tls_protocols",
)
class SpeaksTls13:
    """An upper bound left over from an old workaround takes the best version away from everyone."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: {setting} = {service[setting]}"
            for name, service in smtpd(snapshot)
            for setting in ("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols")
            if "<=" in service[setting] or "!TLSv1.3" in service[setting]
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{where} does not speak TLS 1.3"
            for where, _, seen in looks(mailhost, probes)
            if not speaks(seen, "TLSv1.3", where)
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-04",
    claim="In TLS 1.2 only ECDHE with AES-GCM or ChaCha20-Poly1305 is accepted",
    reference="RFC 9325 §4.1–4.2; NCSC-NL 2025-05 §3.3.3–3.3.4; BSI TR-02102-2 §3.3.1; postconf(5) tls_high_cipherlist",
    severity="high",
)
class OnlyStrongSuites:
    """Everything else lacks forward secrecy or has known weaknesses; `high` alone still accepts more than fifty."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            grades = {service["smtpd_tls_ciphers"], service["smtpd_tls_mandatory_ciphers"]}
            if grades != {"high"}:
                faults.append(f"{name}: cipher grade {' and '.join(sorted(grades))} in place of high")
            extra = suites(service["tls_high_cipherlist"]) - APPROVED
            faults += [f"{name}: tls_high_cipherlist holds {word}" for word in sorted(extra)]
        extra = suites(snapshot.dovecot.get("ssl_cipher_list", "the default")) - APPROVED
        faults += [f"dovecot: ssl_cipher_list holds {word}" for word in sorted(extra)]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, port, seen in looks(mailhost, probes):
            accepted = collected(seen["suites"], f"{where}: suites")
            faults += [f"{where} accepts {suite}" for suite in accepted if suite not in APPROVED]
            if not accepted and not is_modern(mailhost, port):
                faults.append(f"{where} accepts no TLS 1.2 suite at all")
        return holds_unless(faults, remedy=REDEPLOY)


def suites(value: str) -> set[str]:
    return set(re.split(r"[:,\s]+", value.strip()))


@control(
    "TLS-05",
    claim="Suites without authentication or without encryption are refused",
    reference="RFC 9325 §4.1; postconf(5) smtpd_tls_exclude_ciphers",
    severity="high",
)
class NoAnonymousSuites:
    """Stock Postfix negotiates them: a man in the middle needs no certificate."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_tls_exclude_ciphers = {service['smtpd_tls_exclude_ciphers']!r} lets {word} in"
            for name, service in smtpd(snapshot)
            if "aNULL" not in listed(service["smtpd_tls_exclude_ciphers"])
            for word in sorted(suites(service["tls_high_cipherlist"]) - APPROVED) or ["aNULL"]
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, _, seen in looks(mailhost, probes):
            served_at_all(seen, where)
            answer = collected(seen["anonymous"], f"{where}: anonymous suites")
            if "suite" in answer:
                faults.append(f"{where} accepts {answer['suite']}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-07",
    claim="The TLS 1.2 key exchange is not signed with SHA-1",
    reference="RFC 9155 §2–4; NCSC-NL 2025-05 §3.3.5; postconf(5) tls_config_file",
)
class NoSha1Signatures:
    """Collisions in SHA-1 are affordable; a misspelt section name in the file that forbids it is silent."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        file = snapshot.postfix.tls_config
        text, name = str(file.get("text", "")), snapshot.postfix.value("tls_config_name")
        faults = []
        if not file or isinstance(file.get("text"), dict):
            faults.append(f"tls_config_file = {snapshot.postfix.value('tls_config_file')} cannot be read")
        elif not re.search(rf"^\s*{re.escape(name or 'openssl_conf')}\s*=", text, re.M):
            faults.append(f"{file['path']} has no section for tls_config_name = {name}")
        elif not re.search(r"^\s*SignatureAlgorithms\s*=", text, re.M) or re.search(r"SHA1\b|SHA224", settings(text)):
            faults.append(f"{file['path']} does not restrict SignatureAlgorithms to SHA-256 and better")
        elif not file["access"] or file["access"]["uid"] != 0 or file["access"]["mode"] & 0o022:
            faults.append(f"{file['path']} can be written by others than root")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, _, seen in looks(mailhost, probes):
            served_at_all(seen, where)
            answer = collected(seen["sha1"], f"{where}: SHA-1")
            if answer.get("signature") in (0x0201, 0x0203):
                faults.append(f"{where} signs with SHA-1 for those who ask for it")
        return holds_unless(faults, remedy=REDEPLOY)


def settings(text: str) -> str:
    """A configuration without its comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


@control(
    "TLS-15",
    claim="Port 465 speaks TLS from the first byte, and 587 takes neither MAIL nor AUTH before it",
    reference="RFC 8314 §3.3, §4.1; RFC 6409 §4; master(5); postconf(5) smtpd_tls_wrappermode",
    severity="high",
)
class SubmissionOnlyInsideTls:
    """A password that crossed in clear text once is a password of two people."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        implicit = snapshot.postfix.service("submissions/inet")
        faults = []
        if implicit["smtpd_tls_wrappermode"] != "yes":
            faults.append("submissions: smtpd_tls_wrappermode is not yes")
        for name in ("submissions/inet", "submission/inet"):
            level = snapshot.postfix.service(name)["smtpd_tls_security_level"]
            if level != "encrypt":
                faults.append(f"{name}: smtpd_tls_security_level = {level}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/465"):
            if re.search(r"^220", seen["plain"], re.M):
                faults.append(f"{address} port 465 greets in clear text")
        for address, seen in probes.each("smtp/587"):
            for command in ("MAIL", "AUTH"):
                code, text = seen["replies"][command]
                if code < 500:
                    faults.append(f"{address} port 587 answers {command} before TLS with {code} {text}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-16",
    claim="What comes before the TLS handshake is not executed after it",
    reference="CVE-2011-0411; CVE-2021-33515; RFC 3207 §4.2; RFC 9051 §11.1",
    severity="high",
)
class NothingSurvivesStarttls:
    """Else a man in the middle puts commands into the victim's encrypted session."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_forbid_unauth_pipelining = {service['smtpd_forbid_unauth_pipelining']}"
            for name, service in smtpd(snapshot)
            if service["smtpd_forbid_unauth_pipelining"] != "yes"
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for port in (25, 587):
            for address, seen in probes.each(f"injection/{port}"):
                if seen["after"]:
                    faults.append(f"{address} port {port} answers after the handshake: {seen['after'].strip()[:60]}")
        return holds_unless(faults, remedy="upgrade the package; both releases are fixed")

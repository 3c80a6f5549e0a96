"""TLS beyond versions and suites: who chooses, with which groups, what is remembered, and for whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_if, holds_unless, not_applicable
from ironpost.controls.tls import (
    CLEARTEXT_PORTS,
    REDEPLOY,
    dovecot_value,
    is_modern,
    listed,
    looks,
    ports_of,
    settings,
    smtpd,
)
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# NCSC-NL 2025-05 §3.3.2.1; BSI TR-02102-2 §3.6; the names of OpenSSL, as all three programs read them.
GROUPS = frozenset(
    {
        *("x25519", "x448", "x25519mlkem768", "secp256r1mlkem768", "auto"),
        *("prime256v1", "secp256r1", "p-256", "secp384r1", "p-384", "secp521r1", "p-521"),
    }
)
HYBRID, HYBRID_CODE = "X25519MLKEM768", 0x11EC
P256 = 0x0017
DAY = 86400


def exchanges(mailhost: MailHost, probes: Probes) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(where, port, what was seen) of each client port and of 25, on each address."""
    for port in (port for port in ports_of(mailhost) if port not in CLEARTEXT_PORTS.values()):
        for address, seen in probes.each(f"exchange/{port}"):
            yield f"{address} port {port}", port, seen


def groups_of(text: str) -> set[str]:
    """The names in a list of groups; `*`, `/` and `?` of OpenSSL 3.5 only order them."""
    return {word.strip("*?").lower() for word in re.split(r"[\s:/]+", text) if word.strip("*?")}


def lists_of_groups(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """(where it stands, value) of each list of groups that is set."""
    for name in ("tls_eecdh_auto_curves", "tls_ffdhe_auto_groups"):
        yield f"postfix {name}", snapshot.postfix.main.get(name, "")
    found = re.search(r"^\s*Groups\s*=(.*)$", settings(str(snapshot.postfix.tls_config.get("text", ""))), re.M)
    yield "postfix tls_config_file Groups", found[1] if found else ""
    yield "dovecot ssl_curve_list", snapshot.dovecot.get("ssl_curve_list", "")


@control(
    "TLS-06",
    claim="In TLS 1.2 the host's own order of suites decides",
    reference="NIST SP 800-52r2 §3.3.1; NCSC-NL 2025-05 §3.3; postconf(5) tls_preempt_cipherlist",
)
class OwnOrderOfSuites:
    """A client that asks for the weakest first would get it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: tls_preempt_cipherlist = {service['tls_preempt_cipherlist']}"
            for name, service in smtpd(snapshot)
            if service["tls_preempt_cipherlist"] != "yes"
        ]
        order = dovecot_value(snapshot, "ssl_prefer_server_ciphers", "ssl_server/prefer_ciphers", "client")
        if order not in ("yes", "server"):
            faults.append(f"dovecot: the order of suites is the client's ({order})")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults, asked = [], False
        for where, port, seen in exchanges(mailhost, probes):
            if is_modern(mailhost, port):
                continue
            answer = collected(seen["order"], f"{where}: order of suites")
            asked = True
            if "AES256" not in str(answer.get("suite", "")):
                faults.append(f"{where} takes {answer.get('suite', 'nothing')} because the client named it first")
        return holds_unless(faults, remedy=REDEPLOY) if asked else not_applicable("no port speaks TLS 1.2")


@control(
    "TLS-08",
    claim="Keys are agreed on with X25519, X448, the NIST curves from 256 bits or a hybrid, and with nothing weaker",
    reference="NCSC-NL 2025-05 §3.3.2.1; BSI TR-02102-2 §3.6; RFC 7919; postconf(5) tls_eecdh_auto_curves",
)
class NoWeakGroups:
    """A small group is broken once, and with it all that was ever recorded."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{where} holds {group}"
            for where, value in lists_of_groups(snapshot)
            for group in sorted(groups_of(value) - GROUPS)
            if not group.startswith("ffdhe")
        ]
        own = snapshot.postfix.main.get("smtpd_tls_dh1024_param_file", "")
        if own not in ("", "auto"):
            faults.append(f"postfix: smtpd_tls_dh1024_param_file = {own}, a group of one's own")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, _, seen in exchanges(mailhost, probes):
            for version, found in seen["weak_groups"].items():
                answer = collected(found, f"{where}: weak groups in {version}")
                if answer.get("group") not in (None, P256):
                    faults.append(f"{where} agrees on group 0x{answer['group']:04X} in {version}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-09",
    claim="Those who can agree on keys with the hybrid X25519MLKEM768",
    reference="NCSC-NL 2025-05 §3.3.2.1; postconf(5) tls_config_file; OpenSSL SSL_CONF_cmd(3) Groups",
    level="strict",
    needs=("trixie",),
)
class HybridKeyExchange:
    """What is recorded today is read when there is a quantum computer; OpenSSL of Debian 12 cannot do it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        values = dict(lists_of_groups(snapshot))
        faults = [
            f"{where} does not hold {HYBRID}"
            for where in ("postfix tls_config_file Groups", "dovecot ssl_curve_list")
            if HYBRID.lower() not in groups_of(values[where])
        ]
        faults += [
            f"{where} = {values[where]}, which takes the place of Groups"
            for where in ("postfix tls_eecdh_auto_curves", "postfix tls_ffdhe_auto_groups")
            if values[where]
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{where} does not agree on {HYBRID}"
            for where, _, seen in exchanges(mailhost, probes)
            if collected(seen["hybrid"], f"{where}: {HYBRID}").get("group") != HYBRID_CODE
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-10",
    claim="TLS does not compress, and does not renegotiate on a client's word",
    reference="RFC 9325 §3.3, §3.5; RFC 5746; postconf(5) tls_ssl_options",
)
class NoCompressionNoRenegotiation:
    """Compression tells secrets by its size; renegotiation is cheap to ask for and dear to grant."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        words = {word.upper() for word in listed(snapshot.postfix.value("tls_ssl_options"))}
        lacking = sorted({"NO_COMPRESSION", "NO_RENEGOTIATION"} - words)
        return holds_if(not lacking, found=f"tls_ssl_options lacks {', '.join(lacking)}", remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, port, seen in looks(mailhost, probes):
            if is_modern(mailhost, port):
                continue
            answer = collected(seen["versions"]["TLSv1.2"], f"{where}: TLS 1.2")
            if answer.get("compression", 0):
                faults.append(f"{where} compresses")
            if answer.get("version") and not answer.get("secure_renegotiation"):
                faults.append(f"{where} does not know secure renegotiation")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLS-11",
    claim="TLS 1.2 sessions have an extended master secret",
    reference="RFC 7627 §5; NCSC-NL 2025-05 §4.1; OpenSSL SSL_CONF_cmd(3) Options",
)
class ExtendedMasterSecret:
    """Without it two sessions can be made to share their keys (triple handshake)."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = settings(str(snapshot.postfix.tls_config.get("text", "")))
        return holds_if(
            "-extendedmastersecret" not in text.lower(),
            found=f"{snapshot.postfix.tls_config.get('path')} switches it off",
            remedy=REDEPLOY,
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults, asked = [], False
        for where, port, seen in looks(mailhost, probes):
            if is_modern(mailhost, port):
                continue
            answer = collected(seen["versions"]["TLSv1.2"], f"{where}: TLS 1.2")
            asked = True
            if answer.get("version") and not answer.get("extended_master_secret"):
                faults.append(f"{where} does not use it")
        return holds_unless(faults, remedy=REDEPLOY) if asked else not_applicable("no port speaks TLS 1.2")


@control(
    "TLS-12",
    claim="A session can be resumed for a day at most",
    reference="RFC 9325 §3.4, §3.10; NIST SP 800-52r2 §3.6; postconf(5) smtpd_tls_session_cache_timeout",
)
class TicketsAreShortLived:
    """The key of a ticket opens every session that it resumes."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        value = snapshot.postfix.value("smtpd_tls_session_cache_timeout")
        return holds_if(seconds(value) <= DAY, found=f"smtpd_tls_session_cache_timeout = {value}", remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, _, seen in exchanges(mailhost, probes):
            lasts = collected(seen["tickets"], f"{where}: tickets")["seconds"]
            if lasts > DAY:
                faults.append(f"{where} gives tickets for {lasts} s")
        return holds_unless(faults, remedy=REDEPLOY)

    def strict_inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        options = snapshot.dovecot.get("ssl_options", "")
        return holds_if("no_ticket" in options, found=f"dovecot: ssl_options = {options}", remedy=REDEPLOY)


def seconds(value: str) -> int:
    """A time as postconf(5) writes it."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return int(value[:-1]) * units[value[-1]] if value[-1:] in units else int(value)

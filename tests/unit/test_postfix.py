"""What Postfix is told, read as Postfix reads it."""

from __future__ import annotations

import re

import pytest

from ironpost.component import HostFile
from ironpost.components.postfix import postfix
from ironpost.mailhost import MailHost
from tests.golden.trees import WHOLE

MODERN, INTERMEDIATE, CLOSED = WHOLE
each_mailhost = pytest.mark.parametrize("mailhost", WHOLE, ids=lambda mailhost: mailhost.name)


def text(mailhost: MailHost, path: str) -> str:
    file = next(file for file in postfix(mailhost).files if file.path == path)
    assert isinstance(file.content, str)
    return file.content


def logical_lines(content: str) -> list[str]:
    """postconf(5): comments and empty lines are skipped, an indented line continues the one before."""
    lines: list[str] = []
    for line in content.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            if line[0].isspace():
                lines[-1] += " " + line.strip()
            else:
                lines.append(line.rstrip())
    return lines


def main_cf(mailhost: MailHost) -> dict[str, str]:
    pairs = [line.partition("=") for line in logical_lines(text(mailhost, "/etc/postfix/main.cf"))]
    names = [name.strip() for name, _, _ in pairs]
    assert sorted(names) == sorted(set(names)), "a parameter stands twice"
    return {name.strip(): value.strip() for name, _, value in pairs}


def services(mailhost: MailHost) -> dict[tuple[str, str], list[str]]:
    """The fields of each service of master.cf, by name and type."""
    rows = [line.split() for line in logical_lines(text(mailhost, "/etc/postfix/master.cf"))]
    return {(row[0], row[1]): row for row in rows}


def options(mailhost: MailHost, service: str) -> dict[str, str]:
    words = services(mailhost)[service, "inet"]
    pairs = [words[place + 1].partition("=") for place, word in enumerate(words) if word == "-o"]
    return {name: value for name, _, value in pairs}


@each_mailhost
def test_nobody_logs_in_on_port_25(mailhost: MailHost) -> None:
    """A password that is taken there is guessed there; main.cf alone would not show an option of the service."""
    assert main_cf(mailhost)["smtpd_sasl_auth_enable"] == "no"
    assert options(mailhost, "smtp") == {}


@each_mailhost
@pytest.mark.parametrize("service", ["submissions", "submission"])
def test_submission_asks_for_tls_and_login_before_all_else(mailhost: MailHost, service: str) -> None:
    """One of these options less, and the port relays for whoever is on this machine, or takes passwords in clear."""
    found, settings = options(mailhost, service), main_cf(mailhost)
    assert found["smtpd_tls_security_level"] == "encrypt"
    assert found["smtpd_sasl_auth_enable"] == "yes"
    for name in ("client", "relay"):
        parameter = found[f"smtpd_{name}_restrictions"].removeprefix("$")
        asked = settings[parameter].removeprefix("check_client_access cidr:/etc/postfix/submission_access, ")
        assert asked == "permit_sasl_authenticated, reject"


@each_mailhost
@pytest.mark.parametrize("service", ["submissions", "submission"])
def test_the_first_question_about_a_sender_is_whose_it_is(mailhost: MailHost, service: str) -> None:
    """A permit in front of it would let every login write in the name of every other."""
    parameter = options(mailhost, service)["smtpd_sender_restrictions"].removeprefix("$")
    assert main_cf(mailhost)[parameter].startswith("reject_sender_login_mismatch,")


def test_both_submission_ports_are_told_the_same_but_for_how_tls_begins() -> None:
    """A rule added to one of them only is an open door next to a locked one."""
    implicit, explicit = options(MODERN, "submissions"), options(MODERN, "submission")
    assert implicit.pop("smtpd_tls_wrappermode") == "yes"
    assert implicit.pop("syslog_name") != explicit.pop("syslog_name")
    assert implicit == explicit


@pytest.mark.parametrize(
    ("mailhost", "users", "servers", "level"),
    [
        (MODERN, ">=TLSv1.3", ">=TLSv1.2", "may"),
        (INTERMEDIATE, ">=TLSv1.2", ">=TLSv1.2", "may"),
        (CLOSED, ">=TLSv1.2", ">=TLSv1.3", "encrypt"),
    ],
    ids=["modern", "intermediate", "closed"],
)
def test_tls_follows_the_one_setting_of_the_mail_host(mailhost: MailHost, users: str, servers: str, level: str) -> None:
    """`modern` must not cut off other servers, and `closed` must not take mail in clear."""
    settings = main_cf(mailhost)
    assert settings["submission_tls_protocols"] == users
    assert settings["smtpd_tls_mandatory_protocols"] == servers
    assert settings["smtpd_tls_security_level"] == level
    assert settings["smtpd_tls_protocols"] == ">=TLSv1.2"


@each_mailhost
def test_strangers_relay_nothing_and_are_told_so_for_good(mailhost: MailHost) -> None:
    """A deferral makes the sender try for days; a permit for networks makes every local program a relay."""
    assert main_cf(mailhost)["smtpd_relay_restrictions"] == "reject_unauth_destination"
    assert main_cf(mailhost)["mynetworks"] == "127.0.0.0/8, [::1]/128"


@each_mailhost
def test_smuggling_protection_makes_no_exception(mailhost: MailHost) -> None:
    """Debian 12 has it switched off, and both releases exempt mynetworks unless told otherwise."""
    settings = main_cf(mailhost)
    assert settings["smtpd_forbid_bare_newline"] == mailhost.bare_newline
    assert settings["smtpd_forbid_bare_newline_exclusions"] == ""
    assert settings["smtpd_forbid_unauth_pipelining"] == "yes"


@each_mailhost
def test_no_domain_is_in_two_classes(mailhost: MailHost) -> None:
    """The host's own name may be a hosted domain as well; then it stands there once."""
    settings = main_cf(mailhost)
    domains = settings["virtual_mailbox_domains"].split()
    assert domains == list(dict.fromkeys([*mailhost.domain_names, mailhost.name]))
    assert [settings[name] for name in ("mydestination", "virtual_alias_domains", "relay_domains")] == [""] * 3


@each_mailhost
def test_no_service_is_chrooted(mailhost: MailHost) -> None:
    """A service in the jail does not find the sockets of Dovecot and rspamd, and uses yesterday's resolver."""
    assert {name: row[4] for name, row in services(mailhost).items() if row[4] != "n"} == {}


@each_mailhost
def test_every_table_is_one_of_our_files_and_needs_no_compiling(mailhost: MailHost) -> None:
    """A compiled table would be missing while a generation is staged, and stale after a rollback."""
    written = {file.path for file in postfix(mailhost).files}
    content = text(mailhost, "/etc/postfix/main.cf") + text(mailhost, "/etc/postfix/master.cf")
    tables = set(re.findall(r"\b([a-z]+):(/[^\s,]+)", content))
    assert {kind for kind, path in tables} <= {"texthash", "regexp", "cidr", "unix", "ldap", "pgsql"}
    assert {path for kind, path in tables if kind != "unix"} <= written


def test_the_releases_differ_only_where_postfix_does() -> None:
    """main.cf exists twice; a change that was made to one of them only must not stay unseen."""
    old, new = main_cf(INTERMEDIATE), main_cf(CLOSED)
    assert set(new) - set(old) == {
        "smtpd_client_ipv6_prefix_length",
        "tls_eecdh_auto_curves",
        "tls_ffdhe_auto_groups",
        "tls_required_enable",
    }
    of_settings = {"postscreen_greet_action", "recipient_canonical_classes", "recipient_canonical_maps"}
    of_settings |= {"forward_relay_restrictions", "forward_recipient_restrictions"}
    assert set(old) - set(new) == of_settings
    of_the_host = {
        "smtpd_forbid_bare_newline",
        "compatibility_level",
        "myhostname",
        "myorigin",
        "virtual_mailbox_domains",
    }
    of_the_host |= {"smtpd_tls_security_level", "smtpd_tls_mandatory_protocols", "message_size_limit", "queue_minfree"}
    of_the_host |= {"smtpd_client_connection_count_limit", "smtpd_client_connection_rate_limit"}
    of_the_host |= {"smtpd_client_new_tls_session_rate_limit", "submission_auth_rate_limit"}
    of_the_host |= {
        "smtpd_tls_chain_files",
        "submission_client_restrictions",
        "smtpd_recipient_restrictions",
        "submission_connection_count_limit",
        "maximal_queue_lifetime",
        "bounce_queue_lifetime",
    }
    of_the_host |= {"machine_1", "machine_2", "user_1", "relayhost", "virtual_alias_maps"}
    assert {name for name in old if name in new and old[name] != new[name]} <= of_the_host


def test_a_host_with_one_kind_of_address_sends_from_no_other() -> None:
    """Mail over an IPv6 address that SPF and PTR do not know is refused at the other end."""
    assert "inet_protocols=ipv4" in services(CLOSED)["smtp", "unix"]
    assert "-o" not in services(MODERN)["smtp", "unix"]


def cleaned(mailhost: MailHost, name: str, header: str) -> str | None:
    """What header_checks(5) leave of a header: None when it is dropped. POSIX classes are spelt as Python has them."""
    for line in logical_lines(text(mailhost, f"/etc/postfix/{name}")):
        pattern, action, replacement = re.fullmatch(r"/(.*)/ (\w+) ?(.*)", line, re.S).groups()  # type: ignore[union-attr]
        found = re.search(pattern.replace("[[:space:]]", r"\s"), header, re.I | re.S)
        if found:
            return None if action == "IGNORE" else found.expand(replacement.replace("$", "\\"))
    return header


OURS = (
    "Received: from [192.168.1.7] (laptop.home [198.51.100.7])\n\t(using TLSv1.3 with cipher X (256/256 bits))\n"
    "\t(No client certificate requested)\n\tby mx1.example.org (Postfix) with ESMTPSA id 4jYS1\n"
    "\tfor <carol@example.net>; Tue, 24 Nov 2026 02:45:46 +0000 (UTC)"
)


def test_submitted_mail_does_not_say_where_its_author_sits() -> None:
    """The recipient learns the host, the time and the queue id, not the address of somebody's home."""
    assert cleaned(MODERN, "submission_header_checks", OURS) == (
        "Received: by mx1.example.org (Postfix) with ESMTPSA id 4jYS1\n"
        "\tfor <carol@example.net>; Tue, 24 Nov 2026 02:45:46 +0000 (UTC)"
    )


@pytest.mark.parametrize("header", ["User-Agent: A/1", "X-Mailer: B", "x-originating-ip: [10.0.0.1]"])
def test_submitted_mail_does_not_name_its_program(header: str) -> None:
    """Which program with which holes somebody uses is nobody's business."""
    assert cleaned(MODERN, "submission_header_checks", header) is None


def test_trace_lines_of_other_hosts_and_other_headers_are_kept() -> None:
    """Received lines of others are evidence (RFC 5321 §4.4), and a subject may quote one."""
    for header in (OURS.replace("mx1.example.org", "mx9.example.org"), "Subject: User-Agent: A", "From: a@example.org"):
        assert cleaned(MODERN, "submission_header_checks", header) == header


def test_apples_mime_version_loses_its_comment() -> None:
    """It holds program and version; header_checks never see this header."""
    header = r"Mime-Version: 1.0 (Mac OS X Mail 16.0 \(3776.700.51\))"
    assert cleaned(MODERN, "submission_mime_checks", header) == "MIME-Version: 1.0"
    assert cleaned(MODERN, "submission_mime_checks", "MIME-Version: 1.0") == "MIME-Version: 1.0"


def test_the_unit_is_the_one_that_runs() -> None:
    """On Debian 12 a reload of postfix.service changes nothing and reports success."""
    assert [unit.name for unit in postfix(MODERN).units] == ["postfix.service"]
    assert [unit.name for unit in postfix(INTERMEDIATE).units] == ["postfix@-.service"]


@each_mailhost
def test_each_table_is_asked_before_it_goes_live(mailhost: MailHost) -> None:
    """`postfix check` is content with a table that is missing."""
    commands = "\n".join(check.command for check in postfix(mailhost).checks)
    for name in ("recipients", "aliases", "senders", "helo_access"):
        assert commands.count(f"texthash:/etc/postfix/{name}") >= (2 if name != "senders" else 1)


@each_mailhost
def test_programs_for_the_host_are_python_that_debian_12_understands(mailhost: MailHost) -> None:
    """They are sent as text; a slip in them would show only on a host."""
    programs = [file for file in postfix(mailhost).files if file.path.startswith("/usr/lib/ironpost/")]
    assert len(programs) == 2
    for file in programs:
        assert isinstance(file, HostFile) and isinstance(file.content, str)
        compile(file.content, file.path, "exec")
        assert file.mode == 0o755

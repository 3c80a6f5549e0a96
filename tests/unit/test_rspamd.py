"""What rspamd is told: who is trusted, what is refused, what is signed, and whom it never asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ironpost.components.rspamd import rspamd
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import mailhost, write_inventory

TWO_DOMAINS = (
    '[Domain(name="example.org", users="users/example.org.toml"),'
    ' Domain(name="example.com", users="users/example.com.toml", dkim=Dkim(rsa="k1", ed25519="k2"))]'
)


def host(folder: Path, **settings: str) -> MailHost:
    path = write_inventory(folder, mailhost(**settings))
    (folder / "users" / "example.com.toml").write_text("")
    return read_inventory(path).mailhosts[0]


def text(mail: MailHost, name: str) -> str:
    """A file of rspamd without its comments."""
    content = next(file.content for file in rspamd(mail).files if file.path.endswith(name))
    assert isinstance(content, str)
    return re.sub(r"^\s*#.*\n", "", content, flags=re.M)


def test_each_domain_signs_with_keys_of_its_own(tmp_path: Path) -> None:
    """Mail of one domain signed by another is unsigned as far as DMARC is concerned."""
    mail = host(tmp_path, domains=TWO_DOMAINS)
    assert [(each.domain, each.label, each.rsa, each.ed25519) for each in rspamd(mail).signers] == [
        ("example.org", "mx1", None, None),
        ("example.com", "mx1", "k1", "k2"),
    ]
    signing = text(mail, "rspamd.conf.override")
    for domain in ("example.org", "example.com"):
        section = f'"{domain}" {{\n      .include "/var/lib/rspamd/dkim/{domain}.signing"\n    }}'
        assert section in signing


def test_only_this_machine_is_local(tmp_path: Path) -> None:
    """The stock list takes all private networks for local: no SPF, no DMARC, and signatures for strangers."""
    assert 'local_addrs = ["127.0.0.0/8", "::1"];' in text(host(tmp_path), "options.inc")


def test_no_port_is_opened(tmp_path: Path) -> None:
    """The stock controller listens with the password q1."""
    mail = host(tmp_path)
    assert rspamd(mail).ports == ()
    assert text(mail, "worker-normal.inc").strip() == "enabled = false;"
    for name in ("worker-proxy.inc", "worker-controller.inc"):
        sockets = re.findall(r'bind_socket = "([^"]*)"', text(mail, name))
        assert len(sockets) == 1 and sockets[0].startswith("/run/rspamd/") and "mode=0660" in sockets[0]
    assert "port 0" in text(mail, "redis.conf").splitlines()


@pytest.mark.parametrize("module", ["asn", "fuzzy_check", "phishing", "rbl", "surbl", "multimap", "url_redirector"])
def test_nobody_outside_is_asked(tmp_path: Path, module: str) -> None:
    """Whoever is asked learns who writes to whom; and without the Internet mail would stand still."""
    assert f"{module} {{ enabled = false; }}" in text(host(tmp_path), "rspamd.conf.override")


def test_a_direct_spoof_is_refused_and_a_list_is_not(tmp_path: Path) -> None:
    """RFC 9989 §7.4: p=reject alone is no reason to refuse what came through a mailing list."""
    policy = text(host(tmp_path), "rspamd.conf.override")
    assert 'expression = "DMARC_POLICY_REJECT & !LIST_HEADER & !R_DKIM_ALLOW"' in policy
    assert 'quarantine = "add_header";' in policy and 'reject = "add_header";' in policy


def test_strict_refuses_every_failure(tmp_path: Path) -> None:
    """For those who prefer to lose list mail."""
    policy = text(host(tmp_path, dmarc_inbound='"strict"'), "rspamd.conf.override")
    assert 'expression = "DMARC_POLICY_REJECT | DMARC_POLICY_QUARANTINE"' in policy
    assert 'quarantine = "reject";' in policy and 'reject = "reject";' in policy


def test_greylisting_is_off_unless_asked_for(tmp_path: Path) -> None:
    """Stock rspamd turns it on as soon as Redis is there, and mail is late by minutes to hours."""
    off, on = (text(host(tmp_path, greylisting=word), "rspamd.conf.override") for word in ("False", "True"))
    assert "greylist = null;" in off and "greylist { enabled = false; }" in off
    assert "greylist = 4;" in on and "greylist { enabled = true; }" in on

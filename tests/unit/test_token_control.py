"""AUTH-16 on evidence written by hand: what it must find, and what it must not mistake for a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ironpost.controls.control import control_of
from ironpost.controls.tokens import TokensAreThoseOfTheProvider
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost
from tests.golden.trees import MAILHOSTS
from tests.unit.test_openid import ISSUER, host

CONTROL = control_of(TokensAreThoseOfTheProvider)
NEW = """\
auth_mechanisms = plain login oauthbearer xoauth2
oauth2 {
  active_attribute = active
  active_value = true
  introspection_mode = post
  introspection_url = http://127.0.0.1:915/introspect
  username_attribute = username
}
passdb lua {
  mechanisms_filter = plain login
}
passdb passwd-file {
  mechanisms_filter = plain login
}
"""
STATUS = {"domain": "example.org", "issuer": ISSUER, "audience": "mail", "algorithms": ["RS256"], "scope": []}


def inside(mailhost: MailHost, text: str = NEW, status: dict[str, Any] | None = None, answer: Any = None) -> str:
    forged = [{"what": "without a signature", "answer": {"active": False} if answer is None else answer}]
    tokens = {"units": {"text": ""}, "status": [STATUS | (status or {})], "forged": forged}
    assert CONTROL.inside
    verdict = CONTROL.inside(mailhost, Snapshot({"dovecot": {"text": text}, "tokens": tokens, "stores": {"files": {}}}))
    return f"{verdict.state}: {verdict.found}"


def test_a_host_that_does_what_the_inventory_says_has_no_fault(tmp_path: Path) -> None:
    """With a provider, and without one."""
    assert inside(host(tmp_path)) == "holds: "
    assert inside(host(tmp_path), answer={}) == "holds: "  # nobody can say: nobody is let in
    assert inside(MAILHOSTS[0], "auth_mechanisms = plain login\n") == "holds: "


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (" xoauth2\n", "\n", "dovecot does not offer XOAUTH2"),
        ("127.0.0.1:915", "192.0.2.1", "oauth2 introspection_url = http://192.0.2.1/introspect"),
        ("  active_value = true\n", "", "oauth2 active_value = unset"),
        ("  mechanisms_filter = plain login\n", "", "lua is asked about any logins"),
    ],
)
def test_what_makes_dovecot_believe_anybody_is_found(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in inside(host(tmp_path), NEW.replace(old, new, 1))


def test_what_the_check_itself_takes_is_found(tmp_path: Path) -> None:
    """Its settings as it says them, and what it answers to a forged token."""
    assert "tokens signed by HS256 are taken" in inside(host(tmp_path), status={"algorithms": ["RS256", "HS256"]})
    assert "audience is calendar" in inside(host(tmp_path), status={"audience": "calendar"})
    assert "nobody checks the tokens of example.org" in inside(host(tmp_path), status={"domain": "example.net"})
    assert "a token without a signature is taken" in inside(host(tmp_path), answer={"active": True})


def test_tokens_that_nobody_asked_for_are_found() -> None:
    """A provider that the inventory does not name is a master key in somebody's hands."""
    found = inside(MAILHOSTS[0], NEW)
    assert "dovecot offers OAUTHBEARER, and the inventory names no provider" in found
    assert "dovecot asks somebody about tokens" in found


def test_a_stranger_tries_a_token_without_a_signature(tmp_path: Path) -> None:
    """And sees what is offered inside TLS, port by port."""
    offered = {"offered": ["PLAIN", "OAUTHBEARER", "XOAUTH2"]}
    seen = {"tokens/465": offered | {"reply": [535, "no"]}, "tokens/993": offered, "tokens/995": offered}
    assert CONTROL.outside
    assert CONTROL.outside(host(tmp_path), probes(seen)).state == "holds"
    let_in = CONTROL.outside(host(tmp_path), probes(seen | {"tokens/465": offered | {"reply": [235, "yes"]}}))
    assert "a token without a signature gets 235 yes" in let_in.found
    assert "192.0.2.1 port 993 offers XOAUTH2" in CONTROL.outside(MAILHOSTS[0], probes(seen)).found


def probes(seen: dict[str, Any]) -> Probes:
    return Probes({"addresses": {"192.0.2.1": seen}, "sources": []})

"""The check of access tokens when the provider is away, changes its keys, or when somebody has changed the check."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, failed_logins, run_command, succeed
from tests.lab.openid.inventory import address
from tests.lab.openid.logins import by_imap, by_pop3, by_smtp, everywhere
from tests.lab.openid.server import SERVER, UNIT, answers, rotate
from tests.lab.test_openid import OPENED, REFUSED, Tokens, both, tokens

__all__ = ["tokens"]
pytestmark = pytest.mark.soak
SERVICE = "ironpost-openid.service"
KEPT = "/var/lib/ironpost-openid/*.json"
PAUSE = 11  # seconds for which the service does not ask a provider again
OLDER = """python3 -c '
import glob, json
for path in glob.glob("/var/lib/ironpost-openid/*.json"):
    kept = json.load(open(path))
    kept["fetched"] -= 25 * 3600
    json.dump(kept, open(path, "w"))
'"""


@contextlib.contextmanager
def away(lab: Lab) -> Iterator[None]:
    lab.run(SERVER, f"systemctl stop {UNIT}")
    try:
        yield
    finally:
        lab.run(SERVER, f"systemctl start {UNIT}")
        answers(lab)


def restarted(lab: Lab, host: str, before: str = "true") -> None:
    """The service with what it finds on disk; a socket waits for it meanwhile."""
    lab.run(host, f"systemctl stop {SERVICE}; {before}; systemctl start {SERVICE}")


def put_off(lab: Lab, host: str, user: str, token: str) -> bool:
    """Nobody is let in, and SMTP says "later". Dovecot 2.4 has no word for that in IMAP and POP3 (decision 21)."""
    code, text = by_smtp(lab, host, user, token)
    assert (code, text[:5]) == (454, "4.7.0"), text
    said = (by_imap(lab, host, user, token), by_pop3(lab, host, user, token))
    if lab.host(host).release == "bookworm":
        return "[UNAVAILABLE]" in said[0] and "[SYS/TEMP]" in said[1]
    return said == REFUSED[1:]


@both
def test_while_the_provider_is_away_its_keys_serve_for_a_bounded_time(tokens: Tokens, host: str) -> None:
    """Also after a restart; keys that are older than a day open nothing, and neither does a service without keys."""
    lab, user, token = tokens.lab, address(host, "nora"), tokens.of(host, "nora")
    assert everywhere(lab, host, user, token) == OPENED
    counted = failed_logins(lab, host)
    with away(lab):
        restarted(lab, host)
        assert everywhere(lab, host, user, token) == OPENED
        restarted(lab, host, OLDER)
        assert put_off(lab, host, user, token)
        restarted(lab, host, f"rm -f {KEPT}")
        assert put_off(lab, host, user, token)
    assert failed_logins(lab, host) == counted
    time.sleep(PAUSE)
    assert everywhere(lab, host, user, token) == OPENED


@both
def test_failed_tokens_are_counted_as_failed_logins(tokens: Tokens, host: str) -> None:
    """One line for each try, whatever the protocol."""
    lab, before = tokens.lab, failed_logins(tokens.lab, host)
    assert everywhere(lab, host, address(host, "olaf"), tokens.of(host, "nora")) == REFUSED
    assert failed_logins(lab, host) == before + 3


@both
def test_new_keys_are_learnt_at_once_and_withdrawn_ones_forgotten(tokens: Tokens, host: str) -> None:
    """Nobody waits for an hour after the provider has changed its keys."""
    lab, user, old = tokens.lab, address(host, "nora"), tokens.of(host, "nora")
    assert everywhere(lab, host, user, old) == OPENED
    rotate(lab)
    time.sleep(PAUSE)
    assert everywhere(lab, host, user, tokens.of(host, "nora")) == OPENED
    assert everywhere(lab, host, user, old) == REFUSED


SABOTAGES = {
    "algorithms": (
        'sed -i \'s/"RS256"/"none", "HS256"/\' /etc/ironpost/openid/providers.json',
        "tokens signed by HS256, none are taken",
    ),
    "audience": (
        "sed -i 's#https://mail.example#https://calendar.example#' /etc/ironpost/openid/providers.json",
        "audience is https://calendar.example",
    ),
    "signatures": (
        'sed -i -e \'s/options={"require": NEEDED}/options={"verify_signature": False}/\' '
        "-e 's/^    if head.algorithm not in .*/    if False:/' /usr/lib/ironpost/openid/tokens.py && "
        "sed -i 's/return \\[key for key in able if key.kid == kid\\].*/return list(self.keys)[:1]/' "
        "/usr/lib/ironpost/openid/keys.py",
        "is taken",
    ),
}


@both
@pytest.mark.parametrize("what", sorted(SABOTAGES))
def test_a_check_that_somebody_weakened_is_found(tokens: Tokens, host: str, what: str) -> None:
    """AUTH-16 asks the running service what it takes, and holds it forged tokens; the deploy puts it right."""
    breaks, finding = SABOTAGES[what]
    tokens.of(host, "nora")
    restarted(tokens.lab, host, breaks)
    told = found(tokens, host)
    assert told["state"] == "broken" and finding in told["found"], told
    succeed(tokens.lab, "pyinfra", tokens.inventory, *DEPLOY[2:])
    assert found(tokens, host)["state"] == "holds"


def found(tokens: Tokens, host: str) -> dict[str, str]:
    """What AUTH-16 says from inside."""
    name = tokens.lab.host(host).fqdn
    done = run_command(
        tokens.lab, "ironpost", "verify", tokens.inventory, "--control", "AUTH-16", "--limit", name, "--json", "-"
    )
    (row,) = json.loads(done.stdout)["results"]
    return dict(row["sides"]["inside"])


@both
def test_a_clean_host_with_tokens_holds_every_control_of_logins(tokens: Tokens, host: str) -> None:
    """From inside and as a stranger, who tries a token without a signature."""
    names = ("AUTH-02", "AUTH-03", "AUTH-13", "AUTH-14", "AUTH-15", "AUTH-16", "FW-04", "SBX-01")
    wanted = [word for name in names for word in ("--control", name)]
    limit = ("--limit", tokens.lab.host(host).fqdn)
    text = succeed(tokens.lab, "ironpost", "verify", tokens.inventory, *wanted, *limit)
    assert text.count("  ✓ ") == len(names), text

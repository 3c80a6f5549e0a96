"""Keys and certificates on the host: what may be served, what may not, and when a rollover may go on."""

from __future__ import annotations

import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ironpost.onhost import acme, certificate, rollover, spki, tlskeys
from ironpost.onhost.state import Refused

WANTED = {"names": ["mx1.example.org", "mta-sts.example.org"], "kinds": ["ecdsa"]}
CONFIG: dict[str, Any] = WANTED | {"directory": "https://acme.example/dir", "contact": "a@example.org"}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store in a folder of the test's own."""
    monkeypatch.setattr(tlskeys, "STORE", tmp_path / "tls")
    monkeypatch.setattr(tlskeys, "STATE", tmp_path / "tls/state.json")
    monkeypatch.setattr(tlskeys, "SERVED", tmp_path / "ssl")
    monkeypatch.setattr(rollover, "note", lambda text: None)
    monkeypatch.setattr(certificate, "note", lambda text: None)
    return tmp_path


def signed_by_another(store: Path, name: str, names: str = "DNS:mx1.example.org,DNS:mta-sts.example.org") -> str:
    """A chain of two for a key of the store, from an authority made for this."""
    ca, leaf = store / "ca.pem", store / "leaf.pem"
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    new = [*run, "-keyout", str(store / "ca.key"), "-out", str(ca), "-subj", "/CN=CA", "-days", "9"]
    subprocess.run(new, check=True, capture_output=True)
    request = store / "csr.pem"
    made = ["openssl", "req", "-new", "-key", str(tlskeys.key_path(name)), "-subj", "/", "-out", str(request)]
    subprocess.run([*made, "-addext", f"subjectAltName={names}"], check=True, capture_output=True)
    sign = ["openssl", "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(store / "ca.key")]
    options = ["-CAcreateserial", "-copy_extensions", "copy", "-days", "9", "-out", str(leaf)]
    subprocess.run([*sign, *options], check=True, capture_output=True)
    return leaf.read_text() + ca.read_text()


def current() -> str:
    return str(tlskeys.read()["keys"]["ecdsa"]["current"])


def test_a_new_host_serves_its_own_key_before_anything_was_issued(store: Path) -> None:
    """Services come up, and the TLSA record is right from the first day."""
    tlskeys.ensure(WANTED)
    served = tlskeys.served_path("ecdsa")
    assert stat.S_IMODE(served.stat().st_mode) == 0o600
    assert spki.of_file(served) == spki.of_file(tlskeys.key_path(current()))
    assert [row["state"] for row in tlskeys.public_keys(WANTED)] == ["current", "next"]
    assert not tlskeys.issued(current()) and tlskeys.difference(WANTED) == []
    before = served.read_bytes()
    tlskeys.ensure(WANTED)
    assert served.read_bytes() == before


def test_a_lost_key_and_a_changed_file_are_drift(store: Path) -> None:
    """`ironpost plan` shows it and the deploy puts it right, without telling what is inside."""
    tlskeys.ensure(WANTED)
    tlskeys.key_path(str(tlskeys.read()["keys"]["ecdsa"]["next"])).unlink()
    tlskeys.served_path("ecdsa").chmod(0o644)
    served = tlskeys.served_path("ecdsa").read_text()
    tlskeys.chain_path(current()).unlink()
    found = dict(tlskeys.difference(WANTED))
    assert "missing" in found.values() and any("should be 600" in why for why in found.values())
    tlskeys.ensure(WANTED)
    assert tlskeys.difference(WANTED) == []
    assert tlskeys.served_path("ecdsa").read_text() == served, "a certificate that is served is not thrown away"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("none", ""),
        ("key", "certificate of another key"),
        ("names", "without mta-sts.example.org"),
        ("chain", "not signed by the next"),
    ],
)
def test_what_the_authority_sent_is_looked_at_before_it_is_served(store: Path, change: str, told: str) -> None:
    """A wrong certificate is worse than an old one."""
    tlskeys.ensure(WANTED)
    name, other = current(), str(tlskeys.read()["keys"]["ecdsa"]["next"])
    chain = signed_by_another(
        store, other if change == "key" else name, *(["DNS:mx1.example.org"] * (change == "names"))
    )
    if change == "chain":
        signed_by_another(store, name)
        chain = chain.partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n"
        chain += (store / "ca.pem").read_text()
    if not told:
        certificate.validate(chain, name, CONFIG["names"])
        return
    with pytest.raises(Refused, match=told):
        certificate.validate(chain, name, CONFIG["names"])


def test_a_certificate_is_due_before_a_third_of_its_lifetime_remains(store: Path) -> None:
    """So that a verifier that sees less than a third knows that renewals fail."""
    assert certificate.RENEW_AT > 1 / 3
    tlskeys.ensure(WANTED)
    ids = tlskeys.read()["keys"]["ecdsa"]
    assert certificate.lacking(ids, CONFIG) == "none was issued yet"
    tlskeys.chain_path(current()).write_text(signed_by_another(store, current()))
    assert not certificate.lacking(ids, CONFIG)
    assert certificate.lacking(ids, CONFIG | {"names": [*CONFIG["names"], "new.example.org"]}) == "a name is missing"


def test_after_a_failure_the_authority_is_left_in_peace_longer_each_time() -> None:
    """Authorities count failures, and lock out who insists."""
    now = int(time.time())
    assert not certificate.waiting({"tried": None})
    assert certificate.waiting({"tried": {"at": now - 14 * 60, "failures": 1}})
    assert not certificate.waiting({"tried": {"at": now - 16 * 60, "failures": 1}})
    assert certificate.waiting({"tried": {"at": now - 16 * 60, "failures": 2}})
    assert not certificate.waiting({"tried": {"at": now - 13 * 3600, "failures": 40}})


def test_the_host_itself_refuses_to_switch_too_early(store: Path) -> None:
    """A cache that has not seen the next key would make its owner defer mail (RFC 7671 §8.1)."""
    tlskeys.ensure(WANTED)
    state = tlskeys.read()
    rollover.begin(state, CONFIG)
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)
    rollover.shown(state, CONFIG, "300")
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)
    state["roll"]["shown"] -= 599
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)
    state["roll"]["shown"] -= 1
    rollover.switch(state, CONFIG)
    assert state["roll"]["step"] == "switch"


def test_a_server_that_forgets_the_next_key_makes_the_wait_begin_anew(store: Path) -> None:
    """An old serial that comes back fills caches with the old set again."""
    tlskeys.ensure(WANTED)
    state = tlskeys.read()
    rollover.begin(state, CONFIG)
    rollover.shown(state, CONFIG, "0")
    rollover.unseen(state, CONFIG)
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)


def test_a_ttl_that_was_longer_before_is_waited_for(store: Path) -> None:
    """Who shortens the TTL and publishes the next key in one step changes no cache that has the old set already."""
    tlskeys.ensure(WANTED)
    state = tlskeys.read()
    rollover.begin(state, CONFIG)
    rollover.unseen(state, CONFIG, "300")
    rollover.shown(state, CONFIG, "5")
    state["roll"]["shown"] -= 599
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)


def test_a_set_that_was_replaced_before_the_rollover_is_waited_for(store: Path) -> None:
    """`dns apply` published the next key with a TTL of 300 s over a set with 3600 s: caches lack it for an hour."""
    tlskeys.ensure(WANTED)
    state = tlskeys.read()
    rollover.replaced(state, CONFIG, "3600")
    rollover.replaced(state, CONFIG, "300")
    rollover.begin(state, CONFIG)
    rollover.shown(state, CONFIG, "300")
    state["roll"]["shown"] -= 601
    with pytest.raises(Refused, match="two TTLs"):
        rollover.switch(state, CONFIG)
    state["held"] -= 7201
    rollover.switch(state, CONFIG)


def test_what_an_authority_said_last_week_is_not_its_answer_today(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is down; were the old "account unknown" believed, the account that CAA names would be thrown away."""
    monkeypatch.setattr(acme, "CERTBOT", tmp_path)
    log = tmp_path / "logs/letsencrypt.log"
    log.parent.mkdir()
    log.write_text('{"type": "urn:ietf:params:acme:error:accountDoesNotExist",\n "detail": "Account 7 not found."}\n')
    program = tmp_path / "bin/certbot"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho attempt >>{log}\necho 'Connection refused' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    config = CONFIG | {"directory": "https://ca.example/dir", "authority": None}
    with pytest.raises(Refused, match="Connection refused") as refused:
        acme.certbot(config, "certonly")
    assert not isinstance(refused.value, acme.AccountLostError)
    assert log.read_text().count("attempt") == 1


def test_the_old_key_goes_only_after_the_new_one_is_verified(store: Path) -> None:
    """And the key after the new one is born then, so that its record stands long before it is needed."""
    tlskeys.ensure(WANTED)
    state = tlskeys.read()
    old = state["keys"]["ecdsa"]["current"]
    with pytest.raises(Refused, match="not at the step"):
        rollover.retire(state, CONFIG)
    rollover.begin(state, CONFIG)
    state["roll"]["step"] = "switch"
    certificate.turn(state, CONFIG)
    assert state["keys"]["ecdsa"]["old"] == old and tlskeys.key_path(old).exists()
    assert [row["state"] for row in tlskeys.public_keys(WANTED)] == ["current", "old"]
    rollover.retire(state, CONFIG)
    assert not tlskeys.key_path(old).exists()
    assert [row["state"] for row in tlskeys.public_keys(WANTED)] == ["current", "next"]


def test_quotes_in_what_the_authority_says_do_not_cut_it_short() -> None:
    """Most of them quote the address that they could not reach."""
    said = r"Get \"http://mx2.example.com/.well-known/acme-challenge/x\": connect: connection refused"
    log = f'{{"type": "urn:ietf:params:acme:error:connection",\n  "detail": "{said}", "status": 400}}'
    kind, detail = acme.problem("before\n" + log, "before\n")
    assert kind == "connection" and detail.endswith('/x": connect: connection refused')


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Some\n  Detail: DNS problem: NXDOMAIN looking up A for mx1\nHint: read\n", "DNS problem: NXDOMAIN"),
        ("Saving debug log to /x\nrequests.exceptions.ConnectionError: refused\nAsk for help\n", "refused"),
        ("", "no reason given"),
    ],
)
def test_what_the_authority_objects_to_is_told_in_its_own_words(said: str, told: str) -> None:
    """certbot says it among a page of advice."""
    assert told in acme.reason(said)

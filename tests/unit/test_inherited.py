"""From certificates in files to those of an authority: what is served, and when it changes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ironpost.onhost import acme, certificate, inherited, rollover, spki, tlskeys
from ironpost.onhost.state import Refused
from tests.unit.test_onhost_tls import CONFIG, WANTED, current, signed_by_another, store

__all__ = ["store"]
BOTH: dict[str, Any] = CONFIG | {"kinds": ["ecdsa", "rsa"]}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No journal, no services and no authority here."""
    monkeypatch.setattr(inherited, "note", lambda text: None)
    monkeypatch.setattr(certificate, "reload", lambda: None)
    monkeypatch.setattr(acme, "register", lambda config: "https://acme.example/acct/1")
    monkeypatch.setattr(acme, "account", lambda config: "https://acme.example/acct/1")


def from_files(store: Path, *born: str, names: str = "mx1.example.org", days: str = "9") -> dict[str, Any]:
    """The manifest of a generation whose certificate comes from files, and these files."""
    folder = store / "ssl"
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_bytes(spki.openssl(*(born or tlskeys.BORN["ecdsa"])))
    ca = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    subprocess.run([*ca, "-keyout", store / "f.key", "-out", store / "f.pem", "-subj", "/CN=Bought"], check=True,
                   capture_output=True)  # fmt: skip
    leaf = ["openssl", "req", "-x509", "-key", folder / "key.pem", "-CA", store / "f.pem", "-CAkey", store / "f.key"]
    alternatives = ",".join(f"DNS:{name}" for name in names.split())
    made = [*leaf, "-subj", "/CN=leaf", "-days", days, "-addext", f"subjectAltName={alternatives}"]
    subprocess.run([*made, "-out", folder / "chain.pem"], check=True, capture_output=True)
    next_key = {"path": str(folder / "next-key.pem"), "state": "next"}
    return {"tls_files": [{"path": str(folder / "chain.pem"), "state": "current"}, next_key]}


def staged(manifest: dict[str, Any], wanted: dict[str, Any] = WANTED) -> None:
    inherited.adopt(wanted, manifest)
    tlskeys.ensure(wanted)


def served(kind: str = "ecdsa") -> str:
    return tlskeys.served_path(kind).read_text()


def test_what_files_gave_is_served_on_until_an_authority_has_issued(store: Path, monkeypatch: Any) -> None:
    """The same key all the while, so that DNS is right throughout; a failed attempt changes nothing."""
    manifest = from_files(store)
    key, chain = ((store / "ssl" / name).read_text() for name in ("key.pem", "chain.pem"))
    staged(manifest)
    assert served() == key + chain and tlskeys.difference(WANTED) == []
    before = tlskeys.public_keys(WANTED)
    assert [row["state"] for row in before] == ["current", "next"]

    def refuse(config: dict[str, Any], name: str) -> str:
        raise Refused("the authority is down")

    monkeypatch.setattr(acme, "obtain", refuse)
    with pytest.raises(Refused, match="is down"):
        certificate.attempt(tlskeys.read(), CONFIG, "issue")
    staged(manifest)  # the deploy is run again
    assert served() == key + chain
    assert "not of the authority" in certificate.lacking(
        tlskeys.read()["keys"]["ecdsa"], CONFIG, tlskeys.read()["origins"]
    )

    monkeypatch.setattr(acme, "obtain", lambda config, name: signed_by_another(store, name))
    certificate.attempt(tlskeys.read(), CONFIG, "issue")
    assert served().startswith(key) and chain not in served()
    assert tlskeys.public_keys(WANTED) == before
    assert not certificate.lacking(tlskeys.read()["keys"]["ecdsa"], CONFIG, tlskeys.read()["origins"])
    assert tlskeys.difference(WANTED) == []


def test_a_host_that_has_no_files_bears_its_own_key(store: Path) -> None:
    """And one that has ACME already keeps its keys."""
    staged({"files": [], "units": []})
    name = current()
    staged({"tls_files": [{"path": str(store / "ssl/next-key.pem"), "state": "next"}]})
    assert current() == name == "ecdsa-1"


def test_a_certificate_that_has_ended_stops_nobody_from_getting_another(store: Path) -> None:
    """Its key is kept, since DNS names it; the certificate is of no use to anybody."""
    staged(from_files(store, names="elsewhere.example"))
    assert spki.of_file(tlskeys.served_path("ecdsa")) == spki.of_file(store / "ssl/key.pem")
    assert not tlskeys.issued(current())
    told = spki.openssl("x509", "-in", str(tlskeys.served_path("ecdsa")), "-noout", "-checkhost", "mx1.example.org")
    assert b"does match" in told


def test_nobody_who_asks_for_rsa_meets_a_certificate_that_signed_itself(store: Path, monkeypatch: Any) -> None:
    """Until the RSA certificate is there, the one of before is served alone."""
    staged(from_files(store), BOTH)
    assert served("rsa") == served("ecdsa") and tlskeys.difference(BOTH) == []
    assert served("all") == served("ecdsa"), "Postfix has no TLS where a key stands twice"
    monkeypatch.setattr(acme, "obtain", lambda config, name: signed_by_another(store, name))
    certificate.attempt(tlskeys.read(), BOTH, "issue")
    kinds = [spki.told(spki.of_file(tlskeys.served_path(kind)), "")["kind"] for kind in BOTH["kinds"]]
    assert kinds == ["ecdsa", "rsa"] and served("all") == served("ecdsa") + served("rsa")
    tlskeys.served_path("all").write_text(served("rsa"))
    assert tlskeys.difference(BOTH) == [(str(tlskeys.served_path("all")), "secret differs")]


def test_an_rsa_key_from_files_is_served_alone_until_a_rollover(store: Path) -> None:
    """A new ECDSA key beside it would be served before DNS knows it."""
    staged(from_files(store, *tlskeys.BORN["rsa"]), BOTH)
    keys = tlskeys.read()["keys"]
    assert keys["ecdsa"]["current"] == keys["rsa"]["current"] == "inherited-1"
    assert {row["kind"] for row in tlskeys.public_keys(BOTH) if row["state"] == "next"} == {"ecdsa", "rsa"}
    state = tlskeys.read()
    rollover.begin(state, BOTH)
    state["roll"]["step"] = "switch"
    certificate.turn(state, BOTH)
    rollover.retire(state, BOTH)
    assert not tlskeys.key_path("inherited-1").exists()
    assert [spki.told(spki.of_file(tlskeys.key_path(current())), "")["kind"]] == ["ecdsa"]


def test_a_host_that_was_at_an_authority_goes_by_what_it_serves_now(store: Path) -> None:
    """Back to files and to the authority again: the key of the first time is known to no DNS any more."""
    staged({})
    first = current()
    staged(from_files(store))
    assert current() != first and not tlskeys.key_path(first).exists()
    assert spki.of_file(tlskeys.served_path("ecdsa")) == spki.of_file(store / "ssl/key.pem")


def test_another_authority_issues_for_the_same_key(store: Path) -> None:
    """From a staging directory to the real one; what the first issued is served meanwhile."""
    staged({})
    tlskeys.chain_path(current()).write_text(signed_by_another(store, current()))
    ids, origins = tlskeys.read()["keys"]["ecdsa"], {current(): CONFIG["directory"]}
    assert not certificate.lacking(ids, CONFIG, origins)
    assert "not of the authority" in certificate.lacking(ids, CONFIG | {"directory": "https://other/dir"}, origins)

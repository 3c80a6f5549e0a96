"""What the snapshot makes of certificate files, with one key in them or with two."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ironpost.compliance.programs.snap import tls
from ironpost.controls.certificates import CertificateIsOurs
from ironpost.controls.chains import chains_on_disk
from ironpost.evidence.snapshot import Snapshot
from tests.certificates import CA, Key, leaf

HOST = SimpleNamespace(roles=("mx",))
ECDSA, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)


def pair(key: Key, of: Key | None = None) -> str:
    """A key, and the chain of it or of another one."""
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text + leaf("mx1.example.org", start=datetime.now(UTC), key=of or key) + CA


def snapshot(folder: Path, *texts: str) -> Snapshot:
    """Of a Postfix with these files."""
    rows = []
    for number, text in enumerate(texts):
        (folder / f"{number}.pem").write_text(text)
        rows += tls.rows(str(folder / f"{number}.pem"))
    return Snapshot({"tls_files": {"postfix": rows}, "chain": tls.verified_chain({"postfix": rows})})


@pytest.mark.parametrize("files", [(pair(ECDSA), pair(RSA)), (pair(ECDSA) + pair(RSA),)], ids=["two", "one"])
def test_two_keys_have_a_row_each_with_the_chain_of_each(tmp_path: Path, files: tuple[str, ...]) -> None:
    """In one file as in two: neither certificate is taken for an issuer of the other."""
    seen = snapshot(tmp_path, *files)
    assert [len(chain) for chain in chains_on_disk(seen, "postfix")] == [2, 2]
    assert [type(chain[0].public_key()).__name__[:1] for chain in chains_on_disk(seen, "postfix")] == ["E", "R"]
    assert CertificateIsOurs().inside(HOST, seen).state == "holds"  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [pair(ECDSA) + pair(RSA, of=ECDSA), pair(RSA, of=ECDSA)])
def test_a_key_beside_the_certificate_of_another_is_found(tmp_path: Path, wrong: str) -> None:
    """The second one of a file too."""
    verdict = CertificateIsOurs().inside(HOST, snapshot(tmp_path, wrong))  # type: ignore[arg-type]
    assert verdict.state == "broken" and "do not belong together" in verdict.found


def test_key_and_chain_in_files_of_their_own_are_one_pair(tmp_path: Path) -> None:
    """As certificates from files stand on a host."""
    key, chain = pair(ECDSA).split("-----BEGIN CERTIFICATE-----", 1)
    seen = snapshot(tmp_path, key, "-----BEGIN CERTIFICATE-----" + chain)
    assert CertificateIsOurs().inside(HOST, seen).state == "holds"  # type: ignore[arg-type]


def test_openssl_is_asked_of_each_chain(tmp_path: Path) -> None:
    """Whose root nobody knows here; the second one is not passed over because the first would do."""
    rows = tls.rows(str(write(tmp_path / "all.pem", pair(ECDSA) + pair(RSA))))
    asked: list[str] = []

    def run(*command: str, given: str) -> dict[str, str]:
        asked.append(given)
        return {"text": "stdin: OK"} if len(asked) == 1 else {"error": "stdin: no issuer"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tls, "run", run)
        assert tls.verified_chain({"postfix": rows}) == {"error": "stdin: no issuer"}
    assert [each.strip() for each in asked] == [row["certificates"][0] for row in rows]
    assert "verification failed" in tls.verified_chain({"postfix": rows})["error"]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path

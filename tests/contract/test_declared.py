"""Bad inventories: one sentence with file and line, exit status 2, and no connection, whichever command reads them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ironpost.cli import Exit, main
from tests.certificates import CA, LEAF_KEY, leaf
from tests.contract.declared import DECLARED, LITERAL, Bad
from tests.inventories import mailhost, write_inventory

BIN = Path(sys.executable).parent


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Stands where the host's SSH would be, and waits for nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def nobody_came(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def ssh_at(listener: socket.socket) -> dict[str, str]:
    return {"ssh": f"Ssh(port={listener.getsockname()[1]})"}


def refused(text: str, words: str) -> bool:
    """A line says it, with the line of the inventory and what to do."""
    lines = [line for line in text.splitlines() if words in line]
    return any("(inventory.py:" in line and ("; " in line or "found" in line) for line in lines)


def test_there_are_a_hundred_and_no_two_alike() -> None:
    """The issue asks for a hundred distinct ones; one that is written twice is one."""
    assert len({(row.words, str(row.settings), row.users, row.options, row.before) for row in DECLARED}) >= 100


@pytest.mark.parametrize("row", DECLARED, ids=[f"{number}: {row.words}" for number, row in enumerate(DECLARED, 1)])
def test_check_tells_it_and_connects_to_nothing(
    tmp_path: Path, listener: socket.socket, capsys: pytest.CaptureFixture[str], row: Bad
) -> None:
    """`ironpost check`; what refuses is the call of `fleet` in the file, which pyinfra makes as well."""
    with pytest.raises(SystemExit) as ended:
        main(["check", str(row.write(tmp_path, **ssh_at(listener)))])
    told = capsys.readouterr().err
    assert ended.value.code == Exit.USAGE
    assert refused(told, row.words), told
    assert nobody_came(listener)


@pytest.mark.parametrize("row", LITERAL, ids=[row.words for row in LITERAL])
@pytest.mark.parametrize("command", ["ironpost check", "pyinfra"])
def test_the_literal_commands_refuse_it(tmp_path: Path, listener: socket.socket, row: Bad, command: str) -> None:
    """What operators type: `ironpost check INVENTORY`, and `pyinfra INVENTORY exec -- true`."""
    inventory = str(row.write(tmp_path, **ssh_at(listener)))
    words = ["ironpost", "check", inventory] if command != "pyinfra" else ["pyinfra", inventory, "exec", "--", "true"]
    done = subprocess.run(
        [BIN / words[0], *words[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "400"},
        check=False,
    )
    assert done.returncode == Exit.USAGE if command != "pyinfra" else done.returncode != 0
    assert refused(done.stderr, row.words), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert nobody_came(listener)


NOW = datetime.now(UTC)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey, phrase: bytes = b"") -> str:
    locked = serialization.BestAvailableEncryption(phrase) if phrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked).decode()


GOOD = leaf("mx1.example.org", start=NOW)
CERTIFICATES = [
    ("chain.pem: is not a certificate in PEM", "", pem(LEAF_KEY)),
    ("chain.pem: is not a certificate in PEM", pem(LEAF_KEY), pem(LEAF_KEY)),
    ("names mx2.example.org, not mx1.example.org", leaf("mx2.example.org", start=NOW) + CA, pem(LEAF_KEY)),
    ("expired on", leaf("mx1.example.org", start=NOW - timedelta(days=100)), pem(LEAF_KEY)),
    ("is valid from", leaf("mx1.example.org", start=NOW + timedelta(days=9)), pem(LEAF_KEY)),
    ("certificate 1 is not signed by the next one", GOOD + GOOD, pem(LEAF_KEY)),
    ("does not belong to chain.pem", GOOD, pem(OTHER_KEY)),
    ("needs a pass phrase", GOOD, pem(LEAF_KEY, b"a phrase")),
    ("is not a private key in PEM", GOOD, GOOD),
]


@pytest.mark.parametrize(("words", "chain", "key"), CERTIFICATES, ids=[words for words, _, _ in CERTIFICATES])
def test_check_tells_what_is_wrong_with_a_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, chain: str, key: str
) -> None:
    """`ironpost check`; a deploy has openssl look on the host, before anything is switched."""
    inventory = write_inventory(tmp_path, mailhost())
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(key)
    with pytest.raises(SystemExit) as ended:
        main(["check", str(inventory)])
    assert ended.value.code == Exit.USAGE
    assert refused(capsys.readouterr().err, words)


def test_a_certificate_with_its_key_is_fine(tmp_path: Path) -> None:
    """The rows above would all pass for a check that refuses everything."""
    inventory = write_inventory(tmp_path, mailhost())
    (tmp_path / "chain.pem").write_text(GOOD)
    (tmp_path / "key.pem").write_text(pem(LEAF_KEY))
    with pytest.raises(SystemExit) as ended:
        main(["check", str(inventory)])
    assert ended.value.code == Exit.DONE

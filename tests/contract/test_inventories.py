"""The literal pyinfra command, on inventories that must not get as far as a connection."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inventories import mailhost, write_inventory

PYINFRA = str(Path(sys.executable).parent / "pyinfra")


@pytest.fixture
def listener() -> socket.socket:
    """Stands where the host's SSH would be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def connections(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except TimeoutError:
            return count
        count += 1


def run_pyinfra(inventory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [PYINFRA, str(inventory), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=inventory.parent, check=False)


@pytest.mark.parametrize("changes", [{"release": '"sid"'}, {"nmae": '"x"'}, {"domains": "[]"}])
def test_a_refused_inventory_never_connects(
    tmp_path: Path, listener: socket.socket, changes: dict[str, str | None]
) -> None:
    """The operator sees sentences and an exit status; the host sees nothing."""
    ssh = f"Ssh(port={listener.getsockname()[1]})"
    done = run_pyinfra(write_inventory(tmp_path, mailhost(ssh=ssh, **changes)), "exec", "--", "true")
    assert done.returncode != 0
    assert "these settings cannot be used" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert connections(listener) == 0


def test_a_good_inventory_does_connect(tmp_path: Path, listener: socket.socket) -> None:
    """The test above would pass for the wrong reason if its listener could not be reached."""
    ssh = f"Ssh(port={listener.getsockname()[1]})"
    run = subprocess.Popen(
        [PYINFRA, str(write_inventory(tmp_path, mailhost(ssh=ssh))), "exec", "--", "true"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    listener.settimeout(20)
    try:
        listener.accept()[0].close()
    finally:
        run.kill()
        run.wait(10)


def test_debug_inventory_shows_no_hash(tmp_path: Path) -> None:
    """`debug-inventory` prints all that pyinfra knows of a host."""
    done = run_pyinfra(write_inventory(tmp_path, mailhost()), "debug-inventory")
    assert done.returncode == 0
    assert "mx1.example.org" in done.stdout + done.stderr
    assert "argon2id" not in done.stdout + done.stderr

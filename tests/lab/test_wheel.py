"""The product as it is installed: a wheel, in a folder of its own, far from the clone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.image import tree_path
from tests.lab.deployment import TOP
from tests.lab.inventories import LAB_INVENTORY

LOCK = TOP / "requirements" / "dev.txt"
# Published as source alone, which pip builds for no other Python than its own; it is Python through and through.
SOURCE_ONLY = "dkimpy"
PURE = "import ironpost, ironpost.render; print(ironpost.__file__, ironpost.render.data_dir('deploys'))"


def call(*words: str | Path, **options: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, TOP)
    [found] = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that never saw the clone: the locked dependencies, and the wheel."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "venv", folder / "venv")
    pip = (folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check")
    call(*pip, "--require-hashes", "-r", LOCK)
    call(*pip, "--no-deps", wheel)
    (folder / "lab.py").write_text(LAB_INVENTORY.read_text())
    return folder


def used(lab: Lab, folder: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"IRONPOST_LAB": lab.name, "PYINFRA_PROGRESS": "off"}
    program = folder / "venv/bin" / words[0]
    return call("sh", "-c", '"$@" 2>&1', "sh", program, *words[1:], cwd=folder, env=environment)


def split_lock(folder: Path) -> tuple[Path, Path]:
    """The lock without and with the requirement that has no wheel; each keeps its hashes."""
    blocks = re.split(r"\n(?=[a-z])", LOCK.read_text())
    alone = [block for block in blocks if block.startswith(SOURCE_ONLY)]
    assert len(alone) == 1
    paths = folder / "binary.txt", folder / "source.txt"
    paths[0].write_text("\n".join(block for block in blocks if block not in alone))
    paths[1].write_text(alone[0])
    return paths


def test_the_wheel_brings_all_that_it_needs(deployed: Lab, installed: Path) -> None:
    """Templates and deploys travel inside it."""
    where, deploys = used(deployed, installed, "python", "-c", PURE).split()
    assert where.startswith(str(installed)) and deploys.startswith(str(installed))
    assert (Path(deploys) / "mail.py").is_file()


def test_the_installed_product_works_on_a_real_host(deployed: Lab, installed: Path) -> None:
    """check, a deploy that finds nothing to do, a plan, and one control."""
    deploys = used(deployed, installed, "python", "-c", PURE).split()[1]
    assert "2 mail hosts, no mistakes" in used(deployed, installed, "ironpost", "check", "lab.py")
    text = used(deployed, installed, "pyinfra", "lab.py", f"{deploys}/mail.py", "-y", "--limit", "mx2.example.com")
    assert "Grand total" in text and "Error" not in text.split("Results")[0]
    assert "nothing to change" in used(deployed, installed, "ironpost", "plan", "lab.py", "--limit", "mx2.example.com")
    limit = ("--limit", "mx2.example.com", "--control", "TLS-02")
    assert "1 mail host, 1 controls: 1 hold" in used(deployed, installed, "ironpost", "verify", "lab.py", *limit)


def test_it_works_with_the_python_of_debian_13(deployed: Lab, wheel: Path, tmp_path: Path) -> None:
    """Python 3.13, in the Debian 13 tree itself."""
    site = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", site)
    newer = ("--python-version", "3.13", "--only-binary=:all:")
    binary, source = split_lock(tmp_path)
    call(*pip, *newer, "--require-hashes", "-r", binary)
    call(*pip, "--no-deps", "--require-hashes", "-r", source)
    call(*pip, *newer, "--no-deps", wheel)
    (tmp_path / "lab.py").write_text(LAB_INVENTORY.read_text())
    tree = tree_path("trixie", "services")
    state = deployed.directory.parent
    script = rf"""
set -e
mkdir {tmp_path}/upper {tmp_path}/work {tmp_path}/root
mount -t tmpfs tmpfs {tmp_path}/upper; mkdir {tmp_path}/upper/u {tmp_path}/upper/w
mount -t overlay -o lowerdir={tree},upperdir={tmp_path}/upper/u,workdir={tmp_path}/upper/w overlay {tmp_path}/root
for folder in {tmp_path / "site"} {state} /proc /dev; do
  mkdir -p {tmp_path}/root$folder; mount --rbind $folder {tmp_path}/root$folder
done
cp {tmp_path}/lab.py {tmp_path}/root/root/lab.py
cd /; export HOME={Path.home()} IRONPOST_LAB={deployed.name} PYTHONPATH={site} PYINFRA_PROGRESS=off
run() {{ chroot {tmp_path}/root /usr/bin/env -C /root "$@"; }}
run python3 --version
run python3 -m ironpost check lab.py
run python3 -m pyinfra lab.py {site}/ironpost/_data/deploys/mail.py -y --limit mx2.example.com
"""
    text = call("unshare", "--mount", "bash", "-c", script)
    assert text.startswith("Python 3.13")
    assert "2 mail hosts, no mistakes" in text

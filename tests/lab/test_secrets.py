"""Planted secrets are looked for wherever they must not be: output, arguments, journals, and files of the host."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.people import password, users_file
from ironpost.secret import Secret
from tests.lab.deployment import TOP, run_command
from tests.lab.inventories import with_setting

MAIL = "deploys/mail.py"
INVENTORY = "inventories/lab.py"
DOMAINS = {"mx1": "example.org", "mx2": "example.com"}
PEOPLE = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
# Where a key or a hash has its place; everything there is readable by its owner (and Dovecot's group) alone.
# Dovecot 2.4 keeps what it read, the key included, for its own processes in a file of root's below /run.
PLACES = (
    "/etc/ssl/ironpost/key.pem",
    "/etc/dovecot/users",
    "/var/lib/ironpost/",
    "/var/lib/rspamd/dkim/",
    "/run/dovecot/dovecot.conf.binary",
)


@pytest.fixture(scope="module")
def planted(deployed: Lab) -> dict[str, str]:
    """What each secret is → a piece of it that is long enough to be told from chance."""
    found: dict[str, str] = {}
    for host, domain in DOMAINS.items():
        _, key = deployed.certificate(deployed.host(host).fqdn)
        found[f"TLS key of {host}"] = key.read_text().splitlines()[2][:40]
        found[f"update key of {domain}"] = deployed.tsig(domain).secret
        found[f"hash of {PEOPLE[host]}"] = users_file(deployed.directory, domain).read_text().split("$")[5][:40]
        found[f"password of {PEOPLE[host]}"] = password(deployed.directory, PEOPLE[host])
        private = deployed.run(host, f"cat /var/lib/rspamd/dkim/{domain}.*-r.key | sed -n 3p").stdout.strip()
        found[f"DKIM key of {domain}"] = private[:40]
    assert all(len(piece) >= 20 for piece in found.values())
    return found


def told(planted: dict[str, str], text: str) -> list[str]:
    return [what for what, piece in planted.items() if piece in text]


def test_the_search_would_find_a_secret(deployed: Lab, planted: dict[str, str]) -> None:
    """A search that finds nothing proves nothing before it has found something."""
    text = deployed.run("mx1", "cat /etc/ssl/ironpost/key.pem /etc/dovecot/users").stdout
    assert told(planted, text) == ["TLS key of mx1", "hash of alice@example.org"]


@pytest.mark.parametrize(
    "words",
    [
        ("pyinfra", INVENTORY, MAIL, "-y", "-vvv", "--debug"),
        ("pyinfra", INVENTORY, MAIL, "--dry", "--diff", "-vvv"),
        ("pyinfra", INVENTORY, "debug-inventory"),
        ("pyinfra", INVENTORY, "deploys/dns.py", "--dry", "-vvv", "--debug"),
        ("pyinfra", "@local", "--data", "key=value", "debug-inventory"),
        ("ironpost", "check", INVENTORY, "--json"),
        ("ironpost", "plan", INVENTORY, "--json", "-"),
        ("ironpost", "dns", "plan", INVENTORY, "--json", "-"),
        ("ironpost", "verify", INVENTORY, "--json", "-", "--control", "AUTH-04", "--control", "CRT-07"),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_secret(deployed: Lab, planted: dict[str, str], words: tuple[str, ...]) -> None:
    """Terminals are recorded, and CI keeps its logs for years."""
    done = run_command(deployed, *words)
    assert "Traceback" not in done.stdout
    assert told(planted, done.stdout) == []


def test_a_change_tells_no_secret_while_it_happens(
    deployed: Lab, mailhost: str, planted: dict[str, str], tmp_path: Path
) -> None:
    """Everybody on a machine may read the arguments of everybody's processes (proc(5), cmdline)."""
    inventory = with_setting(tmp_path, "greylisting=True")
    seen: list[str] = []
    deploying = threading.Event()
    sampler = threading.Thread(target=sample, args=(seen, deploying))
    on_host = subprocess.Popen(
        [
            *deployed.ssh(mailhost),
            "end=$(($(date +%s)+12)); while [ $(date +%s) -lt $end ]; do cat /proc/[0-9]*/cmdline; sleep 0.05; done",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    sampler.start()
    try:
        for name in (inventory, INVENTORY):
            done = run_command(deployed, "pyinfra", name, MAIL, "-y", "-vvv", "--diff")
            assert done.returncode == 0, done.stdout[-2000:]
            assert told(planted, done.stdout) == []
    finally:
        deploying.set()
        sampler.join()
        arguments, _ = on_host.communicate(timeout=60)
    assert "onhost" in arguments and seen
    assert told(planted, arguments) == [] and told(planted, "".join(seen)) == []


def sample(seen: list[str], done: threading.Event) -> None:
    """The arguments of the controller's processes, again and again; bounded by the deploy and by a minute."""
    until = time.monotonic() + 60
    while not done.is_set() and time.monotonic() < until:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
        time.sleep(0.2)


def test_the_host_keeps_its_secrets_in_their_places(deployed: Lab, mailhost: str, planted: dict[str, str]) -> None:
    """Journals, temporary files and old stages are where keys are found after a break-in."""
    pieces = "\n".join(planted.values())
    journal = "journalctl -q --no-pager -o cat | grep -cFf /dev/stdin || true"
    assert deployed.run(mailhost, journal, input=pieces).stdout.strip() == "0"
    roots = "/etc /root /home /tmp /var /opt /srv /run /usr/local /usr/lib/ironpost"
    found = deployed.run(mailhost, f"grep -rlsFf /dev/stdin {roots} || true", input=pieces, timeout=120).stdout.split()
    assert found, "the files that must hold them were not found either"
    for path in found:
        assert path.startswith(PLACES), path
        mode, group = deployed.run(mailhost, f"stat -c '%a %G' {path}").stdout.split()
        assert mode in ("600", "400") or (mode, group) == ("640", "dovecot"), f"{path} has mode {mode}"


def test_a_secret_comes_from_age(deployed: Lab, tmp_path: Path) -> None:
    """Many teams keep their secrets beside the inventory, encrypted (age, sops, pass)."""
    key, sealed = tmp_path / "key.txt", tmp_path / "tsig.age"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
    recipient = next(line.split()[-1] for line in key.read_text().splitlines() if "public key" in line)
    plain = deployed.tsig("example.org").secret
    subprocess.run(["age", "-r", recipient, "-o", str(sealed)], input=plain.encode(), check=True)
    secret = Secret.command(["age", "--decrypt", "-i", str(key), str(sealed)])
    assert secret.read() == plain
    assert plain not in repr(secret) and plain not in f"{secret}"


def test_a_published_zone_may_use_a_secret_from_age(deployed: Lab, tmp_path: Path) -> None:
    """The same, through the literal command."""
    key = tmp_path / "key.txt"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
    recipient = next(line.split()[-1] for line in key.read_text().splitlines() if "public key" in line)
    for domain in DOMAINS.values():
        out = tmp_path / f"{domain}.age"
        subprocess.run(
            ["age", "-r", recipient, "-o", str(out)], input=deployed.tsig(domain).secret.encode(), check=True
        )
    text = (TOP / INVENTORY).read_text()
    command = f'Secret.command(["age", "--decrypt", "-i", {str(key)!r}, f"{tmp_path}/{{domain}}.age"])'
    assert "Secret.file(key.secret_file)" in text
    inventory = tmp_path / "with_age.py"
    inventory.write_text(text.replace("Secret.file(key.secret_file)", command))
    done = run_command(deployed, "ironpost", "dns", "apply", str(inventory))
    assert done.returncode == 0, done.stdout

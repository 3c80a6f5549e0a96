"""DKIM keys change under a stream of mail, and no letter ever carries a signature that fails."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import letter, parsed, submit, verified_signatures, wait_for
from tests.lab.deployment import BIN, TOP, run_command, succeed
from tests.lab.inventories import variant

WRITERS = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
DOMAINS = {"mx1": "example.org", "mx2": "example.com"}
SECONDS = 2.0  # in place of ten minutes and of seven days
PAUSE = 1.5  # seconds between two letters: a host takes sixty logins a minute from one address
BOTH_HOLD = {"rsa-sha256": True, "ed25519-sha256": True}
STEP = "python3 -B /usr/lib/ironpost/onhost dkim-step"


class Stream:
    """Letters from both hosts to the outside operator, one after the other, until it is stopped."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.token = lab, uuid.uuid4().hex[:12]
        self.sent: list[str] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=each) for each in WRITERS.items()]

    def __enter__(self) -> Stream:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, host: str, author: str) -> None:
        while not self._stop.wait(PAUSE):
            subject = f"{self.token} {host} {len(self.sent)}"
            try:
                submit(self.lab, host, letter(author, "bob@example.net", subject))
            except Exception as error:
                self.errors.append(f"{subject}: {error}")
            else:
                self.sent.append(subject)

    def arrived(self) -> dict[str, bytes]:
        """Subject → letter, byte for byte, of all that were sent by now; waits for the last one."""
        wanted = set(self.sent)

        def look() -> dict[str, bytes] | None:
            files = f"grep -rlE '^Subject: {self.token}' /home/bob/Maildir/new /home/bob/Maildir/cur"
            text = self.lab.run("outside", f'for file in $({files}); do base64 -w0 "$file"; echo; done').stdout
            found = {str(parsed(raw)["Subject"]): raw for raw in map(base64.b64decode, text.split())}
            return found if wanted <= found.keys() else None

        return wait_for(look, f"not all of {len(wanted)} letters arrived outside")


def judged(raw: bytes) -> list[str]:
    """What the outside operator wrote down of each signature while the letter arrived."""
    seen = " ".join(
        str(each) for each in parsed(raw).get_all("Authentication-Results", []) if "mail.example.net" in each
    )
    return re.findall(r"dkim=(\w+)", seen)


def selectors(raw: bytes) -> set[str]:
    return {
        found[1] for each in parsed(raw).get_all("DKIM-Signature", []) if (found := re.search(r"\bs=([^;\s]+)", each))
    }


def status(lab: Lab, inventory: str) -> dict[tuple[str, str], str]:
    """(host, RSA selector) → where its pair stands."""
    rows = json.loads(succeed(lab, "ironpost", "dkim", "status", inventory, "--json", "-"))["results"]
    short = {lab.host(name).fqdn: name for name in WRITERS}
    return {(short[row["mailhost"]], pair["selectors"]["rsa"]): pair["state"] for row in rows for pair in row["pairs"]}


def signing(lab: Lab, inventory: str) -> dict[str, str]:
    return {host: selector for (host, selector), state in status(lab, inventory).items() if state == "signing"}


def rotate_until(lab: Lab, inventory: str, word: str, home: Path) -> str:
    """A controller that has never seen this fleet; it is killed in the very moment in which it tells of a step."""
    # all that it has of us is the test network's own folder, which stands for the inventory's files
    place = home / lab.directory.relative_to(lab.directory.parents[2])
    place.parent.mkdir(parents=True)
    place.symlink_to(lab.directory)
    environment = os.environ | {"IRONPOST_LAB": lab.name, "XDG_STATE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [str(BIN / "ironpost"), "dkim", "rotate", inventory, "--wait"]
    text = ""
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            text += line
            if word in line:
                os.killpg(process.pid, signal.SIGKILL)
                return text
    raise AssertionError(f"nothing was told of {word!r}:\n{text}")


@pytest.fixture
def quick(published: Lab, tmp_path: Path) -> Iterator[str]:
    """The lab's inventory with waits of two seconds; afterwards the rotation is over and everything is as wanted."""
    inventory = variant(
        tmp_path,
        ("sends_already=False,", f"sends_already=False,\n                dkim=Dkim(test_wait_seconds={SECONDS}),"),
        ("import Allow, ", "import Allow, Dkim, "),
    )
    come_to_rest(published, inventory)
    yield inventory
    come_to_rest(published, inventory)
    succeed(published, "ironpost", "plan", "inventories/lab.py", "--exit-code")
    succeed(published, "ironpost", "dns", "plan", "inventories/lab.py", "--exit-code")


def come_to_rest(lab: Lab, inventory: str) -> None:
    """What is under way comes to its end; nothing new begins."""
    while len(status(lab, inventory)) > len(WRITERS):
        succeed(lab, "ironpost", "dkim", "rotate", inventory, "--wait", "--due")


def cut_short(lab: Lab, host: str, selector: str, seconds: float) -> None:
    """The switch dies on the host itself, wherever it has come to by then."""
    asked = json.dumps([{"step": "sign", "domain": DOMAINS[host], "rsa": selector}])
    lab.run(host, f"timeout -s KILL {seconds} {STEP} || true", input=asked)


def test_no_letter_fails_while_keys_change_and_controllers_die(published: Lab, quick: str, tmp_path: Path) -> None:
    """Killed at each step, gone on with from another controller, and once on the host: the stream never notices."""
    before = signing(published, quick)
    with Stream(published) as stream:
        for word in ("born", "published", "shown by every name server"):
            text = rotate_until(published, quick, word, tmp_path / word.split()[0])
            assert "test_wait_seconds" in text  # shortened waits are never silent
        time.sleep(SECONDS + 1)
        coming = [key for key, state in status(published, quick).items() if state == "published"]
        for (host, selector), seconds in zip(coming, (0.15, 0.5), strict=False):
            cut_short(published, host, selector, seconds)
        rotate_until(published, quick, ": signing", tmp_path / "signing")
        time.sleep(1)
        # the old keys go on verifying: all that they signed is looked at once more
        kept = {key for (_, key), state in status(published, quick).items() if state in ("signing", "retiring")}
        now = [raw for raw in stream.arrived().values() if kept & selectors(raw)]
        assert set(before.values()) & kept and len(now) >= 10
        assert all(verified_signatures(published, raw) == BOTH_HOLD for raw in now)
        for word in ("revoked, private keys destroyed", "forgotten"):
            rotate_until(published, quick, word, tmp_path / word.split()[0].strip(","))
        succeed(published, "ironpost", "dkim", "rotate", quick, "--wait")  # and now nobody kills it
        time.sleep(3 * PAUSE)
    assert not stream.errors, stream.errors
    letters = stream.arrived()
    failed = {subject: judged(raw) for subject, raw in letters.items() if judged(raw).count("pass") != 2}
    assert not failed and len(letters) >= 20
    after = signing(published, quick)
    used = {
        host: {each for s, raw in letters.items() if f" {host} " in s for each in selectors(raw)} for host in WRITERS
    }
    for host in WRITERS:
        assert before[host] != after[host]
        assert {before[host], after[host]} <= used[host]
        assert after[host].startswith(f"{host}-20")


def test_a_stolen_host_is_revoked_without_being_asked(published: Lab, quick: str, tmp_path: Path) -> None:
    """Whoever took it has the keys; from now on they sign in vain, and nothing but a rotation brings the host back."""
    stolen = published.host("mx2").fqdn
    unreachable = Path(quick).read_text().replace("_ssh(name)", '_ssh(name).model_copy(update={"port": 9})')
    inventory = tmp_path / "unreachable.py"
    inventory.write_text(unreachable)
    before = signing(published, quick)["mx2"]
    text = succeed(published, "ironpost", "dkim", "rotate", str(inventory), "--limit", stolen, "--revoke-now")
    assert f"{before}._domainkey.example.com TXT: revoked on every name server" in text
    assert "example.org" not in text
    again = run_command(published, "ironpost", "dns", "apply", "inventories/lab.py")
    assert again.returncode == 1 and "never comes back" in again.stdout
    found = dns_values(published, f"{before}._domainkey.example.com")
    assert found == ["v=DKIM1; p="] * len(published.name_servers)
    succeed(published, "ironpost", "dkim", "rotate", quick, "--limit", stolen)
    after = signing(published, quick)["mx2"]
    assert after != before
    with Stream(published) as stream:
        time.sleep(3 * PAUSE)
    assert all(judged(raw) == ["pass", "pass"] for raw in stream.arrived().values())


def dns_values(lab: Lab, name: str) -> list[str]:
    import dns.message
    import dns.query

    answers = [dns.query.tcp(dns.message.make_query(name, "TXT"), server, timeout=5) for server in lab.name_servers]
    return [b"".join(answer.answer[0][0].strings).decode() for answer in answers]

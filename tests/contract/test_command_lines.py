"""Bad command lines: one sentence, the exit status of the contract, no traceback, and nothing changed."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ironpost.cli import Exit, main
from tests.inventories import mailhost, write_inventory

BIN = Path(sys.executable).parent
# After `ironpost`; the inventory has one mail host, mx1.example.org, with anna@example.org. Standard input: `<<`.
USAGE = [
    ("check none.py", "File 'none.py' does not exist"),
    ("check users", "File 'users' is a directory"),
    ("check", "Missing argument 'INVENTORY'"),
    ("chek inventory.py", "No such command 'chek'"),
    ("check inventory.py --jsn", "Did you mean '--json'?"),
    ("plan inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("dns plan inventory.py --limit mx9.example.org", "no such mail host or domain; see `ironpost check`"),
    ("dns plan inventory.py --format octodns", "--format octodns and --out DIR belong together"),
    ("dns plan inventory.py --out folder", "--format octodns and --out DIR belong together"),
    ("dns plan inventory.py --format bind", "'bind' is not one of 'text', 'zone', 'octodns'"),
    ("dns plan inventory.py --adopt example.org", "write NAME/TYPE as the plan shows it"),
    ("dns plan inventory.py --adopt example.org/MX --keep example.org/MX", "and decide once"),
    ("dns check inventory.py --wait soon", "'soon' is not a valid integer"),
    ("verify inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("verify inventory.py --control TLS-99", "--control TLS-99: no such control; there are"),
    ("verify inventory.py --profile lax", "'lax' is not one of 'baseline', 'strict'"),
    ("verify inventory.py --from none.json", "File 'none.json' does not exist"),
    ("check waived.py", "Waiver: control: there is no TLS-99; docs/controls.md lists them"),
    ("verify waived.py", "Waiver: control: there is no TLS-99; docs/controls.md lists them"),
    ("rollout inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("rollout inventory.py --bake 5x", "'5x' is no time; write 30s, 10m or 1h"),
    ("rollout inventory.py --waves 200%", "'200%' is no part of a fleet; write them like 10%"),
    ("rollout inventory.py --canary 0", "0 is not in the range"),
    ("rollout inventory.py --deploy none.py", "File 'none.py' does not exist"),
    ("rollback inventory.py mx9.example.org", "name one mail host to roll back; there are mx1.example.org"),
    ("rollback inventory.py --to 0", "0 is not in the range"),
    ("generations inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("unban inventory.py mx1", "'mx1' is not an address; write one like 198.51.100.7"),
    ("unban inventory.py 192.0.2.0/24", "'192.0.2.0/24' is not an address; write one like 198.51.100.7"),
    ("dkim rotate inventory.py --revoke-now", "name it with --limit"),
    ("dkim status inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("tls roll inventory.py --write-timer folder", "--write-timer needs --older-than DAYS"),
    ("tls status inventory.py --limit mx9.example.org", "no such mail host; there are mx1.example.org"),
    ("report diff key.pem key.pem", "cannot be read as JSON"),
    ("report diff empty.json empty.json", "is no result of a verification; name a file of verify --json"),
    ("lab up --hosts -1", "-1 is not in the range"),
    ("user add inventory.py bert", "'bert' is not a mail address; write user@domain"),
    ("user add inventory.py bert@example.com", "no mail host serves example.com; there are example.org"),
    ("user add inventory.py 'a;b@example.org'", "'a;b' is not a mailbox name"),
    ("user add inventory.py bert@example.org --quota 5", "5 is not in the range"),
    ("user app-password add inventory.py anna@example.org phone", "Missing option '--service'"),
    ("user app-password add inventory.py anna@example.org phone --service web", "'web' is not one of 'smtp', 'imap'"),
    ("user app-password add inventory.py anna@example.org phone --service imap --until soon", "'soon' does not match"),
    ("plan inventory.py --json none/plan.json", "none/plan.json: No such file or directory; name a file"),
]
REFUSED = [
    ("user add inventory.py anna@example.org --generate", "the account anna is there; use `ironpost user passwd`"),
    ("user add inventory.py bert@example.org --generate --alias anna", "anna@example.org belongs to anna@example.org"),
    ("user add inventory.py bert@example.org --generate --alias 'a b'", "'a b' is not a mailbox name"),
    ("user add inventory.py anna+x@example.org --generate", "what follows a + is a sub-address of anna"),
    ("user add inventory.py bert@example.org --stdin << short", "the password has 5 characters; use at least 15"),
    ("user add inventory.py bert@example.org --stdin << passwordpassword", "common and stolen ones; use another"),
    ("user add inventory.py bert@example.org --stdin << the-bert-of-horses-9", "holds 'bert', which anybody can guess"),
    ("user add inventory.py bert@example.org --stdin << abcdefghijklmnopq", "the password"),
    ("user add inventory.py bert@example.org --stdin << 'horse\x07staple-dictum'", "U+0007"),
    ("user passwd inventory.py bert@example.org --generate", "there is no account bert; it holds anna"),
    ("user disable inventory.py bert@example.org", "there is no account bert; it holds anna"),
    ("user second-factor inventory.py bert@example.org -y", "there is no account bert; it holds anna"),
    ("user app-password add inventory.py anna@example.org 'Phone!' --service imap", "name is missing or odd; use a-z"),
    (
        "user app-password add inventory.py anna@example.org phone --service imap --network 192.0.2.1/24",
        "192.0.2.1/24 has host bits set; write 192.0.2.0/24",
    ),
    (
        "user app-password add inventory.py anna@example.org phone --service imap --until 2020-01-01",
        "its last day, 2020-01-01, is over; name a later one",
    ),
    ("user app-password revoke inventory.py anna@example.org phone", "there is no app password 'phone'"),
    ("lab up --name 'a b'", "'a b' is not a lab name; use a–z, 0–9"),
    ("lab status --name nothing-runs", "it is not up; run: ironpost lab up"),
]
UNVERIFIED = [
    ("verify inventory.py --from key.pem", "cannot be read"),
    ("verify inventory.py --from empty.json", "is no evidence; name a file of verify --evidence"),
]
ROWS = [
    *((line, Exit.USAGE, words) for line, words in USAGE),
    *((line, Exit.FOUND, words) for line, words in REFUSED),
    *((line, Exit.UNVERIFIED, words) for line, words in UNVERIFIED),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to type commands in, whose host answers nobody."""
    waiver = 'Waiver(control="TLS-99", reason="because I say so", owner="me", until="2027-01-01")'
    before = "from ironpost.settings import Waiver"
    write_inventory(tmp_path, mailhost(), before=before, options=f"waivers=[{waiver}]").rename(tmp_path / "waived.py")
    write_inventory(tmp_path, mailhost(ssh="Ssh(port=1)"))
    (tmp_path / "empty.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "status", "words"), ROWS, ids=[line for line, _, _ in ROWS])
def test_a_bad_command_line_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, status: Exit, words: str
) -> None:
    """Nothing is written, and no password is shown that does not count."""
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    typed, _, given = line.partition(" << ")
    monkeypatch.setattr(sys, "stdin", io.StringIO(shlex.split(given)[0] if given else ""))
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(typed))
    said = capsys.readouterr()
    assert ended.value.code == status
    assert words in said.err
    assert said.out == "" or not line.startswith("user"), "a password came out"
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("line", "status", "words"), [ROWS[0], ROWS[5], ROWS[13], ROWS[len(USAGE)], ROWS[-1]])
def test_the_literal_command_says_the_same(here: Path, line: str, status: Exit, words: str) -> None:
    """A sample of the rows above through the program that operators start."""
    command = [str(BIN / "ironpost"), *shlex.split(line)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ, cwd=here)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr

"""`ironpost status` on real hosts: it is quiet when all is well, and names what is not."""

from __future__ import annotations

import json
from pathlib import Path

from ironpost.lab import Lab
from tests.lab.deployment import run_command
from tests.lab.inventories import variant

STATUS = ("ironpost", "status", "inventories/lab.py")
QUEUED = "printf 'Subject: waits\\n\\nwaits\\n' | sendmail -f postmaster@example.org somebody@nowhere.invalid"


def test_hosts_that_are_well_need_nobody(published: Lab) -> None:
    """Exit 0, a line a host with its generation and its certificate, and no sentence."""
    done = run_command(published, *STATUS)
    assert done.returncode == 0, done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [words[0] for words in lines] == ["host", "mx1.example.org", "mx2.example.com"]
    assert all(words[1].isdigit() and "days" in words for words in lines[1:])


def test_what_is_wrong_is_named_and_an_unknown_host_does_not_hide_it(published: Lab, tmp_path: Path) -> None:
    """A stopped service, a message on hold, a host taken out of service; the other host shows no key that is known."""
    known = "known_hosts=str(_lab.known_hosts)"
    (tmp_path / "nobody").write_text("")
    inventory = variant(tmp_path, (known, f'{known} if name != "mx2" else "nobody"'))
    published.run("mx1", "systemctl stop fail2ban; postconf -e defer_transports=smtp; postfix reload")
    published.run("mx1", f"{QUEUED}; nft add table inet ironpost_drain; sleep 1; postsuper -h ALL")
    try:
        done = run_command(published, "ironpost", "status", inventory, "--json", "-")
        assert done.returncode == 1
        first, second = json.loads(done.stdout)["results"]
        told = "\n".join(first["wants"])
        for part in ("fail2ban.service does not run", "1 on hold", "takes no new mail"):
            assert part in told, told
        assert "Host key verification failed" in second["unread"]
    finally:
        published.run("mx1", "nft delete table inet ironpost_drain; postsuper -d ALL; systemctl start fail2ban")
        published.run("mx1", "postconf -X defer_transports; postfix reload")
    assert run_command(published, *STATUS).returncode == 0

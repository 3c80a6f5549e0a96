"""Which listeners are drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.components import PARTS
from ironpost.facts.drift import listeners
from ironpost.facts.survey import Survey
from ironpost.generation import compose
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('0.0.0.0:25 users:(("master",pid=1,fd=13))', ""),
        ('[::]:22 users:(("sshd",pid=1,fd=3))', ""),
        ('127.0.0.1:11332 users:(("rspamd",pid=1,fd=3))', ""),
        ('[::ffff:127.0.0.1]:4000 users:(("x",pid=1,fd=3))', ""),
        ("[::1]:953", ""),
        ('*:8080 users:(("nc",pid=1,fd=3),("nc",pid=2,fd=3))', "*:8080 held by nc, and"),
        ("[fe80::1%eth0]:9", "[fe80::1%eth0]:9 held by nobody known"),
        ('192.0.2.1:110 users:(("dovecot",pid=1,fd=3))', "192.0.2.1:110 held by dovecot"),
    ],
)
def test_a_listener_is_drift_where_no_component_opens_its_port(tmp_path: Path, row: str, told: str) -> None:
    """Behind the firewall too: the next mistake there would open it."""
    host = read_inventory(write_inventory(tmp_path, mailhost())).mailhosts[0]
    survey = Survey({"listener": [row]}, None, ())
    found = [f"{each.name} {each.why}" for each in listeners(compose(host, PARTS), survey)]
    assert (found[0] if found else "").startswith(told) and len(found) == bool(told)

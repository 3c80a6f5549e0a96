"""The controller's own cost of many hosts that nothing is to be changed on, through pyinfra's @fake connector."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measure import Cost, cost_of, row
from tests.inventories import HASH
from tests.lab.deployment import TOP

COUNTS = (5, 50, 500)
MOST_OWN = 0.1
MOST_GROWTH = 1.25
MOST_MIB = 200
INVENTORY = '''
import functools, json, time
import pyinfra.api.inventory
from ironpost.fleet import fleet
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import CertificateFiles

# For each name that begins with @, and for no host reached over SSH, pyinfra looks through all installed packages.
pyinfra.api.inventory.get_all_connectors = functools.cache(pyinfra.api.inventory.get_all_connectors)
_certificate = CertificateFiles(chain="chain.pem", key=Secret.file("key.pem"))
_state = {"phase": "settled", "current": 1, "previous": None}


class _Answer(list):
    """What a host says that is as it should be; its clock is right whenever it is asked."""

    def __iter__(self):
        facts = {"uid": 0, "system": "debian", "release": "trixie", "init": "systemd", "memory_kib": 4000000,
                 "disk_kib": 9000000, "clock": int(time.time()), "firewall": "ours"}
        yield from (f"ironpost\\t{name}\\t{value}" for name, value in facts.items())
        yield json.dumps({"state": _state, "differences": []})


_hosts = fleet(*(
    MailHost(name=f"mx.d{number}.example.org", release="trixie", tls="modern",
             ipv4=f"10.{number // 250}.{number % 250}.1",
             admin=f"anna@d{number}.example.org", certificate=_certificate,
             domains=[Domain(name=f"d{number}.example.org", users=f"users/{number}.toml")])
    for number in range(COUNT)
))
_fake = {"fake_delay": 0, "fake_delay_jitter": 0, "fake_responses": {"Reads all that a run needs": _Answer()}}
mail = [(f"@fake/{name}", data | _fake) for name, data in _hosts]
'''


def main() -> None:
    """the controller's own cost of 5, 50 and 500 hosts, without a network"""
    costs = {count: measured(count) for count in COUNTS}
    few, some, most = (costs[count] for count in COUNTS)
    each, rest = per_host(few, some, *COUNTS[:2]), per_host(some, most, *COUNTS[1:])
    for count, cost in costs.items():
        print(f"    {count} hosts: {cost.seconds:.1f} s, {cost.own:.1f} s of processor, {cost.mib:.0f} MiB")
    row("controller's seconds a host, from 5 to 50", f"{each:.3f}", f"≤ {MOST_OWN}", each <= MOST_OWN)
    row("the same from 50 to 500, as a multiple", f"{rest / each:.2f}", f"≤ {MOST_GROWTH}", rest <= MOST_GROWTH * each)
    row("memory of the controller for 500", f"{most.mib:.0f} MiB", f"< {MOST_MIB}", most.mib < MOST_MIB)


def per_host(few: Cost, many: Cost, first: int, second: int) -> float:
    """What one more host costs."""
    return (many.own - few.own) / (second - first)


def measured(count: int) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "users").mkdir()
        for number in range(count):
            (folder / "users" / f"{number}.toml").write_text(f'[anna]\npassword = "{HASH}"\n')
        (folder / "chain.pem").write_text("made for a measurement\n")
        (folder / "key.pem").touch(mode=0o600)
        (folder / "key.pem").write_text("made for a measurement\n")
        (folder / "inventory.py").write_text(INVENTORY.replace("COUNT", str(count)))
        cost = cost_of("pyinfra", "inventory.py", str(TOP / "deploys" / "mail.py"), "-y", folder=folder)
    if "Refused" in cost.said or "fault of ironpost" in cost.said:
        raise SystemExit(cost.said[-3000:])
    return cost

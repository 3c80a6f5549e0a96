"""Fifty hosts: clones of one that was provisioned, each brought to its own name and domain by our deploy."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from ironpost.lab import Lab
from ironpost.lab.boot import grown
from ironpost.lab.lab import BOOT_SECONDS, LabHost
from tests.bench.measure import Cost, cost_of, network, row
from tests.lab.deployment import BIN, ssh_commands, succeed

NAME = "bench-fifty"
COUNT = int(os.environ.get("COUNT", "50"))
FEW = 5
INVENTORY = "tests/bench/inventory.py"
# Of the same fleet: in a smaller one each firewall would name fewer hosts, which is a change.
LIMIT = tuple(word for number in range(1, FEW + 1) for word in ("--limit", f"mx.d{number}.example.org"))
DEPLOY = ("pyinfra", INVENTORY, "deploys/mail.py", "-y")
MOST_SECONDS, MOST_VERIFIED = 12, 60
MOST_OWN, MOST_OWN_VERIFIED = 0.1, 0.3
MOST_COMMANDS, MOST_OPERATIONS = 6, 15
MOST_MIB = 200
MOST_GROWTH = 1.25


def main() -> None:
    """fifty hosts that nothing is to be changed on, and their verification"""
    with network(NAME) as lab:
        lab = clones_of_one(lab, COUNT)
        made = run(*DEPLOY)
        print(f"    {COUNT} clones became mail hosts of their own in {made.seconds:.0f} s", flush=True)
        run("ironpost", "dns", "apply", INVENTORY)
        nothing_to_change(lab)
        verified()


def clones_of_one(lab: Lab, count: int) -> Lab:
    """Deploys mx1, switches it off, and boots that many hosts on top of its disk."""
    succeed(lab, "pyinfra", "inventories/lab.py", "deploys/mail.py", "-y", "--limit", lab.host("mx1").fqdn)
    lab.power_off("mx1")
    whole = grown(NAME, 2 * count)  # every second one is of the release of mx1
    targets = [host for host in whole.hosts if host.role == "bare" and host.release == whole.host("mx1").release]
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:  # that many at a time: all at once wait for one another past every deadline
        list(pool.map(lambda host: cloned(whole, host), targets[:count]))
    print(f"    {count} clones booted in {time.monotonic() - began:.0f} s", flush=True)
    return whole


def cloned(lab: Lab, host: LabHost) -> None:
    """Until it has started what it will start; in the name of mx1 not all of that can."""
    lab.clone("mx1", host.name)
    lab.wait_for_login(host)
    lab.run(host, "systemctl is-system-running --wait", timeout=BOOT_SECONDS, check=False)


def run(*words: str) -> Cost:
    return cost_of(*words, IRONPOST_BENCH_HOSTS=str(COUNT), IRONPOST_LAB=NAME)


def nothing_to_change(lab: Lab) -> None:
    few, first = run(*DEPLOY, *LIMIT), "bare1"
    start = lab.run(first, "sleep 1; date '+%F %T'").stdout.strip()
    all_of_them = run(*DEPLOY)
    commands = len(ssh_commands(lab, first, start))
    operations = all_of_them.said.count("--> Starting operation:")
    own = (all_of_them.own - few.own) / (COUNT - FEW)
    flat = all_of_them.own / COUNT / (few.own / FEW)
    row(
        f"{COUNT} hosts, nothing to change: seconds",
        f"{all_of_them.seconds:.1f}",
        f"< {MOST_SECONDS}",
        all_of_them.seconds < MOST_SECONDS,
    )
    row("  operations", str(operations), f"≤ {MOST_OPERATIONS}", operations <= MOST_OPERATIONS)
    row("  SSH commands a host", str(commands), f"≤ {MOST_COMMANDS}", commands <= MOST_COMMANDS)
    row(f"  controller's seconds a host, from {FEW} to {COUNT}", f"{own:.3f}", f"≤ {MOST_OWN}", own <= MOST_OWN)
    row(f"  cost of a host among {COUNT} / among {FEW}", f"{flat:.2f}", f"≤ {MOST_GROWTH}", flat <= MOST_GROWTH)
    row("  memory of the controller", f"{all_of_them.mib:.0f} MiB", f"< {MOST_MIB}", all_of_them.mib < MOST_MIB)


def verified() -> None:
    """Exit 0 is not asked for: what a clone lacks is not what is measured here, and stands in the last line."""
    verify = f"{BIN / 'ironpost'} verify {INVENTORY} --quiet {{}}; test $? -le 4"
    few, all_of_them = run("sh", "-c", verify.format(" ".join(LIMIT))), run("sh", "-c", verify.format(""))
    own = (all_of_them.own - few.own) / (COUNT - FEW)
    row(
        f"{COUNT} hosts verified: seconds",
        f"{all_of_them.seconds:.0f}",
        f"< {MOST_VERIFIED}",
        all_of_them.seconds < MOST_VERIFIED,
    )
    row(
        f"  controller's seconds a host, from {FEW} to {COUNT}",
        f"{own:.2f}",
        f"≤ {MOST_OWN_VERIFIED}",
        own <= MOST_OWN_VERIFIED,
    )
    print("    " + (all_of_them.said.strip().splitlines() or ["every control holds"])[-1])

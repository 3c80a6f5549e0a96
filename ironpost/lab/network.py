"""The wires: one bridge per lab, one network namespace and veth pair per host, and no way out.

Everything is on-link in the lab's two prefixes, so no host needs a route, and none has a default route.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.state import LabError

# Worse than any connected route: used only while the bridge is down, when packets for the lab's prefixes would
# otherwise leave through the machine's default route.
LAST_RESORT_METRIC = 4_000_000_000


def bring_up_bridge(plan: LabPlan) -> None:
    """The bridge with the controller's addresses, and the routes that keep the lab's traffic on this machine."""
    bridge = plan.bridge
    if not Path(f"/sys/class/net/{bridge}").exists():
        # A fixed hardware address: otherwise it changes with each port, and neighbours keep a stale one.
        address = f"02:1b:01:{plan.slot:02x}:00:00"
        _ip(f"link add {bridge} address {address} type bridge forward_delay 0 mcast_snooping 0")
    _ip(
        f"link set {bridge} up",
        f"addr replace {plan.controller_ipv4}/{plan.ipv4_network.prefixlen} dev {bridge}",
        f"addr replace {plan.controller_ipv6}/{plan.ipv6_network.prefixlen} dev {bridge} nodad",
        f"route replace unreachable {plan.ipv4_network} metric {LAST_RESORT_METRIC}",
        f"-6 route replace unreachable {plan.ipv6_network} metric {LAST_RESORT_METRIC}",
    )
    for family in ("ipv4", "ipv6"):
        # A machine that forwards (containers, VPN) must not do so for lab hosts.
        Path(f"/proc/sys/net/{family}/conf/{bridge}/forwarding").write_text("0")


def take_down_bridge(plan: LabPlan) -> None:
    """Bridge, namespaces and routes of this lab, as far as they exist, whoever left them there."""
    # Pairs go first: the kernel takes a deleted namespace apart later, and its devices would vanish under our hands.
    for device in sorted(path.name for path in Path("/sys/class/net").glob(f"il{plan.slot}v*")):
        _ip(f"link delete {device}")
    for namespace in namespaces(plan):
        _ip(f"netns delete {namespace}")
    if Path(f"/sys/class/net/{plan.bridge}").exists():
        _ip(f"link delete {plan.bridge}")
    for family, network in (("-4", plan.ipv4_network), ("-6", plan.ipv6_network)):
        subprocess.run(
            ["ip", family, "route", "del", "unreachable", str(network), "metric", str(LAST_RESORT_METRIC)],
            capture_output=True,
        )


def namespaces(plan: LabPlan) -> list[str]:
    """Network namespaces of this lab that exist now."""
    return sorted(path.name for path in Path("/run/netns").glob(f"{plan.bridge}-*"))


def plug_in(plan: LabPlan, host: PlannedHost) -> None:
    """A fresh namespace for one host, as after power-on: no rules and no counters of an earlier life."""
    unplug(plan, host)
    namespace, outer = plan.namespace(host.name), plan.interface(host.name)
    number = [one.name for one in plan.hosts].index(host.name)
    # The same hardware address in every life: with another, its neighbours would not find it for half a minute.
    address = f"02:1b:00:{plan.slot:02x}:{number >> 8:02x}:{number & 255:02x}"
    _ip(
        f"netns add {namespace}",
        f"link add {outer} type veth peer name eth0 address {address} netns {namespace}",
        f"link set {outer} master {plan.bridge} up",
    )
    _ip(
        "link set lo up",
        f"addr add {host.ipv4}/{plan.ipv4_network.prefixlen} dev eth0",
        f"addr add {host.ipv6}/{plan.ipv6_network.prefixlen} dev eth0 nodad",
        "link set eth0 up",
        namespace=namespace,
    )


def plugged_in(plan: LabPlan, host: PlannedHost) -> bool:
    """Whether the host's wire ends in the lab's bridge."""
    wire = Path(f"/sys/class/net/{plan.interface(host.name)}/master")
    return wire.exists() and wire.resolve().name == plan.bridge


def unplug(plan: LabPlan, host: PlannedHost) -> None:
    """Takes the namespace away; its end of the veth pair, and so the pair, goes with it."""
    namespace, outer = plan.namespace(host.name), plan.interface(host.name)
    # The pair goes first: the kernel takes a deleted namespace apart later, and the name would still be taken.
    if Path(f"/sys/class/net/{outer}").exists():
        _ip(f"link delete {outer}")
    if Path(f"/run/netns/{namespace}").exists():
        _ip(f"netns delete {namespace}")


def _ip(*commands: str, namespace: str = "") -> None:
    """Runs ip(8) commands in one go. Raises LabError with what it said."""
    inside = ["-n", namespace] if namespace else []
    for command in commands:
        ran = subprocess.run(["ip", *inside, *command.split()], capture_output=True, text=True, timeout=60)
        if ran.returncode != 0:
            said = ran.stderr.strip()
            raise LabError(f"lab network: ip {command}: {said}; run ironpost lab down, then up again")

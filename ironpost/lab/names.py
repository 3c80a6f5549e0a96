"""The lab's DNS: two Knot servers for every zone, a validating unbound, and what makes a mail host's own unbound

believe the lab's root. Everything is decided before the hosts boot: pure text from the plan and the keys.
"""

from __future__ import annotations

from ironpost.lab.acme import acme_acls, acme_key
from ironpost.lab.plan import OPERATED_ZONES, LabPlan, PlannedHost
from ironpost.lab.tree import LabFile, LabTree
from ironpost.lab.trust import TRANSFER, Keys, Tsig, make_keys, reverse_zones, tsig, zone_names
from ironpost.lab.zonefiles import SERVERS, TTL, absolute, pointer, zone_file

__all__ = ["Keys", "Tsig", "make_keys", "tree_for_name_server", "tree_for_resolver", "tsig", "unbound_dropin"]

IMPORT = "/var/lib/knot/import"
# Zones that unbound answers by itself although the lab has them, or would have (RFC 6303, RFC 6761, RFC 3849).
LOCAL_ZONES = ("8.b.d.0.1.0.0.2.ip6.arpa.", "test.", "invalid.", "2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.")

COMMON = """\
server:
    rundir: "/run/knot"
    user: knot:knot
    listen: [ {host.ipv4}@53, {host.ipv6}@53 ]
log:
  - target: syslog
    any: info
database:
    storage: "/var/lib/knot"
key:
{keys}
remote:
  - id: {peer.name}
    address: [ {peer.ipv4}, {peer.ipv6} ]
    via: [ {host.ipv4}, {host.ipv6} ]
    key: {transfer}
"""

PRIMARY = """\
# A change that is signed with an operator's key reaches that operator's own names and no others.
acl:
  - id: transfer
    address: [ {peer.ipv4}, {peer.ipv6} ]
    key: {transfer}
    action: transfer
{acls}
# One key signs a whole zone; it is made before the server boots, so that its DS can stand in the parent's zone file.
policy:
  - id: lab
    manual: on
    single-type-signing: on
    algorithm: ecdsap256sha256
    dnskey-ttl: {ttl}
    cds-cdnskey-publish: none
template:
  - id: default
    storage: "/var/lib/knot"
    file: "%s.zone"
    serial-policy: unixtime
    zonefile-load: difference
    dnssec-signing: on
    dnssec-policy: lab
    notify: {peer.name}
    acl: transfer
zone:
"""

SECONDARY = """\
acl:
  - id: notify
    address: [ {peer.ipv4}, {peer.ipv6} ]
    key: {transfer}
    action: notify
template:
  - id: default
    storage: "/var/lib/knot"
    file: "%s.zone"
    master: {peer.name}
    acl: notify
    # A secondary that comes up first asks again soon, not after the SOA's hour.
    retry-max-interval: 5
zone:
"""

RESOLVER = """\
server:
    interface: {host.ipv4}
    interface: {host.ipv6}
    interface: 127.0.0.1
    interface: ::1
    # The address may still be tentative (RFC 4862 §5.4) when unbound binds.
    ip-freebind: yes
    access-control: {plan.ipv4_network} allow
    access-control: {plan.ipv6_network} allow
    access-control: 127.0.0.0/8 allow
    access-control: ::1 allow
    username: unbound
    use-syslog: yes
    # A name server that was stopped by a test is asked again soon after.
    infra-host-ttl: 30
remote-control:
    control-enable: yes
    control-interface: /run/unbound.ctl
"""


def tree_for_name_server(plan: LabPlan, host: PlannedHost, keys: Keys, outside_tlsa: str | None = None) -> LabTree:
    """ns1 holds the zones, signs them and takes updates; ns2 gets them from ns1 and takes none."""
    first, second = plan.of_role("name server")
    if host == first:
        return LabTree(
            files=(_knot_conf(primary_conf(plan, keys)), *_zone_files(plan, keys, outside_tlsa), *_key_files(keys)),
            units=("knot.service",),
            first_boot=(*_imports(keys.zones), f"rm -r {IMPORT}"),
        )
    return LabTree(files=(_knot_conf(secondary_conf(plan, second, first, keys)),), units=("knot.service",))


def tree_for_resolver(plan: LabPlan, host: PlannedHost, keys: Keys) -> LabTree:
    """The validating recursor for those who bring none."""
    root_hints, dropin = unbound_dropin(plan, keys)
    assert isinstance(dropin.content, str)
    text = RESOLVER.format(host=host, plan=plan) + dropin.content
    return LabTree(files=(root_hints, LabFile("/etc/unbound/unbound.conf", text)), units=("unbound.service",))


def unbound_dropin(plan: LabPlan, keys: Keys) -> tuple[LabFile, ...]:
    """The lab's root hints, and what tells an unbound on a lab host to use and believe them."""
    lines = [
        "# The test network's own root. Part of the machine, as the real root is: not of what is deployed on it.",
        "server:",
        '    root-hints: "/etc/unbound/lab-root.hints"',
        f'    trust-anchor: ". {TTL} IN DS {keys.ds(".")}"',
        *(f"    local-zone: {zone} nodefault" for zone in LOCAL_ZONES),
    ]
    return (
        LabFile("/etc/unbound/lab-root.hints", _root_hints(plan)),
        LabFile("/etc/unbound/unbound.conf.d/lab.conf", "\n".join(lines) + "\n"),
    )


def primary_conf(plan: LabPlan, keys: Keys) -> str:
    """knot.conf of ns1, with every key and what it may change."""
    host, peer = plan.of_role("name server")
    values = {"host": host, "peer": peer, "transfer": f"{TRANSFER}.", "ttl": TTL}
    names = (TRANSFER, *OPERATED_ZONES, *map(acme_key, OPERATED_ZONES))
    text = COMMON.format(keys="\n".join(_key(keys.tsig(name)) for name in names), **values)
    text += PRIMARY.format(acls=_update_acls(plan) + acme_acls(plan), **values)
    return text + "".join(_primary_zone(plan, zone) for zone in keys.zones)


def secondary_conf(plan: LabPlan, host: PlannedHost, peer: PlannedHost, keys: Keys) -> str:
    """knot.conf of ns2; with no rule that allows updates, it refuses them."""
    values = {"host": host, "peer": peer, "transfer": f"{TRANSFER}."}
    text = COMMON.format(keys=_key(keys.tsig(TRANSFER)), **values) + SECONDARY.format(**values)
    return text + "".join(f"  - domain: {absolute(zone)}\n" for zone in zone_names(plan))


def update_owners(plan: LabPlan, operated: str) -> dict[str, tuple[str, ...]]:
    """Zone → the names in it that the key of an operated zone may change, each with all below it."""
    owners: dict[str, tuple[str, ...]] = {operated: (absolute(operated),)}
    hosts = [host for host in plan.of_role("mail") if host.fqdn.endswith(f".{operated}")]
    for zone in reverse_zones(plan):
        names = tuple(pointer(address) for host in hosts for address in (host.ipv4, host.ipv6))
        owners[zone] = tuple(name for name in names if name.endswith(f".{zone}."))
    return owners


def _update_acls(plan: LabPlan) -> str:
    return "".join(
        f"  - id: {_acl_id(operated, zone)}\n"
        f"    key: {operated}.\n"
        "    action: update\n"
        "    update-owner: name\n"
        "    update-owner-match: sub-or-equal\n"
        f"    update-owner-name: [ {', '.join(names)} ]\n"
        # In a reverse zone: the pointer, and a note below it on whose it is.
        + ("" if zone == operated else "    update-type: [ PTR, TXT ]\n")
        for operated in OPERATED_ZONES
        for zone, names in update_owners(plan, operated).items()
    )


def _primary_zone(plan: LabPlan, zone: str) -> str:
    rules = [_acl_id(operated, zone) for operated in OPERATED_ZONES if zone in update_owners(plan, operated)]
    rules += [acme_key(zone)] if zone in OPERATED_ZONES else []
    return f"  - domain: {absolute(zone)}\n    acl: [ {', '.join(['transfer', *rules])} ]\n"


def _acl_id(operated: str, zone: str) -> str:
    return f"{operated}-in-{zone}"


def _key(key: Tsig) -> str:
    return f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}"


def _knot_conf(text: str) -> LabFile:
    return LabFile("/etc/knot/knot.conf", text, 0o640, "root:knot")


def _zone_files(plan: LabPlan, keys: Keys, outside_tlsa: str | None) -> tuple[LabFile, ...]:
    """Knot owns them: it writes signatures and updates back into its zone files. The root's is called ".zone"."""
    return tuple(
        LabFile(f"/var/lib/knot/{absolute(zone)}zone", zone_file(plan, zone, keys, outside_tlsa), 0o640, "knot:knot")
        for zone in keys.zones
    )


def _key_files(keys: Keys) -> tuple[LabFile, ...]:
    return tuple(LabFile(_pem_path(zone), keys.zone_key(zone), 0o600, "knot:knot") for zone in keys.zones)


def _imports(zones: tuple[str, ...]) -> tuple[str, ...]:
    """Each key as one that signs all of its zone from the first moment."""
    return tuple(
        f"runuser -u knot -- keymgr {absolute(zone)} import-pem {_pem_path(zone)}"
        " algorithm=ecdsap256sha256 ksk=yes zsk=yes >/dev/null"
        for zone in zones
    )


def _pem_path(zone: str) -> str:
    return f"{IMPORT}/{'root' if zone == '.' else zone}.pem"


def _root_hints(plan: LabPlan) -> str:
    lines = [f". {TTL} IN NS {server}" for server in SERVERS]
    for host in plan.of_role("name server"):
        lines += [f"{absolute(host.fqdn)} {TTL} IN A {host.ipv4}", f"{absolute(host.fqdn)} {TTL} IN AAAA {host.ipv6}"]
    return "\n".join(lines) + "\n"

"""What each role adds to a bare tree, gathered from the modules that know it."""

from __future__ import annotations

from ironpost.lab.acme import tree_for_acme
from ironpost.lab.authority import Authority, tlsa
from ironpost.lab.names import tree_for_name_server, tree_for_resolver, unbound_dropin
from ironpost.lab.outside import tree_for_outside
from ironpost.lab.partners import PARTNERS_ZONE, mx_names, policy_names
from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.tree import LabTree
from ironpost.lab.trust import Keys


def role_tree(plan: LabPlan, host: PlannedHost, keys: Keys, authority: Authority) -> LabTree:
    """Files and units by role. Every host but the DNS's own can bring an unbound that trusts the lab's root."""
    if host.role == "name server":
        (outside,) = plan.of_role("outside")
        chain, _ = authority.certificate(outside.fqdn, mx_names())
        return tree_for_name_server(plan, host, keys, tlsa(chain.read_bytes()))
    if host.role == "resolver":
        served = tuple(path.read_bytes() for path in authority.certificate(host.fqdn))
        return tree_for_resolver(plan, host, keys) + tree_for_acme(*served)
    if host.role == "outside":
        return _outside(plan, host, keys, authority)
    return LabTree(files=unbound_dropin(plan, keys))


def _outside(plan: LabPlan, host: PlannedHost, keys: Keys, authority: Authority) -> LabTree:
    mail = [path.read_bytes() for path in authority.certificate(host.fqdn, mx_names())]
    web = [path.read_bytes() for path in authority.certificate(PARTNERS_ZONE, policy_names())]
    return tree_for_outside(plan, host, keys, mail, web, authority.root_certificate.read_bytes())

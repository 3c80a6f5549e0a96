"""The plan of the test network: addresses and names that must hold before anything is built."""

from __future__ import annotations

import ipaddress

import pytest

from ironpost.lab.plan import LAST_SLOT, LabPlan, plan_lab
from ironpost.lab.state import LabError, lab_directory

MOST = 500


@pytest.fixture(scope="module")
def big() -> LabPlan:
    return plan_lab("demo", 0, MOST)


def test_no_two_hosts_share_a_name_or_an_address(big: LabPlan) -> None:
    """Two hosts at one address answer in turns, and every test against either of them lies now and then."""
    for key in ("name", "fqdn", "ipv4", "ipv6"):
        assert len({getattr(host, key) for host in big.hosts}) == len(big.hosts)


def test_every_host_lies_in_the_prefixes_of_its_lab(big: LabPlan) -> None:
    """Only these prefixes have the routes that keep traffic on the machine."""
    for host in big.hosts:
        assert ipaddress.IPv4Address(host.ipv4) in big.ipv4_network
        assert ipaddress.IPv6Address(host.ipv6) in big.ipv6_network


def test_no_host_has_the_address_of_the_controller(big: LabPlan) -> None:
    """The bridge answers there."""
    assert big.controller_ipv4 not in {host.ipv4 for host in big.hosts}
    assert big.controller_ipv6 not in {host.ipv6 for host in big.hosts}


def test_labs_do_not_overlap() -> None:
    """A test lab beside a running demo must never reach it."""
    plans = [plan_lab(f"lab{slot}", slot) for slot in range(LAST_SLOT + 1)]
    for one in plans:
        for other in plans[one.slot + 1 :]:
            assert not one.ipv4_network.overlaps(other.ipv4_network)
            assert not one.ipv6_network.overlaps(other.ipv6_network)
            assert one.bridge != other.bridge


def test_no_address_is_one_that_mail_software_takes_for_local(big: LabPlan) -> None:
    """rspamd skips SPF, DKIM and DMARC for senders in RFC 1918 ranges; the lab would prove nothing."""
    private = [ipaddress.ip_network(prefix) for prefix in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
    assert not any(ipaddress.ip_address(host.ipv4) in prefix for host in big.hosts for prefix in private)


def test_interface_names_fit_the_kernel() -> None:
    """Linux takes 15 characters (IFNAMSIZ less the closing zero)."""
    plan = plan_lab("demo", LAST_SLOT, MOST)
    names = [plan.bridge, *(plan.interface(host.name) for host in plan.hosts)]
    assert max(map(len, names)) <= 15
    assert len(set(names)) == len(names)


def test_more_hosts_leave_the_addresses_of_the_others_alone() -> None:
    """A running lab grows without touching what runs."""
    few, many = plan_lab("demo", 0, 3), plan_lab("demo", 0, 30)
    assert many.hosts[: len(few.hosts)] == few.hosts
    assert all(few.interface(host.name) == many.interface(host.name) for host in few.hosts)


def test_both_releases_have_a_mail_host(big: LabPlan) -> None:
    """A promise for Debian 12 and 13 needs both."""
    assert {host.release for host in big.of_role("mail")} == {"bookworm", "trixie"}


def test_one_mail_host_is_reached_as_root_and_one_through_sudo(big: LabPlan) -> None:
    """Both ways of connecting are promised to operators."""
    assert {host.ssh_user for host in big.of_role("mail")} == {"root", "operator"}


def test_name_servers_stand_in_two_prefixes(big: LabPlan) -> None:
    """RFC 2182 §3.1: servers of a zone do not share one network."""
    first, second = big.of_role("name server")
    assert ipaddress.ip_network(f"{first.ipv4}/24", strict=False) != ipaddress.ip_network(
        f"{second.ipv4}/24", strict=False
    )


@pytest.mark.parametrize("name", ["", "../x", "Demo", "a/b", "1st", "a" * 40, "x\n"])
def test_a_lab_name_cannot_leave_its_directory(name: str) -> None:
    """The name becomes a directory that `down` deletes."""
    with pytest.raises(LabError, match="not a lab name"):
        lab_directory(name)

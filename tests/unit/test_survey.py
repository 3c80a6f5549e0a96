"""What a look at a host forbids, in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.facts.survey import Survey, shut_in
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import mailhost, write_inventory


@pytest.fixture
def host(tmp_path: Path) -> MailHost:
    settings = mailhost(ipv6='"2001:db8::10"', outgoing_check='"mx.example.net"')
    return read_inventory(write_inventory(tmp_path, settings)).mailhosts[0]


def survey(*rows: str) -> Survey:
    return Survey({"outgoing": list(rows)}, None, ())


def test_a_host_that_greets_over_both_is_fit(host: MailHost) -> None:
    """Nothing is told of what works."""
    assert shut_in(host, survey("4 192.0.2.1 220", "6 2001:db8::1 220", "asked")) == []


def test_a_blocked_port_25_is_told_for_its_kind_of_address_alone(host: MailHost) -> None:
    """Providers often open IPv4 and forget IPv6."""
    [told] = shut_in(host, survey("4 192.0.2.1 220", "6 2001:db8::1", "asked"))
    assert "over IPv6 seems blocked (no greeting from 2001:db8::1)" in told


def test_a_name_without_address_is_told(host: MailHost) -> None:
    """A host that finds no name finds no mail server either."""
    assert "mx.example.net has no address" in shut_in(host, survey("asked"))[0]


def test_nothing_is_asked_of_a_host_that_was_set_up_before(host: MailHost) -> None:
    """Its own firewall lets only Postfix out to port 25."""
    assert shut_in(host, Survey({}, None, ())) == []

"""Hosts that divide their roles: each holds what its own needs, and mail finds its way from one to the next."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ironpost.component import Port
from ironpost.components import components_of
from ironpost.components.inner import NOT_HERE, inner_recipients, inner_senders
from ironpost.dns.records import Told, scopes
from ironpost.errors import InventoryError
from ironpost.fleet_roles import role_advice
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.rollout.waves import waves_of
from tests.golden.trees import DIVIDED
from tests.inventories import mailhost, write_inventory

IN, OUT, BOX, WHOLE = DIVIDED
INNER = 'Inner(authority="chain.pem", chain="chain.pem", key=Secret.file("key.pem"))'


def paths(host: MailHost) -> set[str]:
    return {file.path for component in components_of(host) for file in component.files}


def ports(host: MailHost) -> dict[int, Port]:
    return {port.number: port for component in components_of(host) for port in component.ports}


def text(host: MailHost, path: str) -> str:
    return next(str(file.content) for part in components_of(host) for file in part.files if file.path == path)


@pytest.mark.parametrize(
    ("host", "doors"),
    [(IN, {25, 443}), (OUT, {465, 587, 2525, 4526, 4528}), (BOX, {993, 995, 4525})],
    ids=lambda value: value.name if isinstance(value, MailHost) else "",
)
def test_a_host_opens_the_doors_of_its_roles_and_no_other(host: MailHost, doors: set[int]) -> None:
    """A door without a service behind it is one that nobody watches."""
    assert set(ports(host)) == doors


def test_the_doors_between_the_hosts_are_open_to_the_fleet_alone() -> None:
    """Whoever stole a certificate of the fleet still stands outside."""
    assert ports(BOX)[4525].sources == ports(OUT)[4526].sources == ports(OUT)[4528].sources == ("fleet",)
    rules = text(BOX, "/etc/nftables.conf")
    assert "tcp dport 4525 ip saddr @fleet_v4" in rules and "tcp dport 4525 counter accept" not in rules
    assert "elements = { 192.0.2.41-192.0.2.44 }" in rules or "192.0.2.42/31" in rules


def test_hosts_that_send_for_one_domain_count_together() -> None:
    """An account that uses both may not send twice as much; who sends nothing has nothing to tell."""
    assert [member.name for member in OUT.counts_with] == ["whole.example.info"]
    assert [member.name for member in WHOLE.counts_with] == ["out.example.info"]
    assert IN.counts_with == BOX.counts_with == () and 4528 not in ports(IN).keys() | ports(BOX).keys()
    said = json.loads(text(OUT, "/etc/ironpost/counts.json"))
    assert said == {"port": 4528, "peers": {"whole.example.info": ["192.0.2.44"]}}
    assert not {path for path in paths(BOX) if "counts" in path}


def test_a_host_that_lets_little_out_lets_this_out() -> None:
    """By address and port: the user of the service has no name while the rules are loaded."""
    rules = text(OUT.model_copy(update={"outgoing": "needed"}), "/etc/nftables.conf")
    assert "ip daddr @fleet_v4 tcp dport 4528 counter accept" in rules
    assert "dport 4528" not in text(BOX.model_copy(update={"outgoing": "needed"}), "/etc/nftables.conf")


def test_hosts_without_certificates_of_the_fleet_are_advised_to_count_together(tmp_path: Path) -> None:
    """It works, and grants each account its limits once for each host."""
    second = mailhost(name='"mx2.example.org"', ipv4='"127.0.0.2"')
    hosts = read_inventory(write_inventory(tmp_path, mailhost(), second)).mailhosts
    (advice,) = role_advice(hosts)
    assert advice.startswith("example.org: mx1.example.org and mx2.example.org send for it, and each counts sending ")
    assert [*role_advice(DIVIDED)] == [*role_advice(hosts[:1])] == []


def test_secrets_are_only_where_they_are_used() -> None:
    """What breaks in through port 25 finds neither a password nor a signing key."""
    assert not any(path.startswith("/etc/dovecot/") for path in paths(IN))
    assert (IN.signers, BOX.signers) == ((), ()) and [each.domain for each in OUT.signers] == ["example.info"]
    assert [row.partition(":")[0] for row in text(OUT, "/etc/dovecot/users").splitlines()] == [
        "ada@example.info",
        "bea@example.info",
    ]
    assert [row.partition(":")[0] for row in text(BOX, "/etc/dovecot/users").splitlines()] == ["ada@example.info"]


def test_everyone_sends_where_only_some_read() -> None:
    """On a host with both roles a login to a mailbox that is elsewhere would open an empty one."""
    rows = {
        service: text(WHOLE, f"/etc/dovecot/users.{service}").count("example.info:") for service in ("smtp", "imap")
    }
    assert rows == {"smtp": 2, "imap": 1} and "bea@" in text(WHOLE, "/etc/dovecot/users.imap")
    assert text(WHOLE, "/etc/dovecot/users").count("example.info:") == 1


def test_mail_is_brought_to_the_host_that_has_the_mailbox() -> None:
    """As the users file names it; the others are on the first host with mailboxes."""
    to_box, to_whole = "fleet:[box.example.info]:4525", "fleet:[whole.example.info]:4525"
    assert IN.mailbox_routes == {"ada@example.info": to_box, "bea@example.info": to_whole}
    assert BOX.mailbox_routes == {"bea@example.info": to_whole} and WHOLE.mailbox_routes == {"ada@example.info": to_box}


def test_a_mailbox_that_is_not_here_makes_the_others_wait() -> None:
    """Two hosts that each believe that the other one has it would pass a letter to and fro until it bounces."""
    rows = inner_recipients(BOX)
    assert rows["ada@example.info"] == rows["info@example.info"] == "OK" and "bea@example.info" not in rows
    assert rows["example.info"] == NOT_HERE and NOT_HERE.startswith("450")


def test_the_fleet_sends_in_our_name_alone() -> None:
    """A host that was broken into must not relay the world's mail through the one that signs."""
    assert set(inner_senders(OUT)) == {"<>", "example.info", "out.example.info"}


def test_what_cannot_leave_by_itself_is_handed_to_hosts_that_send_the_next_one_where_one_is_away() -> None:
    """Bounces of an MX carry a signature like all other mail."""
    assert IN.world_routes == BOX.world_routes == "[out.example.info]:4526, [whole.example.info]:4526"
    assert OUT.world_routes == WHOLE.world_routes == ""


def test_dns_names_each_host_for_what_it_does() -> None:
    """An MX that takes no mail, or an SPF policy that names a host that sends none, is worse than none."""
    told = {host.name: Told() for host in DIVIDED}
    (scope,) = scopes(DIVIDED, told, only={"example.info"})
    sets = {f"{each.id.name} {each.id.rtype}": each.values for each in scope.sets}
    assert sets["example.info MX"] == ("10 in.example.info.", "10 whole.example.info.")
    assert sets["example.info TXT"] == ("v=spf1 ip4:192.0.2.42 ip4:192.0.2.44 ~all",)
    assert sets["_submissions._tcp.example.info SRV"] == ("0 1 465 out.example.info.", "0 1 465 whole.example.info.")
    assert "_imaps._tcp.example.info SRV" not in sets  # two hosts have mailboxes: a program could find the wrong one
    assert sets["mta-sts.example.info A"] == ("192.0.2.41", "192.0.2.44")


def test_no_wave_holds_all_hosts_of_a_role() -> None:
    """Four hosts of one domain, two of each role: what breaks with a wave, another host still does."""
    waves = [[host.name.partition(".")[0] for host in wave] for wave in waves_of(DIVIDED, 1, ("100%",))]
    assert waves == [["in"], ["box"], ["whole"], ["out"]]  # out has the role relay alone, and goes last


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"roles": '("mx", "submission")'}, "example.org: no host has its mailboxes; give one of its hosts the role"),
        ({"roles": '("mx", "mailbox")'}, "example.org: no host sends its mail"),
        ({"roles": '("submission", "mailbox")'}, "example.org: no host takes its mail"),
        ({"roles": '("mx", "submission", "mailbox", "web")'}, "roles.3: Input should be 'mx'"),
        ({"roles": "()"}, "roles: () is not enough; name at least 1"),
    ],
)
def test_a_domain_without_a_role_is_told(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    """Its mail would have nowhere to go."""
    with pytest.raises(InventoryError, match=re.escape(told)):
        read_inventory(write_inventory(tmp_path, mailhost(**changes)))


def test_hosts_that_share_a_domain_need_a_certificate_of_the_fleet(tmp_path: Path) -> None:
    """Without one they could not tell each other from a stranger."""
    first = mailhost(roles='("mx", "submission")')
    second = mailhost(name='"box.example.org"', ipv4='"127.0.0.2"', roles='("mailbox",)', inner=INNER)
    path = write_inventory(tmp_path, first, second)
    path.write_text(path.read_text().replace("import Acme,", "import Acme, Inner,"))
    with pytest.raises(InventoryError, match=r"mx1\.example\.org: shares example.org with other hosts"):
        read_inventory(path)


def test_the_firewall_names_no_user_that_a_role_does_not_bring(tmp_path: Path) -> None:
    """nft(8) takes no rule about a user that the host does not have: its first deploy would end there."""
    needed = {"inner": INNER, "outgoing": '"needed"', "asks_outside": '("rbl",)'}
    hosts = [
        mailhost(name=f'"{role}.example.org"', ipv4=f'"127.0.0.{number}"', roles=f'("{role}",)', **needed)
        for number, role in enumerate(("mx", "submission", "mailbox"), 1)
    ]
    path = write_inventory(tmp_path, *hosts)
    path.write_text(path.read_text().replace("import Acme,", "import Acme, Inner,"))
    users = {each.name: {way.user for way in each.departures} for each in read_inventory(path).mailhosts}
    always = {"postfix", "unbound", "systemd-timesync", "_apt"}
    assert users["mx.example.org"] == always | {"_rspamd"}
    assert users["submission.example.org"] == always | {"_rspamd", "_mta-sts"}
    assert users["mailbox.example.org"] == always


def test_a_mailbox_on_a_host_that_has_none_is_told(tmp_path: Path) -> None:
    """A misspelt host would keep the mail of its owner in a queue until it bounces."""
    path = write_inventory(tmp_path, mailhost(inner=INNER))
    path.write_text(path.read_text().replace("import Acme,", "import Acme, Inner,"))
    users = tmp_path / "users" / "example.org.toml"
    users.write_text(users.read_text() + 'host = "mx9.example.org"\n')
    with pytest.raises(InventoryError, match=r"anna@example\.org: host mx9\.example\.org has no mailboxes"):
        read_inventory(path)

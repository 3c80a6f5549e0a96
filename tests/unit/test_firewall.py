"""What the rules say for each kind of port, in the words of nft(8)."""

from __future__ import annotations

import re

from ironpost.component import HostFile, Port
from ironpost.components import components_of
from ironpost.components.firewall import CLOSED, RULES, closed_ruleset, firewall
from ironpost.mailhost import MailHost
from tests.golden.trees import WHOLE

ALLOWLISTED, RESTRICTED, FROM_ANYWHERE = WHOLE


def rules(mailhost: MailHost, *ports: Port) -> str:
    file = next(file for file in firewall(mailhost, ports).files if file.path == RULES)
    return text_of(file)


def text_of(file: HostFile) -> str:
    assert isinstance(file.content, str)
    return file.content


def input_rules(text: str, number: int) -> list[str]:
    """The rules that speak of one port, in order, without counter and comment; bans are another table's."""
    lines = (
        line.strip()
        for line in text.partition("table inet ironpost_bans")[0].splitlines()
        if re.search(rf"dport {number}\b", line)
    )
    return [line.partition(" comment ")[0].replace(" counter", "") for line in lines]


def test_without_ports_only_ssh_is_let_in() -> None:
    """A component that is not set up has no door, however many templates mention it."""
    found = set(re.findall(r"(?:tcp|udp) dport (\d+)", rules(ALLOWLISTED).partition("chain forward")[0]))
    assert found == {"22", "68", "546"}


def test_a_port_without_limits_is_one_accept_for_both_ip_versions() -> None:
    """Two rules for one door get out of step; the table is inet."""
    assert input_rules(rules(ALLOWLISTED, Port(993, "IMAPS")), 993) == ["tcp dport 993 accept"]


def test_a_limited_port_counts_each_source_and_spares_the_operators() -> None:
    """The order decides: operators first, then the limits, then everyone."""
    assert input_rules(rules(ALLOWLISTED, Port(25, "mail", per_minute=200, parallel=20)), 25)[:9] == [
        "tcp dport 25 ip saddr @ssh_v4 accept",
        "tcp dport 25 ip6 saddr @ssh_v6 accept",
        "tcp dport 25 ip saddr @scanner_v4 accept",
        "tcp dport 25 ip6 saddr @scanner_v6 accept",
        "tcp dport 25 update @rate_25_v4 { ip saddr limit rate over 200/minute burst 200 packets } drop",
        "tcp dport 25 update @rate_25_v6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 200/minute"
        " burst 200 packets } drop",
        "tcp dport 25 add @parallel_25_v4 { ip saddr ct count over 20 } reject with tcp reset",
        "tcp dport 25 add @parallel_25_v6 { ip6 saddr & ffff:ffff:ffff:ffff:: ct count over 20 } reject with tcp reset",
        "tcp dport 25 accept",
    ]


def test_a_port_of_an_allowlist_is_open_to_nobody_else() -> None:
    """One accept too many, and the allowlist is decoration."""
    assert input_rules(rules(ALLOWLISTED, Port(8443, "status page", sources=("ssh",))), 8443) == [
        "tcp dport 8443 ip saddr @ssh_v4 accept",
        "tcp dport 8443 ip6 saddr @ssh_v6 accept",
    ]


def test_ssh_is_open_to_the_allowlist_alone_where_there_is_one() -> None:
    """SSH open to the world by mistake is found by others within minutes."""
    for text in (rules(ALLOWLISTED), closed_ruleset(ALLOWLISTED)):
        assert input_rules(text, 22) == [
            "tcp dport 22 ip saddr @ssh_v4 accept",
            "tcp dport 22 ip6 saddr @ssh_v6 accept",
        ]
        assert "elements = { 198.51.100.0/24 }" in text


def test_ssh_from_anywhere_is_limited_for_each_source() -> None:
    """Without an allowlist keys still decide, and guessing costs time."""
    assert [rule.partition(" {")[0] for rule in input_rules(rules(FROM_ANYWHERE), 22)] == [
        "tcp dport 22 update @ssh_rate_v4",
        "tcp dport 22 update @ssh_rate_v6",
        "tcp dport 22 accept",
    ]


def test_only_our_own_table_is_replaced() -> None:
    """`flush ruleset` would forget every ban, and whatever else somebody put there for a reason."""
    for text in (rules(ALLOWLISTED), closed_ruleset(ALLOWLISTED)):
        own = text.partition("table inet ironpost_bans")[0]
        statements = [line for line in own.splitlines() if line and not line.startswith((" ", "#", "}"))]
        assert statements == ["table inet ironpost", "delete table inet ironpost", "table inet ironpost {"]
    assert "delete" not in rules(ALLOWLISTED).partition("table inet ironpost_bans")[2]


def test_nobody_who_is_allowlisted_and_no_host_of_ours_is_ever_banned() -> None:
    """A wrong password in one mail program must not shut the office out, nor one mail host the other."""
    text = rules(ALLOWLISTED)
    first, *_ = [line.strip() for line in text.partition("priority filter - 10")[2].splitlines() if "saddr" in line]
    assert first.startswith("ip saddr @never_v4 accept")
    never = re.findall(r"add element inet ironpost_bans never_v. \{ (.*) \}", text)
    assert never == [
        "192.0.2.10/32, 192.0.2.20/32, 192.0.2.30/32, 198.51.100.0/24",
        "2001:db8:2::10/128, 2001:db8:2::20/128, 2001:db8:a::/48",
    ]


def test_a_restricted_service_is_open_to_its_list_and_to_nobody_else() -> None:
    """The firewall and the programs behind it have their networks from one place."""
    opened = next(part for part in components_of(RESTRICTED) if part.name == "firewall")
    text = text_of(next(file for file in opened.files if file.path == RULES))
    assert input_rules(text, 465) == [
        "tcp dport 465 ip saddr @submission_v4 accept",
        "tcp dport 465 ip6 saddr @submission_v6 accept",
    ]
    assert (
        "set imap_v4 {\n        type ipv4_addr\n        flags interval\n        elements = { 198.18.0.0/16, 19" in text
    )


def test_the_first_firewall_is_also_the_one_of_a_failed_boot() -> None:
    """Two texts for "closed" would differ one day."""
    file = next(file for file in firewall(ALLOWLISTED, ()).files if file.path == CLOSED)
    assert text_of(file) == closed_ruleset(ALLOWLISTED)


def test_comments_fit_into_what_nft_takes() -> None:
    """nft refuses a comment of more than 128 characters, and with it the whole file."""
    for mailhost in WHOLE:
        for comment in re.findall(r'comment "([^"]*)"', rules(mailhost)):
            assert len(comment) <= 128

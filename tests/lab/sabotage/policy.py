"""Logins, signatures, policies in DNS, and the firewall."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.query
import dns.reversename
import dns.tsigkeyring
import dns.update

from ironpost.lab import Lab
from tests.lab.sabotage import LETTERS, PEOPLE, Sabotage, postfix

RSPAMD = "/etc/rspamd/rspamd.conf.override"
FILTER_AGAIN = "systemctl restart rspamd && sleep 2"
APPLY = ("ironpost", "dns", "apply", "inventories/lab.py")
DNS = ("dns",)
SHORT = 2  # seconds that resolvers may remember what was published in bad faith


def publish(lab: Lab, host: str, name: str, rtype: str, value: str, zone: str | None = None) -> None:
    """Replaces a record set with the operator's own key."""
    key = lab.tsig(PEOPLE[host][0])
    keyring = dns.tsigkeyring.from_text({key.name: key.secret})
    algorithm = dns.name.from_text(key.algorithm)
    update = dns.update.UpdateMessage(zone or PEOPLE[host][0], keyring=keyring, keyalgorithm=algorithm)
    update.replace(dns.name.from_text(name), SHORT, rtype, value)
    answer = dns.query.tcp(update, lab.name_servers[0], timeout=10)
    assert answer.rcode() == 0, answer


def txt(at: str, value: str) -> Callable[[Lab, str], None]:
    def change(lab: Lab, host: str) -> None:
        domain = PEOPLE[host][0]
        server = lab.host(host)
        shown = value.replace("IPV4", server.ipv4)
        publish(lab, host, f"{at}{domain}", "TXT", f'"{shown}"')

    return change


def wrong_mx(lab: Lab, host: str) -> None:
    publish(lab, host, PEOPLE[host][0], "MX", f"10 {lab.host('stranger').fqdn}.")


def wrong_pointer(lab: Lab, host: str) -> None:
    name = dns.reversename.from_address(lab.host(host).ipv4).to_text()
    zone = ".".join(name.split(".")[2:])
    publish(lab, host, name, "PTR", "static-10.pool.example.", zone)


def weak_password(lab: Lab, host: str) -> None:
    second = PEOPLE[host][1]
    lab.run(host, f"sed -i 's/^\\({second}@[^:]*\\):{{ARGON2ID}}[^:]*/\\1:{{PLAIN}}not-a-hash/' /etc/dovecot/users")


def system_logins(lab: Lab, host: str) -> None:
    block = "passdb pam {\n}\n" if lab.host(host).release == "trixie" else "passdb {\n  driver = pam\n}\n"
    lab.run(host, "cat >>/etc/dovecot/dovecot.conf && doveadm reload", input=block)


# Too many to be found is none removed; the rule against two authors goes as well.
FORGED_RESULTS_STAY = (
    "sed -i -e 's/remove = 0;/remove = 1000;/' "
    '-e \'s/"Authentication-Results" = 0;/"Authentication-Results" = 1000;/\' '
    '-e \'/FROM_REFUSED/,/}/s/action = "reject"/action = "no action"/\' '
    f"{RSPAMD} && {FILTER_AGAIN}"
)
POLICY = (
    Sabotage(
        "AUTH-01",
        "port 25 takes logins",
        postfix("smtp/inet/smtpd_sasl_auth_enable=yes"),
        trips=frozenset({"SMTP-06"}),
    ),
    Sabotage(
        "AUTH-02",
        "port 587 takes passwords in clear text",
        postfix("smtpd_tls_auth_only=no", "submission/inet/smtpd_tls_security_level=may"),
        trips=frozenset({"TLS-02", "TLS-15"}),
    ),
    Sabotage("AUTH-04", "a password in clear text", weak_password, sides=("inside",)),
    Sabotage("AUTH-09", "everybody may write as everybody", postfix("submissions/inet/smtpd_sender_restrictions=")),
    Sabotage(
        "AUTH-11",
        "users of the system may log in",
        system_logins,
        sides=("inside",),
        trips=frozenset({"AUTH-15"}),
    ),
    Sabotage(
        "SPF-01",
        "an SPF policy with a slip of the pen",
        txt("", "v=spf1 mx ~al"),
        ("outside",),
        frozenset({"SPF-02", "SPF-04", "SPF-07"}),
        DNS,
    ),
    Sabotage("SPF-04", "SPF forgets IPv6", txt("", "v=spf1 ip4:IPV4 ~all"), ("outside",), frozenset(), DNS),
    Sabotage(
        "SPF-07",
        "what SPF says is not written down",
        f"sed -i 's/use = \\[\"authentication-results\", /use = [/' {RSPAMD} && {FILTER_AGAIN}",
    ),
    Sabotage(
        "DMARC-01",
        "a DMARC tag that was withdrawn",
        txt("_dmarc.", "v=DMARC1; pct=50; p=reject"),
        ("outside",),
        frozenset({"DMARC-04", "RELAY-09"}),
        DNS,
    ),
    Sabotage(
        "DMARC-06",
        "forgeries are delivered",
        f'sed -i \'/DMARC_REFUSED/,/}}/s/action = "reject"/action = "no action"/\' {RSPAMD} && {FILTER_AGAIN}',
        trips=frozenset({"RELAY-09", "ALLOW-06"}),
    ),
    Sabotage(
        "DMARC-07",
        "forged results stay",
        FORGED_RESULTS_STAY,
        trips=frozenset({"ALLOW-06"}),
    ),
    Sabotage(
        "DNS-01",
        "the MX leads elsewhere",
        wrong_mx,
        ("outside",),
        LETTERS | {"SPF-04", "DNS-14", "STS-03", "BAK-04"},
        DNS,
        alone=True,
    ),
    Sabotage("DNS-02", "the pointer belongs to somebody else", wrong_pointer, ("outside",), LETTERS, DNS, alone=True),
    Sabotage(
        "FW-01",
        "the firewall lets everything in",
        "nft chain inet ironpost input '{ policy accept; }'",
        trips=frozenset({"FW-02", "FW-03", "ALLOW-01"}),
    ),
    Sabotage(
        "FW-02",
        "IMAP in clear text, behind an open door",
        "sed -i '/inet_listener imap {/,/}/s/port = 0/port = 143/' /etc/dovecot/dovecot.conf && "
        "systemctl restart dovecot && nft insert rule inet ironpost input tcp dport 143 accept && sleep 1",
        trips=frozenset({"FW-03", "IMAP-01", "IMAP-06"}),
    ),
)

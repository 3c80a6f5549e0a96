"""Guessing, exceptions, what works behind the doors, what a letter leaves behind, secrets left lying."""

from __future__ import annotations

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update

from ironpost.lab import Lab
from tests.lab.sabotage import BOTH, PEOPLE, Sabotage, postfix
from tests.lab.sabotage.policy import DNS, SHORT

DOVECOT = "/etc/dovecot/dovecot.conf"
RSPAMD = "/etc/rspamd/rspamd.conf.override"
FILTER = "/etc/fail2ban/filter.d/ironpost-logins.conf"
KEYS = "/etc/ssh/ironpost_keys"
INSIDE = ("inside",)
OUTSIDE = ("outside",)
READ_AGAIN = "systemctl restart dovecot && sleep 1"
WALLS = "/etc/systemd/system"
UNIT = "grep -q bookworm /etc/os-release && unit=postfix@-.service || unit=postfix.service"


def key_of_a_stranger(lab: Lab, host: str) -> None:
    """A further key for the operators' account, in the file that sshd reads."""
    user = lab.host(host).ssh_user
    made = "ssh-keygen -q -t ed25519 -N '' -C '' -f /root/stranger-key && cut -d' ' -f1,2 /root/stranger-key.pub"
    lab.run(host, f"{made} >>{KEYS}/{user}; rm -f /root/stranger-key /root/stranger-key.pub")


def changed(lab: Lab, host: str, add: bool) -> None:
    """The host's domain has a further MX with an address of nobody; or the address is gone again."""
    domain = PEOPLE[host][0]
    key = lab.tsig(domain)
    keyring = dns.tsigkeyring.from_text({key.name: key.secret})
    update = dns.update.UpdateMessage(domain, keyring=keyring, keyalgorithm=dns.name.from_text(key.algorithm))
    if add:
        update.add(f"backup.{domain}.", SHORT, "A", "192.0.2.77")
        update.add(f"{domain}.", SHORT, "MX", f"20 backup.{domain}.")
    else:
        update.delete(f"backup.{domain}.")
    answer = dns.query.tcp(update, lab.name_servers[0], timeout=10)
    assert answer.rcode() == 0, answer


def a_further_mx(lab: Lab, host: str) -> None:
    changed(lab, host, add=True)


def without_its_address(lab: Lab, host: str) -> None:
    """The address is nobody's of the product's records; the MX is."""
    changed(lab, host, add=False)


CATALOGUE = (
    Sabotage(
        "AUTH-07",
        "who bans guessers no longer reads Dovecot's log",
        f"sed -i 's/_SYSTEMD_UNIT=dovecot.service + //' {FILTER} && fail2ban-client reload >/dev/null",
        INSIDE,
    ),
    Sabotage(
        "AUTH-08",
        "names that do not exist are remembered",
        f"echo 'auth_cache_size = 10M' >>{DOVECOT} && {READ_AGAIN}",
        INSIDE,
    ),
    Sabotage(
        "ALLOW-04",
        "a provider's network may use SSH",
        "nft add element inet ironpost ssh_v4 '{ 198.51.100.0/22 }'",
        INSIDE,
        trips=frozenset({"ALLOW-01", "ALLOW-05"}),
    ),
    Sabotage(
        "ALLOW-06",
        "a partner's letters are not checked",
        f"sed -i 's/^settings {{/&\\n  partner {{ from = \"@partner.example\"; want_spam = yes; }}/' {RSPAMD}"
        " && systemctl reload rspamd",
        INSIDE,
    ),
    Sabotage(
        "RELAY-09",
        "forgeries that a list may have sent on stay among the letters",
        f"sed -i 's/^    reject = \"add_header\";//' {RSPAMD} && systemctl restart rspamd && sleep 3",
        OUTSIDE,
    ),
    Sabotage(
        "FW-04",
        "unbound answers the world, were it not for the firewall",
        "printf 'server:\\n    interface: 0.0.0.0\\n' >>/etc/unbound/unbound.conf.d/ironpost.conf"
        " && systemctl restart unbound && sleep 1",
        INSIDE,
        trips=frozenset({"FW-02", "TLC-03"}),
    ),
    Sabotage(
        "SBX-02",
        "Postfix may write code and run it",
        f"{UNIT}; sed -i '/^MemoryDenyWriteExecute/s/yes/no/' {WALLS}/$unit.d/ironpost.conf && systemctl daemon-reload",
        INSIDE,
    ),
    Sabotage(
        "SBX-05",
        "one process reads the passwords of all",
        f"sed -i -E 's/^  (service_count|restart_request_count) = 1$/  \\1 = 0/' {DOVECOT} && {READ_AGAIN}",
        INSIDE,
    ),
    Sabotage(
        "QUEUE-05",
        "a library that makes writing certain does nothing",
        postfix("import_environment=MAIL_CONFIG LANG=C LD_PRELOAD=libeatmydata.so"),
        INSIDE,
    ),
    Sabotage(
        "SEC-04",
        "a key stands in the environment of a service",
        # sudo(8) writes down the command that it runs: the marker must not stand in it
        f"printf 'Environment=\"KEY=-----BEGIN %s KEY-----\"\\n' PRIVATE >>{WALLS}/dovecot.service.d/ironpost.conf"
        " && systemctl daemon-reload",
        INSIDE,
    ),
    Sabotage("OS-06", "a stranger's key opens the host", key_of_a_stranger, INSIDE),
    Sabotage(
        "LOG-02",
        "queue ids are used again, and no port is written down",
        postfix("enable_long_queue_ids=no", "smtpd_client_port_logging=no"),
        BOTH,
    ),
    Sabotage(
        "LOG-11",
        "letters tell where they were written",
        postfix("submissions/inet/cleanup_service_name=cleanup", "submission/inet/cleanup_service_name=cleanup"),
        BOTH,
    ),
    Sabotage(
        "SMTP-15",
        "postscreen cuts off who talks early",
        "postconf -M 'smtp/inet=smtp inet n - n - 1 postscreen' 'smtpd/pass=smtpd pass - - n - - smtpd' && "
        + postfix("postscreen_greet_action=drop"),
        INSIDE,
    ),
    Sabotage(
        "BAK-04",
        "a host that nobody looks after is an MX too",
        a_further_mx,
        OUTSIDE,
        repair=DNS,
        mends=without_its_address,
        trips=frozenset({"STS-03"}),
    ),
    Sabotage(
        "LOG-10",
        "a file was changed by hand",
        "echo '# seen by nobody' >>/etc/modprobe.d/ironpost.conf",
        INSIDE,
    ),
    Sabotage(
        "SMTP-03",
        "a bare line feed is mended",
        postfix("smtpd_forbid_bare_newline=normalize"),
        BOTH,
        only="mx1",
    ),
)

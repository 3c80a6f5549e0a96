"""The packet filter, bans, allowlists, limits and the queue."""

from __future__ import annotations

from ironpost.lab import Lab
from tests.lab.sabotage import Sabotage, postfix

RULES = "nft -a list chain inet ironpost"
STRAY = "/etc/postfix/stray_access"


def without_rule(chain: str, word: str) -> str:
    """Deletes the rules of a chain in which a word stands."""
    return (
        f"for handle in $({RULES} {chain} | sed -n '/{word}/s/.*# handle //p'); do"
        f" nft delete rule inet ironpost {chain} handle $handle; done"
    )


def ssh_for_a_stranger(lab: Lab, host: str) -> None:
    stranger = lab.host("stranger")
    lab.run(host, f"nft add element inet ironpost ssh_v4 '{{ {stranger.ipv4} }}'")
    lab.run(host, f"nft add element inet ironpost ssh_v6 '{{ {stranger.ipv6} }}'")


DOORS = (
    Sabotage(
        "FW-03",
        "the firewall is not loaded at the next boot",
        "systemctl disable --quiet nftables.service",
        ("inside",),
    ),
    Sabotage(
        "FW-05",
        "any program may send mail",
        without_rule("output", "skuid"),
        ("inside",),
        frozenset({"FW-03"}),
    ),
    Sabotage(
        "FW-07",
        "a stranger may knock at 993 as often as it likes",
        without_rule("input", "@rate_993"),
        ("inside",),
        frozenset({"FW-03"}),
    ),
    Sabotage(
        "FW-08",
        "packet-too-big is dropped",
        without_rule("input", "packet-too-big"),
        ("inside",),
        frozenset({"FW-03"}),
    ),
    Sabotage("FW-09", "nobody bans", "systemctl stop fail2ban.service", ("inside",), frozenset({"AUTH-07"})),
    Sabotage(
        "ALLOW-01",
        "a stranger may knock at SSH",
        ssh_for_a_stranger,
        trips=frozenset({"FW-02", "ALLOW-05"}),
    ),
    Sabotage(
        "ALLOW-01",
        "sshd would take keys from anywhere",
        "sed -i /^AllowUsers/d /etc/ssh/sshd_config && systemctl reload ssh",
        ("inside",),
    ),
    Sabotage(
        "ALLOW-05",
        "a stranger is never banned",
        "nft add element inet ironpost_bans never_v4 '{ 192.0.2.66 }'",
        ("inside",),
    ),
    Sabotage(
        "ALLOW-07",
        "a pattern without anchors lets somebody in",
        f"echo '/example\\.com/ OK' >{STRAY} && "
        + postfix(
            f"smtpd_sender_restrictions=check_sender_access regexp:{STRAY}, reject_non_fqdn_sender,"
            " reject_unknown_sender_domain"
        ),
        ("inside",),
    ),
    Sabotage("QUEUE-07", "every user sees the queue", postfix("authorized_mailq_users=static:anyone"), ("inside",)),
    Sabotage("QUEUE-01", "mail is given up after an hour", postfix("maximal_queue_lifetime=1h"), ("inside",)),
    Sabotage("QUEUE-02", "a client may be as slow as it likes", postfix("smtpd_min_data_rate=1"), ("inside",)),
    Sabotage(
        "QUEUE-03",
        "one client may take all places",
        postfix("smtpd_client_connection_count_limit=0"),
        ("inside",),
    ),
    Sabotage("QUEUE-04", "a full disk is found out too late", postfix("queue_minfree=0"), ("inside",)),
    Sabotage("SMTP-04", "stray line ends leave", postfix("cleanup_replace_stray_cr_lf=no"), ("inside",)),
    Sabotage(
        "SMTP-07",
        "nobody has to greet",
        postfix("smtpd_helo_required=no", "smtpd_helo_restrictions="),
    ),
    Sabotage("SMTP-08", "the greeting tells the system", postfix("smtpd_banner=$myhostname ESMTP $mail_name (Debian)")),
    Sabotage(
        "SMTP-09",
        "a sender that does not exist is taken",
        postfix("smtpd_sender_restrictions="),
    ),
    Sabotage(
        "SMTP-11",
        "nobody is abuse",
        "sed -i '/^abuse/d' /etc/postfix/aliases && postfix reload 2>/dev/null && sleep 1",
        ("outside",),
        frozenset({"SMTP-12"}),
    ),
    Sabotage("SMTP-12", "a bounce for many", postfix("smtpd_data_restrictions=reject_unauth_pipelining")),
    Sabotage(
        "SMTP-14",
        "letters have no largest size",
        postfix("message_size_limit=0"),
        trips=frozenset({"QUEUE-04"}),
    ),
    Sabotage(
        "RELAY-10",
        "whatever a block list answers keeps senders out",
        postfix("smtpd_recipient_restrictions=reject_non_fqdn_recipient, reject_rbl_client bl.example.net"),
        ("inside",),
        frozenset({"IMAP-03"}),
    ),
    Sabotage(
        "RELAY-08",
        "nobody counts what accounts send",
        postfix("submission_recipient_restrictions=reject_non_fqdn_recipient"),
        ("inside",),
    ),
)

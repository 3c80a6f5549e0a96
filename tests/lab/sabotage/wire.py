"""TLS on the way out, and what a domain promises about TLS on the way in."""

from __future__ import annotations

from tests.lab.sabotage import BOTH, LETTERS, Sabotage, postfix
from tests.lab.sabotage.policy import DNS, txt

INSIDE = ("inside",)
OUTSIDE = ("outside",)
POLICY_FILE = "/etc/ironpost/web/DOMAIN/mta-sts.txt"
WIRE = (
    Sabotage(
        "TLC-01",
        "mail leaves in clear text",
        postfix("smtp_tls_security_level=none", "smtp_tls_policy_maps="),
        trips=frozenset({"TLC-02", "TLC-04", "TLC-06"}),
    ),
    Sabotage(
        "TLC-02",
        "unverified mail where the MX record is not signed",
        postfix("smtp_tls_dane_insecure_mx_policy=may"),
        sides=INSIDE,
    ),
    Sabotage(
        "TLC-03",
        "a resolver elsewhere is asked as well",
        "echo 'nameserver 192.0.2.53' >>/etc/resolv.conf",
        sides=INSIDE,
    ),
    Sabotage("TLC-04", "policies of others are not asked for", postfix("smtp_tls_policy_maps="), sides=INSIDE),
    Sabotage(
        "TLC-05",
        "the MTA-STS resolver is asked past DANE",
        postfix("smtp_tls_policy_maps=socketmap:unix:/run/mta-sts/socket:postfix"),
        sides=INSIDE,
        trips=LETTERS | {"TLC-01", "TLC-04", "TLC-06", "TLC-09"},  # Postfix may not enter its folder: mail waits
    ),
    Sabotage("TLC-06", "TLS 1.0 on the way out", postfix("smtp_tls_protocols=>=TLSv1"), sides=INSIDE),
    Sabotage(
        "TLC-08",
        "a header takes DANE away",
        postfix("tls_required_enable=yes"),
        sides=INSIDE,
        only="mx1",  # Postfix 3.7 of Debian 12 knows no such header
    ),
    Sabotage("TLC-09", "the host greets with another name", postfix("smtp_helo_name=mail.example.net"), trips=LETTERS),
    Sabotage("TLC-10", "replies before TLS are believed", postfix("smtp_tls_block_early_mail_reply=no"), sides=INSIDE),
    Sabotage(
        "STS-01",
        "the id of another policy is announced",
        txt("_mta-sts.", "v=STSv1; id=e0"),
        OUTSIDE,
        repair=DNS,
    ),
    Sabotage(
        "STS-02",
        "the policy's server shows everything beside it",
        "sed -i 's/return 404;/return 200 hello;/' /etc/nginx/nginx.conf && systemctl reload nginx && sleep 1",
        OUTSIDE,
    ),
    Sabotage(
        "STS-03",
        "the policy forgets the MX host",
        f"sed -i 's/^mx: .*/mx: elsewhere.DOMAIN/' {POLICY_FILE}",
        BOTH,
        trips=frozenset({"STS-01"}),
    ),
    Sabotage(
        "STS-04",
        "the policy is forgotten within the hour",
        f"sed -i 's/^max_age: .*/max_age: 3600/' {POLICY_FILE}",
        OUTSIDE,
        trips=frozenset({"STS-01"}),
    ),
    Sabotage(
        "TRPT-01",
        "reports go to a mailbox that nobody has",
        txt("_smtp._tls.", "v=TLSRPTv1; rua=mailto:gone@example.org,mailto:gone@example.com"),
        OUTSIDE,
        repair=DNS,
    ),
)

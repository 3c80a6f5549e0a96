"""Three mail hosts that together reach every branch of every template. No host of these names is ever connected to."""

from ironpost.fleet import fleet
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import (
    Acme,
    Allow,
    CertificateFiles,
    ClientCertificates,
    Database,
    Directory,
    Dkim,
    Limits,
    OpenId,
    RelayClient,
    Rfc2136,
    Smarthost,
    Ssh,
    TsigKey,
)

# Never run: golden files hold no secret, only where it would have come from.
_unread = Secret.command(["true"])
_dns = Rfc2136(
    primary="192.0.2.53",
    servers=["192.0.2.53", "2001:db8:53::53"],
    key=TsigKey(name="ironpost.example.org", secret=_unread),
)

_acme = Rfc2136(
    primary="192.0.2.53",
    servers=["192.0.2.53", "2001:db8:53::53"],
    key=TsigKey(name="acme.example.com", secret=_unread),
)

_directory = Directory(
    servers=["ldap.example.com"],
    base="ou=people,dc=example,dc=com",
    login="cn=mail,dc=example,dc=com",
    password=_unread,
    authority="tls/clients.pem",
    may_log_in="(!(accountStatus=disabled))",
    alias="mailAlternateAddress",
    quota_bytes="mailQuota",
    networks="mailNetworks",
)
_database = Database(
    server="db.example.com",
    name="people",
    login="mail",
    password=_unread,
    authority="tls/clients.pem",
    accounts="mail.accounts",
    aliases="mail.aliases",
)

_openid = OpenId(
    issuer="https://login.example.com:8443/realm",
    audience="https://mail.example.com",
    scope=["mail"],
    clients=["thunderbird"],
    passwords="app",
    authority="tls/clients.pem",
)

mail = fleet(
    # As prod.py has it: Debian 13, TLS 1.3 only for users, both IP versions, one domain, defaults almost everywhere.
    MailHost(
        name="mx1.example.org",
        release="trixie",
        tls="modern",
        ipv4="192.0.2.10",
        ipv6="2001:db8:2::10",
        allow=Allow(ssh=["198.51.100.0/24", "2001:db8:a::/48"]),
        admin="anna@example.org",
        domains=[Domain(name="example.org", users="users/example.org.toml", dns=_dns)],
        header_from="owned",
        certificate=CertificateFiles(chain="tls/mx1.example.org.pem", key=_unread),
    ),
    # Debian 12 with everything that can be said: several domains, other limits, clear-text ports, another SSH port.
    MailHost(
        name="mx2.example.com",
        release="bookworm",
        tls="intermediate",
        ipv4="192.0.2.20",
        ipv6="2001:db8:2::20",
        ssh=Ssh(user="operator", port=2222),
        allow=Allow(
            ssh=["198.51.100.0/25", "198.51.100.128/25", "198.18.0.7", "2001:db8:a::/48", "2001:db8:b::1"],
            submission=["198.51.100.0/24", "2001:db8:a::/48"],
            imap=["198.51.100.0/24", "198.18.0.0/16"],
            wide=["198.18.0.0/16"],
        ),
        admin="postmaster@example.net",
        domains=[
            Domain(
                name="example.com",
                users="users/example.com.toml",
                dkim=Dkim(rsa="2026q4", ed25519="2026q4-ed"),
                dns=_dns,
                sends_already=False,
                spf="-all",
                dmarc="reject",
                dmarc_reports="dmarc@example.com",
                mta_sts="enforce",
                tls_reports="dmarc@example.com",
                autoconfig=True,
            ),
            Domain(
                name="shop.example.com",
                users="users/shop.example.com.toml",
                mta_sts="none",
                openid=_openid,
                forward_to=["parcels.example.net", "example.info"],
            ),
            Domain(name="xn--bcher-kva.example", users="users/nobody.toml", sends_already=False),
            Domain(name="staff.example.com", users=_directory, sends_already=False),
            Domain(name="pupils.example.com", users=_directory, sends_already=False),
            Domain(name="members.example.com", users=_database, sends_already=False),
        ],
        certificate=Acme(contact="postmaster@example.net", challenge="dns-01", dns=_acme, rsa=True),
        reverse_dns=_dns,
        time_zone="Europe/Berlin",
        cleartext_ports=["imap", "pop3", "managesieve"],
        dmarc_inbound="strict",
        greylisting=True,
        postscreen=True,
        bare_newline="reject",
        outgoing="needed",
        ssh_keys=[
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMFjFfM1TZJLy7yHxdl0XI3xzVt0Ek2nZ6PWmbVVzYk anna@example.com",
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIKhqXnqSj6QH0b7bCqk1aP0mDqYQ"
            "Z2m4HNQ3l0wTgq4XAAAABHNzaDo= ben",
        ],
        blocklists=["bl.example.net", "zen.example.org"],
        asks_outside=["rbl", "surbl"],
        client_certificates=ClientCertificates(authority="tls/clients.pem"),
        relay_clients=[
            RelayClient(name="printer", domains=["example.com"], certificate=":".join(["A1"] * 32)),
            RelayClient(name="nas", domains=["example.com", "shop.example.com"], addresses=["192.0.2.64/28"]),
        ],
        smarthosts=[
            Smarthost(host="mail.example.net", user="example.com", password=_unread, authority="tls/clients.pem"),
            Smarthost(host="bulk.example.net", port=2587, domains=["shop.example.com"]),
        ],
        limits=Limits(
            message_bytes=25_000_000,
            smtp_connections_per_minute=300,
            smtp_parallel=30,
            auth_per_minute=30,
            submission_parallel=10,
            imap_parallel_per_user=25,
            queue_days=3,
            bounce_queue_days=1,
            mailbox_bytes=1_000_000_000,
        ),
    ),
    # A closed community on one IPv4 address, reached by SSH from anywhere.
    MailHost(
        name="mx3.example.net",
        release="trixie",
        tls="closed",
        ipv4="192.0.2.30",
        admin="erik@example.net",
        domains=[
            Domain(
                name="example.net",
                users="users/example.net.toml",
                dmarc="quarantine",
                mta_sts="testing",
                openid=OpenId(issuer="https://login.example.net", audience="mail"),
            ),
            Domain(
                name="staff.example.net",
                users=Directory(
                    servers=["ldap1.example.net", "ldap2.example.net"],
                    base="dc=example,dc=net",
                    login="cn=mail,dc=example,dc=net",
                    password=_unread,
                    quota_bytes="mailQuota",
                    networks="mailNetworks",
                ),
            ),
            Domain(
                name="members.example.net",
                users=Database(server="db.example.net", name="people", login="mail", password=_unread, port=6432),
            ),
        ],
        certificate=CertificateFiles(chain="tls/mx3.example.net.pem", key=_unread),
        client_certificates=ClientCertificates(authority="tls/clients.pem", port=10465),
        relay_clients=[
            RelayClient(name="printer", domains=["example.net"], certificate=":".join(["C3"] * 32)),
            RelayClient(name="nas", domains=["example.net"], addresses=["192.0.2.80", "2001:db8:c::/64"]),
        ],
        smarthosts=[Smarthost(host="mail.example.org", user="example.net", password=_unread)],
        cleartext_ports=["imap"],
        take_over=True,
    ),
)

"""The mail host of example.org: copy this file, change the names, and run `ironpost check inventories/prod.py`.

pyinfra inventories/prod.py deploys/mail.py --dry
pyinfra inventories/prod.py deploys/mail.py
"""

from ironpost.fleet import fleet
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, ProbeLogin, Rfc2136, Ssh, TsigKey, VantagePoint

# TLS 1.3 only on the ports that people's programs use. Lost by it: Outlook on Windows 10, .NET on Server 2019
# and older, most printers. "intermediate" adds TLS 1.2 for them. Port 25 is 1.2 and 1.3 either way.
_tls = "modern"

# Where the zone lives: dynamic update (RFC 2136), signed with a key that may change this zone alone.
_dns = Rfc2136(
    primary="192.0.2.53",
    servers=["192.0.2.53", "198.51.100.53"],
    key=TsigKey(name="ironpost.example.org", secret=Secret.env("IRONPOST_TSIG")),
)

mail = fleet(
    MailHost(
        name="mx1.example.org",  # as its PTR record and its certificate say it
        release="trixie",  # Debian 13; "bookworm" is Debian 12
        tls=_tls,
        ipv4="192.0.2.10",
        ipv6="2001:db8:2::10",
        ssh=Ssh(user="root"),
        allow=Allow(ssh=["198.51.100.0/24", "2001:db8:a::/48"]),  # must hold the address that you come from
        admin="anna@example.org",  # gets postmaster, abuse and root of every domain
        domains=[Domain(name="example.org", users="users/example.org.toml", dns=_dns)],
        certificate=CertificateFiles(chain="tls/mx1.pem", key=Secret.file("tls/mx1.key")),
        # A mail server elsewhere: a new host must reach its port 25, which many providers block, before it is changed.
        # outgoing_check="mx.example.net",
        certificate_authorities=["letsencrypt.org"],  # who issues that certificate, as CAA names it
        # A mailbox for `ironpost verify`, which writes to it and reads what arrived.
        probe=ProbeLogin(address="probe@example.org", password=Secret.env("IRONPOST_PROBE")),
    ),
    # A machine in no allowlist, from which `ironpost verify` looks at the host as a stranger does.
    vantage_points=[VantagePoint(ssh=Ssh(user="probe", address="203.0.113.7"))],
)

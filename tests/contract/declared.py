"""Bad inventories, one a row: what is changed in a good one, and the words that its operator is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.inventories import HASH, mailhost, write_inventory

USERS = f'[anna]\npassword = "{HASH}"\n'
DNS = 'Rfc2136(primary="192.0.2.53", servers=["192.0.2.53"], key=TsigKey(name="k", secret=Secret.file("key.pem")))'
IMPORTS = (
    "from ironpost.settings import ClientCertificates, ProbeLogin, RelayClient, Smarthost, Waiver, Waves\n"
    "import datetime\n"
)


@dataclass(frozen=True)
class Bad:
    """`settings` of the host, the words that are told, and what else differs: `users` file, options of fleet."""

    words: str
    settings: dict[str, str | None] = field(default_factory=dict)
    users: str = USERS
    options: str = ""
    before: str = ""
    after: str = ""

    def write(self, folder: Path, **others: str) -> Path:
        host = mailhost(**(others | self.settings))
        path = write_inventory(folder, host, before=IMPORTS + self.before, after=self.after, options=self.options)
        (folder / "users" / "example.org.toml").write_text(self.users)
        return path


def domain(settings: str) -> dict[str, str | None]:
    return {"domains": f'[Domain(name="example.org", users="users/example.org.toml", {settings})]'}


def twice(*names: str) -> dict[str, str | None]:
    blocks = [f'Domain(name="{name}", users="users/example.org.toml")' for name in names]
    return {"domains": f"[{', '.join(blocks)}]"}


def anna(settings: str) -> str:
    return f"{USERS}{settings}\n"


def published(old: str, new: str) -> dict[str, str | None]:
    assert old in DNS
    return domain(f"dns={DNS.replace(old, new)}")


def machine(name: str, domain: str = "example.org", **known_by: str) -> str:
    known = [f'{key}="{value}"' if key == "certificate" else f'{key}=["{value}"]' for key, value in known_by.items()]
    words = [f'name="{name}"', f'domains=["{domain}"]', *known]
    return f"RelayClient({', '.join(words)})"


def machines(*rows: tuple[str, str], domain: str = "example.org") -> dict[str, str | None]:
    """Machines known by address."""
    return {"relay_clients": f"[{', '.join(machine(name, domain, addresses=address) for name, address in rows)}]"}


def waiver(settings: str) -> str:
    return f'waivers=[Waiver(control="TLS-04", reason="because I say so", owner="me", {settings})]'


def smarthost(settings: str) -> dict[str, str | None]:
    return {"smarthosts": f"[Smarthost({settings})]"}


NAMES = (
    Bad("'exa mple.org' is not a DNS name", {"name": '"exa mple.org"'}),
    Bad("'-bad.org' is not a DNS name", {"name": '"-bad.org"'}),
    Bad("'a..org' is not a DNS name", {"name": '"a..org"'}),
    Bad("'mx_1.example.org' is not a DNS name", {"name": '"mx_1.example.org"'}),
    Bad("'mx1' is not a DNS name", {"name": '"mx1"'}),
    Bad("'mx1.example.org.' is not a DNS name", {"name": '"mx1.example.org."'}),
    Bad("... is not a DNS name", {"name": '"a" * 64 + ".example.org"'}),
    Bad("... is not a DNS name", {"name": '".".join(["a" * 60] * 5)'}),
    Bad(r"'mx1.example.org\n' is not a DNS name", {"name": r'"mx1.example.org\n"'}),
    Bad("is not an internationalised name", {"name": '"mx1.\\u2028.org"'}),
    Bad("name: 5 is not text", {"name": "5"}),
    Bad(
        "the domain example.org stands twice",
        twice("example.org", "Example.ORG"),
    ),
    Bad(
        "the domain xn--bcher-kva.example stands twice",
        twice("b\u00fccher.example", "xn--bcher-kva.example"),
    ),
    Bad("example.org: mails, and is parked", options='parked=[Parked(name="example.org")]'),
    Bad("old.example: is parked twice", options='parked=[Parked(name="old.example"), Parked(name="OLD.example")]'),
)
ADDRESSES = (
    Bad("'fe80::1%eth0' is an address that nobody can write to", {"ipv6": '"fe80::1%eth0"'}),
    Bad("is IPv4 in the form of IPv6; put 192.0.2.1 into ipv4", {"ipv6": '"::ffff:192.0.2.1"'}),
    Bad("'ff02::1' is an address that nobody can write to", {"ipv6": '"ff02::1"'}),
    Bad("'010.0.0.1' is not an address", {"ipv4": '"010.0.0.1"'}),
    Bad("'0.0.0.0' is an address that nobody can write to", {"ipv4": '"0.0.0.0"'}),
    Bad("'169.254.1.1' is an address that nobody can write to", {"ipv4": '"169.254.1.1"'}),
    Bad("'192.0.2.1/24' is not an address", {"ipv4": '"192.0.2.1/24"'}),
    Bad("'2001:db8::1' is not an IPv4 address; put it into ipv6", {"ipv4": '"2001:db8::1"'}),
    Bad("has neither ipv4 nor ipv6", {"ipv4": None}),
    Bad("'resolver.example' is not an address", options='resolvers=["resolver.example"]'),
    Bad("resolvers: is not a list", options='resolvers="192.0.2.53"'),
)
ALLOWLISTS = (
    Bad("10.0.0.0/24 and 10.0.0.128/25 overlap", {"allow": 'Allow(ssh=["10.0.0.0/24", "10.0.0.128/25"])'}),
    Bad("0.0.0.0/0 is everyone", {"allow": 'Allow(imap=["0.0.0.0/0"])'}),
    Bad("::/0 is everyone", {"allow": 'Allow(ssh=["::/0"])'}),
    Bad("10.0.0.0/8 is wider than /24", {"allow": 'Allow(ssh=["10.0.0.0/8"])'}),
    Bad("2001:db8::/32 is wider than /48", {"allow": 'Allow(ssh=["2001:db8::/32"])'}),
    Bad("is IPv4 in the form of IPv6", {"allow": 'Allow(ssh=["::ffff:192.0.2.0/120"])'}),
    Bad("'fe80::1%eth0' is a network that nobody connects from", {"allow": 'Allow(ssh=["fe80::1%eth0"])'}),
    Bad("'192.0.2.1/24' is not a network", {"allow": 'Allow(ssh=["192.0.2.1/24"])'}),
    Bad("'office.example' is not a network", {"allow": 'Allow(ssh=["office.example"])'}),
    Bad("'192.0.2.0/24' is not a list", {"allow": 'Allow(ssh="192.0.2.0/24")'}),
    Bad("smtp: there is no such setting", {"allow": 'Allow(smtp=["192.0.2.1"])'}),
    Bad("wide: 10.0.0.0/8 stands in no list", {"allow": 'Allow(wide=["10.0.0.0/8"])'}),
    Bad("write Allow(...)", {"allow": '"192.0.2.1"'}),
)
PORTS = (
    Bad("port 25: SMTP and ssh both listen there", {"ssh": "Ssh(port=25)"}),
    Bad(
        "port 4190: ManageSieve and client_certificates both",
        {"client_certificates": 'ClientCertificates(authority="chain.pem", port=4190)'},
    ),
    Bad(
        "port: Input should be greater than or equal to 1024; found 465",
        {"client_certificates": 'ClientCertificates(authority="chain.pem", port=465)'},
    ),
    Bad("port: Input should be less than or equal to 65535", {"ssh": "Ssh(port=70000)"}),
    Bad("is not of the form that is needed", {"ssh": r'Ssh(user="root\nPermitRootLogin yes")'}),
    Bad("'-oProxyCommand=x' is not a DNS name", {"ssh": 'Ssh(address="-oProxyCommand=x")'}),
    Bad("no.key: no such file", {"ssh": 'Ssh(key="no.key")'}),
)
RECORDS = (
    Bad("spf: Input should be '~all' or '-all'; found '?all'", domain('spf="?all"')),
    Bad("'ip4:2001:db8::1' is a term of SPF", domain('also_sends=["ip4:2001:db8::1"]')),
    Bad("'192.0.2.0-255' is an address, not a name", domain('also_sends=["192.0.2.0-255"]')),
    Bad("dmarc='none' protects nobody", domain('dmarc="none"')),
    Bad("'mailto:dmarc' is not a mailbox name", domain('dmarc_reports="mailto:dmarc@example.org"')),
    Bad("pct: there is no such setting", domain("pct=50")),
    Bad("is not a day", domain('dmarc="none", observe_until="2027-13-01"')),
    Bad("tls_reports: nobody@example.org has no mailbox here", domain('tls_reports="nobody@example.org"')),
    Bad("both keys have the selector 'k'", domain('dkim=Dkim(rsa="k", ed25519="k")')),
    Bad("names one selector of two", domain('dkim=Dkim(rsa="k")')),
    Bad("'2026 q1' is not a DNS label", domain('dkim=Dkim(rsa="2026 q1", ed25519="k")')),
    Bad("rotate_days: Input should be greater than or equal to 30", domain("dkim=Dkim(rotate_days=1)")),
    Bad("mta_sts: Input should be 'none', 'testing' or 'enforce'", domain('mta_sts="on"')),
    Bad("'ns1.example.org' is not an address", published('primary="192.0.2.53"', 'primary="ns1.example.org"')),
    Bad("servers: [] is not enough", published('["192.0.2.53"]', "[]")),
    Bad("algorithm: Input should be 'hmac-sha256'", published('name="k"', 'name="k", algorithm="hmac-md5"')),
    Bad("'k y' is not the name of a TSIG key", published('name="k"', 'name="k y"')),
    Bad("a secret must not stand in an inventory", published('Secret.file("key.pem")', '"c2VjcmV0"')),
    Bad("the environment variable is not set", published("Secret.file", "Secret.env")),
    Bad("the program is not installed", published('Secret.file("key.pem")', 'Secret.command(["no-such-program"])')),
    Bad("'letsencrypt' is not a DNS name", {"certificate_authorities": '["letsencrypt"]'}),
)
RELAYING = (
    Bad("is known either by certificate= or by addresses=", {"relay_clients": f"[{machine('p')}]"}),
    Bad(
        "p may send for example.com, which this host does not serve", machines(("p", "192.0.2.7"), domain="example.com")
    ),
    Bad("domains: [] is not enough", {"relay_clients": '[RelayClient(name="p", domains=[], addresses=["192.0.2.7"])]'}),
    Bad("'AB:CD' is not a SHA-256 fingerprint", {"relay_clients": f"[{machine('p', certificate='AB:CD')}]"}),
    Bad("0.0.0.0/0 is too wide to be trusted without a password", machines(("p", "0.0.0.0/0"))),
    Bad("but relay client p has a certificate", {"relay_clients": f"[{machine('p', certificate='AB' * 32)}]"}),
    Bad("192.0.2.7/32: stands for two senders", machines(("p", "192.0.2.7"), ("q", "192.0.2.7"))),
    Bad("192.0.2.7/32 of p lies in 192.0.2.0/28 of q", machines(("p", "192.0.2.7"), ("q", "192.0.2.0/28"))),
    Bad("'192.0.2.1' is an address, not a name", smarthost('host="192.0.2.1"')),
    Bad("relay.example has half a login", smarthost('host="relay.example", user="us"')),
    Bad("port 465 (TLS from the first byte) is not supported", smarthost('host="relay.example", port=465')),
    Bad("example.com is not a domain of this host", smarthost('host="relay.example", domains=["example.com"]')),
    Bad("mx1.example.org is this host itself", smarthost('host="MX1.example.org"')),
    Bad(
        "two of them are for all senders", {"smarthosts": '[Smarthost(host="a.example"), Smarthost(host="b.example")]'}
    ),
    Bad("no.pem: no such file", smarthost('host="relay.example", authority="no.pem"')),
)
LIMITS = (
    Bad("bounce_queue_days is 5, more than queue_days, 1", {"limits": "Limits(queue_days=1, bounce_queue_days=5)"}),
    Bad(
        "recipients_per_hour is 5000, more than recipients_per_day, 2000",
        {"limits": "Limits(recipients_per_hour=5000)"},
    ),
    Bad("'50 MB' is not a whole number", {"limits": 'Limits(message_bytes="50 MB")'}),
    Bad("queue_days: Input should be less than or equal to 5", {"limits": "Limits(queue_days=30)"}),
    Bad("'Mars/Olympus' is not a time zone", {"time_zone": '"Mars/Olympus"'}),
    Bad("'Europe/Berlin; reboot' is not a time zone", {"time_zone": '"Europe/Berlin; reboot"'}),
    Bad("'maybe' is not True or False", {"greylisting": '"maybe"'}),
    Bad("blocklists.0: '192.0.2.1' is an address, not a name", {"blocklists": '["192.0.2.1"]'}),
    Bad("found 'dns'", {"asks_outside": '["dns"]'}),
    Bad("nmae: there is no such setting", {"nmae": '"x"'}),
    Bad("release: Input should be 'bookworm' or 'trixie'", {"release": '"sid"'}),
    Bad("tls: is missing", {"tls": None}),
    Bad("nobody@example.org has no mailbox here", {"admin": '"nobody@example.org"'}),
    Bad("no.pem: no such file", {"certificate": 'CertificateFiles(chain="no.pem", key=Secret.file("key.pem"))'}),
    Bad("dns-01 needs dns=", {"certificate": 'Acme(contact="anna@example.org", challenge="dns-01")'}),
    Bad(
        "is not the directory of an ACME server",
        {"certificate": 'Acme(contact="anna@example.org", challenge="http-01", directory="http://ca.example/")'},
    ),
    Bad(
        "mailhost: mx9.example.org is no mail host here",
        options=waiver('until="2027-01-01", mailhost="mx9.example.org"'),
    ),
    Bad(
        "'soon' is not a day",
        options=waiver('until="soon"'),
    ),
    Bad("'200%' is not of the form that is needed", options='waves=Waves(sizes=["200%"])'),
    Bad("got a Ssh; it takes MailHost", options="vantage_points=[Ssh()]"),
    Bad("is a list, which pyinfra would take for hosts; call it _extra", before='extra = ["example.com"]'),
)
PEOPLE = (
    Bad("'anna': stands outside of a [table]", users=f'anna = "{HASH}"\n'),
    Bad("password is not an Argon2id hash", users='[anna]\npassword = "{MD5}X03MO1qnZdYdgyfeuILPmQ=="\n'),
    Bad("password is not an Argon2id hash", users='[anna]\npassword = "{PLAIN}correct horse"\n'),
    Bad("the Argon2id hash uses 1024 KiB", users=USERS.replace("m=65536", "m=1024")),
    Bad("'a;rm -rf' is not a mailbox name", users=anna(f'["a;rm -rf"]\npassword = "{HASH}"')),
    Bad("'$(id)' is not a mailbox name", users=anna(f'["$(id)"]\npassword = "{HASH}"')),
    Bad("what follows a + is a sub-address of anna", users=anna(f'["anna+x"]\npassword = "{HASH}"')),
    Bad("the alias anna is its own name", users=anna('aliases = ["anna"]')),
    Bad(
        "bert@example.org belongs to anna@example.org and bert@example.org",
        users=anna(f'aliases = ["bert"]\n[bert]\npassword = "{HASH}"'),
    ),
    Bad("the alias x@example.com is not of a domain of this host", users=anna('aliases = ["x@example.com"]')),
    Bad("is not TOML", users=anna("[anna]")),
    Bad("there is no such setting as 'alias'", users=anna('alias = ["info"]')),
    Bad("quota_bytes is '5 GB'", users=anna('quota_bytes = "5 GB"')),
    Bad("disabled is neither true nor false", users=anna('disabled = "no"')),
    Bad("networks: '10.0.0.1/8' is not a network", users=anna('networks = ["10.0.0.1/8"]')),
    Bad("second_factor is 'yes'", users=anna('second_factor = "yes"')),
    Bad("services is ['web']", users=anna('[[anna.app_passwords]]\nname = "phone"\nservices = ["web"]')),
    Bad("until is 'soon'", users=anna('[[anna.app_passwords]]\nname = "phone"\nuntil = "soon"')),
    Bad("'AB' is not a SHA-256 fingerprint", users=anna('certificates = ["AB"]')),
)
DECLARED = (*NAMES, *ADDRESSES, *ALLOWLISTS, *PORTS, *RECORDS, *RELAYING, *LIMITS, *PEOPLE)
# Read by the literal commands too, which start a process for each: one of each kind of mistake.
LITERAL = tuple(rows[0] for rows in (NAMES, ADDRESSES, ALLOWLISTS, PORTS, RECORDS, RELAYING, PEOPLE))

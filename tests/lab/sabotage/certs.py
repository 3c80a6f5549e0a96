"""Certificates, and the records that say which key must be seen."""

from __future__ import annotations

import json
from collections.abc import Callable

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update

from ironpost.lab import Lab
from tests.lab.sabotage import LETTERS, PEOPLE, Sabotage
from tests.lab.sabotage.policy import DNS, SHORT
from tests.lab.sabotage.transport import CHAIN, KEY, READ_AGAIN

SIGN_ITSELF = "openssl req -x509 -subj /CN=NAME -addext subjectAltName=DNS:NAME"
UNTRUSTED = frozenset({"CRT-01", "CRT-02", "CRT-07"}) | LETTERS
WRONG = "00" * 32


def signed_again(*options: str, key: str = f"-key {KEY}", then: str = READ_AGAIN) -> str:
    """Another certificate in the place of the one that runs, with the same key unless said otherwise."""
    return f"{SIGN_ITSELF} {key} {' '.join(options)} -out {CHAIN}.new 2>/dev/null && cat {CHAIN}.new >{CHAIN}; {then}"


def tlsa(port: int, *values: str) -> Callable[[Lab, str], None]:
    """Replaces the records of a port; CURRENT stands for the digest of the key that is served."""

    def change(lab: Lab, host: str) -> None:
        told = json.loads(lab.run(host, "python3 -B /usr/lib/ironpost/onhost tell").stdout)["tls"]
        current = next(key["sha256"] for key in told if key["state"] == "current")
        replace(lab, host, port, [value.replace("CURRENT", current) for value in values])

    return change


def replace(lab: Lab, host: str, port: int, values: list[str]) -> None:
    domain = PEOPLE[host][0]
    key = lab.tsig(domain)
    keyring = dns.tsigkeyring.from_text({key.name: key.secret})
    update = dns.update.UpdateMessage(domain, keyring=keyring, keyalgorithm=dns.name.from_text(key.algorithm))
    name = dns.name.from_text(f"_{port}._tcp.{lab.host(host).fqdn}")
    update.delete(name, "TLSA")
    for value in values:
        update.add(name, SHORT, "TLSA", value)
    assert dns.query.tcp(update, lab.name_servers[0], timeout=10).rcode() == 0
    for resolver in ("resolver", host):
        lab.run(resolver, f"unbound-control -q flush_zone {domain}")


def lost_next_key(lab: Lab, host: str) -> None:
    tlsa(25, "3 1 1 CURRENT")(lab, host)
    lab.run(host, "rm /etc/ssl/ironpost/next-key.pem")


CERTIFICATES = (
    Sabotage(
        "CRT-03",
        "an RSA key of 2048 bits",
        signed_again("-days 90", key=f"-newkey rsa:2048 -nodes -keyout {KEY}"),
        trips=UNTRUSTED | {"DANE-02", "DANE-03", "DANE-07", "DNS-09"},
        alone=True,
    ),
    Sabotage("CRT-04", "a signature with SHA-1", signed_again("-days 90 -sha1"), trips=UNTRUSTED, alone=True),
    Sabotage("CRT-05", "a certificate for 400 days", signed_again("-days 400"), trips=UNTRUSTED, alone=True),
    Sabotage(
        "CRT-06",
        "a renewal that no daemon was told of",
        signed_again("-days 90", then="true"),
        sides=("inside",),
        trips=UNTRUSTED,
        alone=True,
    ),
    Sabotage(
        "CRT-09",
        "a web server for proofs that stayed",
        "sed -i '0,/^http {/s//http { server { listen 80; listen [::]:80; return 404; }/' /etc/nginx/nginx.conf && "
        "nginx -s reload && nft insert rule inet ironpost input tcp dport 80 accept && sleep 1",
        trips=frozenset({"FW-02", "FW-03"}),
    ),
    Sabotage(
        "DANE-01",
        "a usage that SMTP does not know",
        tlsa(25, f"1 1 1 {WRONG}", f"0 1 1 {WRONG}"),
        sides=("outside",),
        trips=frozenset({"DANE-02"}),
        repair=DNS,
    ),
    Sabotage(
        "DANE-02",
        "a record of a key that nobody serves",
        tlsa(25, f"3 1 1 {WRONG}", f"3 1 1 {'11' * 32}"),
        trips=LETTERS,
        repair=DNS,
        alone=True,
    ),
    Sabotage(
        "DANE-03",
        "the next key is lost, and its record too",
        lost_next_key,
        repair=("deploy", "dns"),
    ),
    Sabotage(
        "DANE-06",
        "an issuer that is not sent",
        tlsa(25, "3 1 1 CURRENT", f"2 1 1 {WRONG}"),
        sides=("outside",),
        repair=DNS,
    ),
    Sabotage(
        "DANE-07",
        "a record for IMAP that fits no key",
        tlsa(993, f"3 1 1 {WRONG}", f"3 1 1 {'11' * 32}"),
        sides=("outside",),
        repair=DNS,
    ),
)

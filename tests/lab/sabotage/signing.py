"""DKIM keys: on the host, in DNS, and under letters."""

from __future__ import annotations

import base64
import json

import dns.message
import dns.name
import dns.query
import dns.tsigkeyring
import dns.update
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ironpost.lab import Lab
from ironpost.lab.mail import wait_for
from tests.lab.deployment import succeed
from tests.lab.sabotage import LETTERS, PEOPLE, Sabotage

RSPAMD = "/etc/rspamd/rspamd.conf.override"
FILTER_AGAIN = "systemctl restart rspamd && sleep 2"
APPLY = ("ironpost", "dns", "apply", "inventories/lab.py")
DNS = ("dns",)
SHORT = 2  # seconds that resolvers may remember what was published in bad faith


def selector(lab: Lab, host: str, kind: str) -> str:
    """The one that signs now."""
    state = json.loads(lab.run(host, "cat /var/lib/ironpost/dkim.json").stdout)
    pairs = state["domains"][PEOPLE[host][0]]
    return str(next(pair[kind] for pair in pairs if pair["state"] == "signing"))


def key_file(lab: Lab, host: str, kind: str) -> str:
    return f"/var/lib/rspamd/dkim/{PEOPLE[host][0]}.{selector(lab, host, kind)}.key"


def update(lab: Lab, host: str, *edits: tuple[str, str]) -> None:
    """Adds TXT values, or with an empty one deletes all at that name, with the operator's own key."""
    zone = PEOPLE[host][0]
    key = lab.tsig(zone)
    message = dns.update.UpdateMessage(zone, keyring=dns.tsigkeyring.from_text({key.name: key.secret}))
    message.use_tsig(dns.tsigkeyring.from_text({key.name: key.secret}), algorithm=dns.name.from_text(key.algorithm))
    for name, value in edits:
        if value:
            message.add(dns.name.from_text(name), SHORT, "TXT", f'"{value}"')
        else:
            message.delete(dns.name.from_text(name), "TXT")
    assert dns.query.tcp(message, lab.name_servers[0], timeout=10).rcode() == 0
    names = {name for name, _ in edits}
    wait_for(
        lambda: all(len({values_of(server, name) for server in lab.name_servers}) == 1 for name in names) or None,
        f"{zone}: the name servers do not come to show the same",
    )


def values_of(server: str, name: str) -> frozenset[str]:
    answer = dns.query.tcp(dns.message.make_query(name, "TXT"), server, timeout=5)
    return frozenset(b"".join(row.strings).decode() for rrset in answer.answer for row in rrset)


def short_rsa_key(lab: Lab, host: str) -> None:
    """A key of 1024 bits signs, and is published as if it had been meant."""
    path = key_file(lab, host, "rsa")
    public = f"openssl pkey -in {path} -pubout -outform DER | base64 -w0"
    lab.run(host, f"openssl genrsa -out {path} 1024 2>/dev/null && {public} >{path}.public && {FILTER_AGAIN}")
    succeed(lab, *APPLY, "--limit", lab.host(host).fqdn)  # the other host may have been sabotaged in DNS


def foreign_public_key(lab: Lab, host: str) -> None:
    """What DNS is given is not the public half of what signs."""
    foreign = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    lab.run(host, f"cat >{key_file(lab, host, 'ed25519')}.public", input=foreign)
    succeed(lab, *APPLY, "--limit", lab.host(host).fqdn)  # the other host may have been sabotaged in DNS


def one_key_alone(lab: Lab, host: str) -> None:
    file = f"/var/lib/rspamd/dkim/{PEOPLE[host][0]}.signing"
    lab.run(host, f"sed -i '/{selector(lab, host, 'ed25519')}/d' {file} && systemctl reload rspamd && sleep 2")


def testing_flag(lab: Lab, host: str) -> None:
    name = f"{selector(lab, host, 'ed25519')}._domainkey.{PEOPLE[host][0]}"
    [value] = values_of(lab.name_servers[0], name)
    update(lab, host, (name, ""), (name, value.replace("v=DKIM1;", "v=DKIM1; t=y;")))


OLDEN = """
python3 - DOMAIN <<'END'
import json, os, sys
domain, folder, old = sys.argv[1], "/var/lib/rspamd/dkim", 300 * 86400
path = "/var/lib/ironpost/dkim.json"
state = json.load(open(path))
[pair] = [pair for pair in state["domains"][domain] if pair["state"] == "signing"]
signing = open(f"{folder}/{domain}.signing").read()
for kind in ("rsa", "ed25519"):
    new = "old-202501zzzz-" + kind[0]
    for end in (".key", ".key.public"):
        os.rename(f"{folder}/{domain}.{pair[kind]}{end}", f"{folder}/{domain}.{new}{end}")
    then = os.stat(f"{folder}/{domain}.{new}.key").st_mtime - old
    os.utime(f"{folder}/{domain}.{new}.key", (then, then))
    signing = signing.replace(pair[kind], new)
    pair[kind] = new
pair["born"] -= old
open(path, "w").write(json.dumps(state))
open(f"{folder}/{domain}.signing", "w").write(signing)
END
systemctl reload rspamd && sleep 2
"""


def never_rotated(lab: Lab, host: str) -> None:
    """As if nothing had happened since January 2025."""
    lab.run(host, OLDEN.replace("DOMAIN", PEOPLE[host][0], 1))
    succeed(lab, *APPLY, "--limit", lab.host(host).fqdn)  # the other host may have been sabotaged in DNS


def no_key_space(lab: Lab, host: str) -> None:
    """Without a single selector, the name above them is gone."""
    domain = PEOPLE[host][0]
    pairs = json.loads(lab.run(host, "cat /var/lib/ironpost/dkim.json").stdout)["domains"][domain]
    names = [f"{pair[kind]}._domainkey.{domain}" for pair in pairs for kind in ("rsa", "ed25519")]
    update(lab, host, *((name, "") for name in names))


def left_over(lab: Lab, host: str) -> None:
    """A private key that no rotation knows of, and a policy that RFC 5617 withdrew, as an earlier tool left them."""
    domain = PEOPLE[host][0]
    lab.run(host, f"cp -p {key_file(lab, host, 'rsa')} /var/lib/rspamd/dkim/{domain}.forgotten.key")
    name = f"_adsp._domainkey.{domain}"
    row = f"heritage=ironpost schema=1 set={name}/TXT rule=own"
    update(lab, host, (name, "dkim=all"), (f"_ironpost.{domain}", row))


SIGNING = (
    Sabotage(
        "DKIM-01",
        "users' letters leave unsigned",
        f"sed -i 's/sign_authenticated = true/sign_authenticated = false/' {RSPAMD} && {FILTER_AGAIN}",
        trips=frozenset({"DKIM-03", "DKIM-04", "DKIM-05", "DKIM-06", "DKIM-08"}),
    ),
    Sabotage(
        "DKIM-02",
        "an RSA key of 1024 bits",
        short_rsa_key,
        repair=("deploy", "dns"),
        trips=frozenset({"DKIM-01", "DKIM-03", "DKIM-06"}),
    ),
    Sabotage("DKIM-03", "only one key signs", one_key_alone),
    Sabotage(
        "DKIM-05",
        "a second From would go unnoticed",
        f"sed -i 's/(o)from:/from:/' {RSPAMD} && {FILTER_AGAIN}",
    ),
    Sabotage(
        "DKIM-06",
        "the published key is another one",
        foreign_public_key,
        repair=("deploy", "dns"),
        trips=frozenset({"DKIM-03"}),
    ),
    Sabotage("DKIM-07", "a key that is only being tested", testing_flag, ("outside",), repair=DNS),
    Sabotage("DKIM-08", "keys that were never changed", never_rotated, repair=("rotate",)),
    Sabotage(
        "DKIM-09",
        "no key is published",
        no_key_space,
        ("outside",),
        LETTERS | {"DKIM-03", "DKIM-07", "DKIM-02"},
        DNS,
    ),
    Sabotage(
        "DKIM-10",
        "whatever claims to be from here is signed",
        f"sed -i 's/sign_inbound = false/sign_inbound = true/' {RSPAMD} && {FILTER_AGAIN}",
    ),
    Sabotage(
        "DKIM-11",
        "leftovers of an earlier tool",
        left_over,
        repair=("deploy", "dns"),
        trips=frozenset({"DKIM-06", "DKIM-08"}),
    ),
)

"""A host that was somebody's: exim4, ufw, a cloud image's ways, an edited main.cf, no IPv6. Taken over, it is like the
others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost import passwords
from ironpost.lab import Lab, up
from tests.lab.deployment import run_command, succeed
from tests.lab.inventories import variant

# bare1 has Debian 13, bare2 Debian 12.
both = pytest.mark.parametrize("bare", ["bare1", "bare2"])
SOIL = """
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -y -q --no-install-recommends install exim4-daemon-light ufw systemd-resolved cloud-init >/dev/null 2>&1
mkdir -p /etc/postfix /etc/systemd/resolved.conf.d
cat >/etc/postfix/main.cf <<'END'
myhostname = old.example.org
mynetworks = 0.0.0.0/0
smtpd_tls_security_level = none
END
echo ip-198-18-0-1 >/etc/hostname; hostname ip-198-18-0-1
cat >/etc/hosts <<'END'
# Your system has configured 'manage_etc_hosts' as True.
127.0.1.1 ip-198-18-0-1
127.0.0.1 localhost
END
cat >/etc/systemd/resolved.conf.d/lab.conf <<'END'
[Resolve]
DNS={resolver}
DNSSEC=no
END
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
systemctl restart systemd-resolved
ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null
sysctl -q net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
systemctl start exim4
"""
# Every name of that host goes from the zone again.
FORGET = """
knotc zone-read example.org. | awk '{print $2}' | grep BARE | sort -u >/run/names
[ -s /run/names ] || exit 0
knotc zone-begin example.org. && while read -r name; do knotc zone-unset example.org. $name; done </run/names
knotc zone-commit example.org.
"""
MAILHOST = """
_bare = _lab.host("{bare}")
_chain, _key = _lab.certificate("{name}")
_, _next_key = _lab.next_certificate("{name}")
_dirty = MailHost(
    name="{name}",
    release=_bare.release,
    tls="intermediate",
    ipv4=_bare.ipv4,
    ssh=_ssh("{bare}"),
    admin="{admin}",
    domains=[Domain(name="{domain}", users="{folder}/users.toml", dns=_updates("example.org"), sends_already=False)],
    ssh_keys=[_lab.ssh_key.with_suffix(".pub").read_text()],
    certificate=CertificateFiles(chain=str(_chain), key=Secret.file(_key), next_key=Secret.file(_next_key)),
    allow=Allow(ssh=_lab.controller),
    outgoing_check="mail.example.net",
    certificate_authorities=["authority.example"],
    probe=ProbeLogin(
        address="{admin}", password=Secret.file("{folder}/password"), authority=str(_lab.root_certificate)
    ),
    take_over=TAKEN,
)

mail = fleet(
    _dirty,
"""


@pytest.fixture
def soiled(published: Lab, bare: str) -> Iterator[Lab]:
    """That host, as a customer might hand it over."""
    lab = up(published.name, 2)
    lab.reset(bare)
    lab.run(bare, SOIL.replace("{resolver}", lab.resolver), timeout=300)
    yield lab
    lab.reset(bare)
    lab.run("ns1", FORGET.replace("BARE", bare))


def inventory(folder: Path, bare: str, taken: bool) -> str:
    """The lab's inventory with that host as its first one."""
    word = passwords.generated()
    for name, text in {"password": word, "users.toml": f'[dora]\npassword = "{passwords.hashed(word)}"\n'}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    block = MAILHOST.format(
        bare=bare, name=name_of(bare), admin=f"dora@{domain_of(bare)}", domain=domain_of(bare), folder=folder
    )
    return variant(folder, ("\nmail = fleet(\n", block.replace("TAKEN", str(taken))))


def point_to(lab: Lab, bare: str) -> None:
    """What the provider of the address does when it is asked to."""
    third, fourth = lab.host(bare).ipv4.split(".")[2:]
    zone = "18.198.in-addr.arpa."
    steps = [
        f"knotc zone-begin {zone}",
        f"knotc zone-unset {zone} {fourth}.{third} PTR",
        f"knotc zone-set {zone} {fourth}.{third} 60 PTR {name_of(bare)}.",
        f"knotc zone-commit {zone}",
    ]
    lab.run("ns1", " && ".join(steps))


def wait_until_heard(lab: Lab, where: Path, bare: str) -> None:
    for _ in range(30):
        heard = run_command(
            lab, "ironpost", "dns", "check", where, "--limit", domain_of(bare), "--limit", name_of(bare)
        )
        if heard.returncode == 0:
            return
        time.sleep(4)
    pytest.fail(heard.stdout)


def name_of(bare: str) -> str:
    return f"mx-{bare}.example.org"


def domain_of(bare: str) -> str:
    return f"dirty-{bare}.example.org"


@pytest.mark.soak
@both
def test_a_dirty_host_ends_as_verified_as_the_others(soiled: Lab, bare: str, tmp_path: Path) -> None:
    """Nothing is touched until the operator says so; then nothing of the past is left that could answer or listen."""
    only = ("--limit", name_of(bare))
    refusing = inventory(tmp_path, bare, taken=False)
    before = soiled.run(bare, "find /etc -newermt '2 days ago' -printf '%T@ %p\\n' | sort; dpkg -l | md5sum").stdout
    refused = run_command(soiled, "pyinfra", refusing, "deploys/mail.py", "-y", *only)
    assert refused.returncode != 0
    for words in (
        "exim4-daemon-light is installed",
        "ufw is installed",
        "cloud-init writes",
        "/etc/resolv.conf is a link",
    ):
        assert words in refused.stdout, refused.stdout
    assert "/etc/postfix/main.cf was written by somebody" in refused.stdout
    assert "something listens on" in refused.stdout and '"exim4"' in refused.stdout
    assert (
        before
        == soiled.run(bare, "find /etc -newermt '2 days ago' -printf '%T@ %p\\n' | sort; dpkg -l | md5sum").stdout
    )

    taken = inventory(tmp_path, bare, taken=True)
    succeed(soiled, "pyinfra", taken, "deploys/mail.py", "-y", *only)
    plan = run_command(soiled, "ironpost", "plan", taken, "--exit-code", "--hosts-only", *only)
    assert plan.returncode == 0, plan.stdout
    point_to(soiled, bare)
    published = run_command(soiled, "ironpost", "dns", "apply", taken, *only, "--limit", domain_of(bare))
    assert published.returncode == 0, published.stdout
    # Resolvers that asked too early go on saying that there is nothing, for as long as the zone lets them.
    wait_until_heard(soiled, taken, bare)
    proof = run_command(soiled, "ironpost", "verify", taken, *only, "--json", "-")
    rows = json.loads(proof.stdout[proof.stdout.index("{") :])["results"]
    bad = [row for row in rows if row["state"] in ("broken", "unknown")]
    assert not bad, "\n".join(f"{row['control']} {row['state']}: {row['sides']}" for row in bad)
    assert len([row for row in rows if row["state"] == "holds"]) > 100
    left = soiled.run(
        bare, "dpkg -l exim4-daemon-light exim4-base ufw 2>/dev/null | grep ^i; pgrep -a 'exim|resolved'", check=False
    )
    assert left.stdout == ""
    assert soiled.run(bare, "postconf -h mynetworks").stdout.strip() == "127.0.0.0/8, [::1]/128"
    kept = soiled.run(bare, "cat /var/lib/ironpost/generations/0/tree/etc/postfix/main.cf").stdout
    assert "old.example.org" in kept, "the way back"

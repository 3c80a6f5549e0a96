"""What each step of a deploy does on its host. Each returns lines for the operator or raises HostError."""

from __future__ import annotations

import json
import shlex

from ironpost import remote
from ironpost.component import Early
from ironpost.components.firewall import closed_ruleset
from ironpost.errors import HostError
from ironpost.generation import PROGRAM_ON_HOST
from ironpost.operations.link import PATH, call
from ironpost.operations.run import Run

INSTALL_SECONDS = 1200
SWITCH_SECONDS = 300
REVERT_SECONDS = 60
# Debian starts what it installs; policy-rc.d (invoke-rc.d(8)) forbids that until our configuration is in place.
INSTALL = r"""
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
umask 022
held=/usr/sbin/policy-rc.d
trap 'rm -f "$held"' EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\n# ironpost\nexit 101\n' >"$held" && chmod 755 "$held"
name=$1; first=$2; early=$3; shift 3
hostname "$name" 2>/dev/null
grep -qsF "$name" /etc/hosts || printf '127.0.1.1 %s %s\n' "$name" "${name%%.*}" >>/etc/hosts
echo postfix postfix/main_mailer_type select 'No configuration' | debconf-set-selections
options="-y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
dpkg --configure -a --force-confdef --force-confold >/dev/null 2>&1
[ $# = 0 ] && exit 0
find /var/lib/apt/lists -name '*_Packages*' -mmin -60 2>/dev/null | grep -q . || apt-get $options update >/dev/null
log=$(mktemp)
get() {
  apt-get $options --no-install-recommends install "$@" >"$log" 2>&1 && return
  apt-get $options update >/dev/null 2>&1
  apt-get $options --no-install-recommends install "$@" >"$log" 2>&1 || { tail -n 12 "$log" >&2; rm -f "$log"; exit 1; }
}
if [ -n "$first" ]; then
  get $first
  sh -c "$early" </dev/null >/dev/null 2>&1 &
fi
get "$@"
rm -f "$log"
"""
# Work of a component for whose package nothing else waits, and which gives up after ten minutes.
BEGIN = "timeout 600 runuser -u %(user)s -- sh -c %(command)s &\n"
# Packages that were named in the preflight, and those that exist only for them; ufw leaves its rules unless it is told.
PURGE = """
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
command -v ufw >/dev/null && ufw --force disable >/dev/null
for package in exim4 exim4-base exim4-config sendmail sendmail-base sendmail-cf courier-base; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^[ir]' && set -- "$@" "$package"
done
log=$(mktemp)
apt-get -y -q -o DPkg::Lock::Timeout=300 purge "$@" >"$log" 2>&1 || { tail -n 12 "$log" >&2; rm -f "$log"; exit 1; }
rm -f "$log"
"""
# Loads the rules with the way back armed. The rules come on standard input.
CLOSE = f"""
umask 077; mkdir -p /var/lib/ironpost && cat >/var/lib/ironpost/closed.nft &&
nft -c -f /var/lib/ironpost/closed.nft || exit 1
systemctl stop ironpost-open.timer 2>/dev/null
systemd-run --quiet --collect --on-active={REVERT_SECONDS} --unit=ironpost-open nft delete table inet ironpost &&
nft -f /var/lib/ironpost/closed.nft
"""
# Only now do the rules become those of the next boot, so that a reboot before goes back too.
KEEP_CLOSED = """
systemctl stop ironpost-open.timer &&
{ [ -e /var/lib/ironpost/nftables.conf.before ] || cp -a /etc/nftables.conf /var/lib/ironpost/nftables.conf.before; } &&
install -m 644 /var/lib/ironpost/closed.nft /etc/nftables.conf.new &&
mv /etc/nftables.conf.new /etc/nftables.conf && systemctl enable --quiet nftables.service &&
systemctl start nftables.service
"""
STAGE = """
umask 077; mkdir -p /var/lib/ironpost && rm -rf /var/lib/ironpost/sent && mkdir /var/lib/ironpost/sent &&
cd /var/lib/ironpost/sent && base64 -d | tar -xzf - && exec python3 -B onhost stage /var/lib/ironpost/sent/incoming
"""
SWITCH = "exec python3 -B /var/lib/ironpost/sent/onhost switch"
CONFIRM = (
    f"for at in /var/lib/ironpost/program/onhost {PROGRAM_ON_HOST}; do [ -d $at ] && exec python3 -B $at confirm; done"
)


def close_firewall(run: Run) -> list[str]:
    """SSH only, armed to open again unless a new connection gets through."""
    needed = [name for name in ("nftables", "python3") if name in run.survey().missing_packages]
    if needed:
        install(run, tuple(needed))
    call(run.host, CLOSE, stdin=closed_ruleset(run.mailhost)).or_refuse()
    try:
        anew(run, KEEP_CLOSED)
    except HostError as error:
        raise HostError(
            f"the closed firewall was not confirmed ({error}); it opens again after {REVERT_SECONDS} s"
        ) from None
    return ["closed except for SSH; confirmed by a second connection"]


def take_over(run: Run, packages: tuple[str, ...]) -> list[str]:
    call(run.host, PURGE, *packages, seconds=INSTALL_SECONDS).or_refuse()
    return [f"purged {', '.join(packages)}, as take_over says"]


def install(run: Run, packages: tuple[str, ...]) -> list[str]:
    """In two calls of apt-get, where a component has work that takes long: its package comes first."""
    early = [each for each in run.generation.early if each.package in packages]
    first = " ".join(each.package for each in early)
    work = "".join(begin(each) for each in early)
    call(run.host, INSTALL, run.mailhost.name, first, work, *packages, seconds=INSTALL_SECONDS).or_refuse()
    return [f"installed {', '.join(packages)}"] if packages else ["finished an interrupted installation"]


def begin(early: Early) -> str:
    return BEGIN % {"user": early.user, "command": shlex.quote(early.command)}


def stage(run: Run, sent: str) -> list[str]:
    """`sent`: a tar stream in base64; it holds secrets and travels on standard input."""
    answer = call(run.host, STAGE, stdin=sent, seconds=SWITCH_SECONDS)
    if not answer.succeeded:
        raise HostError(
            f"{run.mailhost.name}: this generation was refused; what runs was not touched\n"
            + "\n".join(f"  {line}" for line in answer.stderr)
        )
    return [f"{json.loads(answer.stdout[-1])['staged']} files staged and checked"]


def switch(run: Run) -> list[str]:
    answer = call(run.host, SWITCH, seconds=SWITCH_SECONDS).or_refuse()
    done = json.loads(answer.stdout[-1])
    return [f"generation {done['generation']} in place", *done["units"]]


def confirm(run: Run) -> list[str]:
    """Over a connection of its own: whoever can still come in may keep the change."""
    return [f"generation {json.loads(anew(run, CONFIRM))['generation']} confirmed by a second connection"]


def anew(run: Run, command: str) -> str:
    """Runs a command over a new connection; on a host that is not reached by SSH, over the one that there is."""
    if not run.host.connector.__class__.__name__.startswith("SSH"):
        return "\n".join(call(run.host, command).or_refuse().stdout)
    done = remote.run_on(run.mailhost, PATH + command)
    if done.returncode:
        raise HostError(done.stderr.strip() or f"exit {done.returncode}")
    return done.stdout

"""`ironpost unban`: lets an address in again that guessed too many passwords, or is said to."""

from __future__ import annotations

import ipaddress
import json
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from ironpost.cli import Exit
from ironpost.errors import HostError
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

HOSTS_AT_ONCE = 10
# Runs on the host. Takes every banned address of the network out of fail2ban, which counts from zero again, and out of
# the table, in case fail2ban knows nothing of it. Prints what was let in again as JSON.
PROGRAM = """
import ast, ipaddress, json, subprocess, sys
network = ipaddress.ip_network(sys.argv[1])
def run(*words):
    return subprocess.run(words, capture_output=True, text=True)
banned = run("fail2ban-client", "banned")
if banned.returncode:
    sys.exit("fail2ban does not answer: " + banned.stderr.strip())
found = {}
for jails in ast.literal_eval(banned.stdout):
    for jail, addresses in jails.items():
        for address in addresses:
            if jail != "ironpost-known" and ipaddress.ip_address(address) in network:
                found.setdefault(address, []).append(jail)
                run("fail2ban-client", "set", jail, "unbanip", address)
for name in ("logins", "ssh"):
    run("nft", "delete", "element", "inet", "ironpost_bans", "%s_v%d" % (name, network.version), "{ %s }" % network)
print(json.dumps(found))
"""


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("address")
def unban(inventory: Path, address: str) -> None:
    """Let ADDRESS in again on every mail host; of IPv6 its whole /64, as it was banned.

    \b
    Example:
      ironpost unban inventories/prod.py 198.51.100.7
    """
    network = banned_as(address)
    mailhosts = read_inventory(inventory).mailhosts
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        answers = list(pool.map(lambda mailhost: let_in(mailhost, network), mailhosts))
    for mailhost, (text, _) in zip(mailhosts, answers, strict=True):
        click.echo(f"{mailhost.name}: {text}")
    sys.exit(Exit.DONE if all(well for _, well in answers) else Exit.FOUND)


def banned_as(address: str) -> str:
    """The network that a ban of this address names."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise click.UsageError(f"{address!r} is not an address; write one like 198.51.100.7 or 2001:db8::7") from None
    return str(ipaddress.ip_network(f"{found}/{64 if found.version == 6 else 32}", strict=False))


def let_in(mailhost: MailHost, network: str) -> tuple[str, bool]:
    """What is told of one host, and whether it went well."""
    try:
        done = run_on(mailhost, f"python3 -c {shlex.quote(PROGRAM)} {network}")
    except HostError as error:
        return str(error), False
    if done.returncode:
        return done.stderr.strip() or f"exits {done.returncode}", False
    found = json.loads(done.stdout)
    return ", ".join(f"{each} is let in again" for each in found) or f"{network} is not banned", True

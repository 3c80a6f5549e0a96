"""`ironpost demo-fleet`: eight hosts that divide their roles, and a change that its canary refuses."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console

from ironpost.cli import Exit
from ironpost.cli.demo import chapter, run
from ironpost.errors import HostError
from ironpost.lab import Lab, up
from ironpost.lab.mail import at_outside, by_imap, letter, submit, verified_signatures, write_from_outside

INVENTORY = "inventories/fleet.py"
CARELESS = "tests/lab/careless.py"
# Where the host that has the mailbox is, by address.
INWARD = {"alice@example.org": "box1", "anna@example.org": "box2", "finn@fleet.example": "whole"}
OUTWARD = {"alice@example.org": "out1", "dave@example.com": "out2"}


@click.command("demo-fleet")
@click.option("--name", default="demo-fleet", show_default=True, help="The test network to use.")
def demo_fleet(name: str) -> None:
    """Boot eight mail hosts, deploy, publish, send mail through all of them, and see a careless change refused.

    \b
    Example:
      ironpost demo-fleet
    """
    started = time.monotonic()
    console = Console(highlight=False, soft_wrap=True)
    chapter(console, 1, "Eight bare Debian hosts, four of each release, on this machine alone")
    up(name, progress=lambda line: console.print(f"  {line}", markup=False), fleet=True)
    lab = Lab.named(name)
    chapter(console, 2, "Two that take mail, two that send it, two with mailboxes, one for machines, one for all")
    run(console, lab, "pyinfra", INVENTORY, "deploys/mail.py", "-y")
    chapter(console, 3, "Their DNS records: MX, SPF and services name each host for what it does")
    run(console, lab, "ironpost", "dns", "apply", INVENTORY)
    chapter(console, 4, "Mail through all of them")
    exchange(console, lab)
    chapter(
        console, 5, "A change that every program accepts: one careless line of main.cf, and letters can be smuggled in"
    )
    refused = run(console, lab, "ironpost", "rollout", INVENTORY, "-y", "--deploy", CARELESS, must=False)
    if refused != Exit.FOUND:
        raise HostError(f"the careless change was not refused (exit status {refused}); look at the gate above")
    chapter(console, 6, "Its canary went back to the generation before; no other host was touched")
    run(console, lab, "ironpost", "generations", INVENTORY, "--limit", lab.host("mx1").fqdn)
    left = run(console, lab, "ironpost", "plan", INVENTORY, "--exit-code", "--hosts-only", must=False)
    console.print(
        f"\n  Done in {time.monotonic() - started:.0f} s. The network goes on running; stop it with:", markup=False
    )
    console.print(f"  ironpost lab down --name {name}", markup=False)
    sys.exit(left)


def exchange(console: Console, lab: Lab) -> None:
    """A letter into each mailbox, over an MX that has none; and one out from each submission host."""
    stamp = time.strftime("%H:%M:%S")
    for address, home in INWARD.items():
        subject = f"To {address} {stamp}"
        write_from_outside(lab, "bob", letter("bob@example.net", address, subject))
        way = [hop_of(str(each)) for each in reversed(by_imap(lab, home, address, subject).get_all("Received", []))]
        console.print(f"  bob@example.net → {address}: {' → '.join(dict.fromkeys(way))}", markup=False)
    for address, host in OUTWARD.items():
        subject = f"From {address} {stamp}"
        submit(lab, host, letter(address, "bob@example.net", subject))
        signed = verified_signatures(lab, at_outside(lab, "bob", subject))
        told = ", ".join(f"{kind} {'holds' if good else 'FAILS'}" for kind, good in signed.items())
        console.print(f"  {address} → {lab.host(host).fqdn} → bob@example.net: {told}", markup=False)


def hop_of(received: str) -> str:
    """The host that wrote a Received line (RFC 5321 §4.4)."""
    words = received.split()
    return words[words.index("by") + 1] if "by" in words[:-1] else "?"

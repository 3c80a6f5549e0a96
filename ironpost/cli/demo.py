"""`ironpost demo`: a tour that a newcomer can follow with their eyes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import click
from rich.console import Console
from rich.rule import Rule

from ironpost.errors import HostError
from ironpost.lab import Lab, up
from ironpost.lab.mail import (
    at_outside,
    by_imap,
    letter,
    parsed,
    submit,
    tls_spoken,
    verified_signatures,
    write_from_outside,
)
from ironpost.lab.partners import PARTNERS_ZONE
from ironpost.render import data_dir

LETTERS = (("mx1", "alice@example.org"), ("mx2", "dave@example.com"))
INVENTORY = "inventories/lab.py"
PARTNERS = {"dane": "by their TLSA record (DANE)", "sts": "by their policy (MTA-STS)"}


@click.command()
@click.option("--name", default="demo", show_default=True, help="The test network to use.")
def demo(name: str) -> None:
    """Boot two mail hosts in a network of their own, deploy, publish, send mail, verify.

    \b
    Example:
      ironpost demo
    """
    started = time.monotonic()
    console = Console(highlight=False, soft_wrap=True)
    chapter(console, 1, "A network of real Debian hosts, on this machine alone")
    up(name, progress=lambda line: console.print(f"  {line}", markup=False))
    lab = Lab.named(name)
    chapter(console, 2, "Two mail hosts, from bare Debian to finished: the command that operators use")
    run(console, lab, "pyinfra", INVENTORY, "deploys/mail.py", "-y")
    chapter(console, 3, "Their DNS records, by dynamic update")
    run(console, lab, "ironpost", "dns", "apply", INVENTORY)
    chapter(console, 4, "Real mail, both ways, judged by another operator")
    for host, address in LETTERS:
        exchange(console, lab, host, address)
    chapter(console, 5, "Verification: from inside each host, and as a stranger from outside")
    verified = run(console, lab, "ironpost", "verify", INVENTORY, must=False)
    farewell(console, lab, time.monotonic() - started)
    sys.exit(verified)


def chapter(console: Console, number: int, title: str) -> None:
    console.print()
    console.print(Rule(f"{number}. {title}", align="left", style="bold"))


def run(console: Console, lab: Lab, *words: str, must: bool = True) -> int:
    """Shows a command and runs it, its output passing through. Raises HostError when it must succeed and does not."""
    console.print(f"  $ {' '.join(words)}", style="bold", markup=False)
    program = Path(sys.executable).parent / words[0]
    environment = os.environ | {"IRONPOST_LAB": lab.name, "PYINFRA_PROGRESS": "off"}
    done = subprocess.run([str(program), *words[1:]], cwd=data_dir("deploys").parent, env=environment, check=False)
    if must and done.returncode:
        raise HostError(f"{words[0]}: exits {done.returncode}; its output above says why")
    return done.returncode


def exchange(console: Console, lab: Lab, host: str, address: str) -> None:
    """One letter to the outside operator and one back, with what each side says of the other's."""
    stamp = time.strftime("%H:%M:%S")
    outward, homeward = f"From {address} {stamp}", f"To {address} {stamp}"
    submit(lab, host, letter(address, "bob@example.net", outward))
    write_from_outside(lab, "bob", letter("bob@example.net", address, homeward))
    raw = at_outside(lab, "bob", outward)
    console.print(f"  {address} → bob@example.net, delivered. The outside operator says:", markup=False)
    show_results(console, parsed(raw), "mail.example.net")
    signatures = ", ".join(
        f"{kind} {'holds' if good else 'FAILS'}" for kind, good in verified_signatures(lab, raw).items()
    )
    console.print(f"      dkimpy, once more: {signatures}", markup=False)
    console.print(f"  bob@example.net → {address}, read over IMAPS. Our host says:", markup=False)
    show_results(console, by_imap(lab, host, address, homeward), lab.host(host).fqdn)
    console.print("  How it was reached, in the words of each Postfix:", markup=False)
    spoken(console, lab, "outside", lab.host(host).fqdn, "by our TLSA record (DANE)")
    for partner, how in PARTNERS.items():
        submit(lab, host, letter(address, f"bob@{partner}.{PARTNERS_ZONE}", f"{outward} {partner}"))
        spoken(console, lab, host, f"mx.{partner}.{PARTNERS_ZONE}", how)


def spoken(console: Console, lab: Lab, host: str, mx: str, how: str) -> None:
    words = tls_spoken(lab, host, mx).partition(" with cipher")[0]
    console.print(f"      {words}  # {how}", markup=False)


def show_results(console: Console, message: EmailMessage, server: str) -> None:
    for header in message.get_all("Authentication-Results", []):
        authority, _, results = " ".join(str(header).split()).partition(";")
        if authority.strip() == server:
            for result in results.split(";"):
                console.print(f"      {result.strip()}", markup=False)


def farewell(console: Console, lab: Lab, seconds: float) -> None:
    chapter(console, 6, f"Done in {seconds:.0f} s. The network goes on running. Try:")
    mx1 = lab.host("mx1").name
    for command, why in (
        (f"ironpost lab shell {mx1} -- postconf -n", "look at a host"),
        (f"ironpost lab shell {mx1} -- 'postconf -e disable_vrfy_command=no; postfix reload'", "break something …"),
        (f"ironpost verify {INVENTORY}", "… see it found and named …"),
        (f"pyinfra {INVENTORY} deploys/mail.py -y", "… and repaired"),
        ("make demo-stop", "stop the network; nothing of it is left"),
    ):
        console.print(f"  {command:<76} # {why}", markup=False)
    console.print("  (the programs are in .venv/bin)", markup=False)

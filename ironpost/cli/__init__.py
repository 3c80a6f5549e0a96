"""The `ironpost` command: one file per noun, one contract for exit codes."""

from __future__ import annotations

import importlib
import sys
from enum import IntEnum
from typing import Any

import click

from ironpost import __version__
from ironpost.errors import InventoryError, IronpostError, UnverifiableError


class Exit(IntEnum):
    """What an exit status means, for every command."""

    DONE = 0
    FOUND = 1
    USAGE = 2
    PENDING = 3
    UNVERIFIED = 4
    ABORTED = 130


# Loaded only when called, so that `--help` and `check` do not wait for what they do not need.
COMMANDS = {
    "check": ("ironpost.cli.check", "Read an inventory and tell all mistakes; connects to nothing."),
    "plan": ("ironpost.cli.plan", "Show what a deploy would change on each host, and why."),
    "dns": ("ironpost.cli.dns", "Plan, publish and check the DNS records."),
    "tls": ("ironpost.cli.tls", "Certificates and keys: how they stand, and the rollover to the next key."),
    "dkim": ("ironpost.cli.dkim", "Show the signing keys of each host, and change them without a bad second."),
    "verify": ("ironpost.cli.verify", "Prove the result against the controls."),
    "rollout": ("ironpost.cli.rollout", "Change a fleet in waves, each behind a gate; what fails goes back."),
    "status": ("ironpost.cli.status", "How each host stands now: generation, queue, certificate, disk, units."),
    "generations": ("ironpost.cli.generations", "What each host keeps of its past."),
    "rollback": ("ironpost.cli.generations", "Put an earlier generation of one host back in place, and verify it."),
    "report": ("ironpost.cli.report", "Compare two results of verify: fixed, broken, new."),
    "user": ("ironpost.cli.user", "Make password hashes for the users files."),
    "unban": ("ironpost.cli.unban", "Let an address in again that was banned for guessing passwords."),
    "lab": ("ironpost.cli.lab", "The test network of real Debian hosts on this machine."),
    "demo": ("ironpost.cli.demo", "A tour in the test network: deploy, publish, send, verify."),
    "demo-fleet": ("ironpost.cli.demo_fleet", "Eight hosts that divide their roles, and a change that is refused."),
}


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="ironpost %(version)s")
def root() -> None:
    """Hardened mail servers: provisioned over SSH, published in DNS, and proven.

    \b
    Start with:
      ironpost check inventories/prod.py
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; an operator's mistake ends in one sentence, never in a traceback."""
    try:
        status: Any = root.main(args=arguments, prog_name="ironpost", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_told("aborted; nothing more was done", Exit.ABORTED))
    except KeyboardInterrupt:
        sys.exit(_told("aborted; nothing more was done", Exit.ABORTED))
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except InventoryError as error:
        sys.exit(_told(str(error), Exit.USAGE))
    except UnverifiableError as error:
        sys.exit(_told(str(error), Exit.UNVERIFIED))
    except IronpostError as error:
        sys.exit(_told(str(error), Exit.FOUND))
    except OSError as error:
        # A file that the command line names; any other is a fault of ours and keeps its traceback.
        if error.filename is None or str(error.filename) not in (sys.argv[1:] if arguments is None else arguments):
            raise
        sys.exit(_told(f"{error.filename}: {error.strerror}; name a file that can be written", Exit.USAGE))
    sys.exit(status if isinstance(status, int) else Exit.DONE)


def _told(text: str, status: Exit) -> Exit:
    click.echo(text, err=True)
    return status

"""`ironpost user`: what goes into a users file."""

from __future__ import annotations

import click

LEAST_CHARACTERS = 15  # NIST SP 800-63B-4 for a password that is the only factor


@click.group()
def user() -> None:
    """Make password hashes for the users files."""


@user.command("hash")
def hash_password() -> None:
    """Ask for a password twice and print its Argon2id hash, for `password = "…"` in a users file.

    \b
    Example:
      ironpost user hash
    """
    import argon2

    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if len(password) < LEAST_CHARACTERS:
        raise click.UsageError(f"the password has {len(password)} characters; use at least {LEAST_CHARACTERS}")
    click.echo(argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1).hash(password))

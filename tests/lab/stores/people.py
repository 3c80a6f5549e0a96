"""Who is in the stores: the same people in each of them, so that one test fits all."""

from __future__ import annotations

import dataclasses

from argon2 import PasswordHasher

from ironpost.lab import Lab

PASSWORD = "Ahoj-62 čtyři'\"$(id)%u"  # what a filter, a query or a template could mistake for its own


@dataclasses.dataclass(frozen=True)
class Person:
    name: str
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    quota_bytes: int | None = None
    networks: str | None = None


FAR = "192.0.2.0/24"  # where nobody of the lab sits
PEOPLE = (
    Person("nora", aliases=("sales",)),
    Person("olaf"),
    Person("gone", enabled=False),
    Person("full", quota_bytes=1_000_000),
    Person("far", networks=FAR),
)


def hashed(password: str = PASSWORD) -> str:
    """An Argon2id hash of the least cost that is allowed: many logins follow."""
    return PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1).hash(password)


def put_certificate(lab: Lab, host: str, folder: str) -> None:
    """A certificate of the lab's CA for that host, and the CA itself; the private key for its owner only."""
    chain, key = lab.certificate(lab.host(host).fqdn)
    for name, path, mode in (("chain", chain, 644), ("root", lab.root_certificate, 644), ("key", key, 600)):
        lab.run(host, f"install -D -m {mode} /dev/stdin {folder}/{name}.pem", input=path.read_text())

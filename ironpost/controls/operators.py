"""Who administers the host: which keys open it, and whether a key alone is enough."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part, sshd
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

KINDS = {"ssh-ed25519", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa"}
KINDS |= {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}


def files(snapshot: Snapshot) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = part(snapshot, "login keys", "files")
    return found


def fingerprint(line: str) -> str:
    """As `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@control(
    "OS-06",
    claim="The keys that open the host are those of the inventory, in files that root alone may change",
    reference="CIS Debian 12; sshd(8) AUTHORIZED_KEYS FILE FORMAT; sshd_config(5) AuthorizedKeysFile",
    severity="critical",
    cost="passive",
)
class KeysAreThoseOfTheInventory:
    """One line in one file is the most comfortable back door, and it outlives every change of passwords."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = list(careless(snapshot))
        if not mailhost.ssh_keys:
            told = "the inventory names no keys; write ssh_keys= to have no other ones"
            return holds_unless(faults, remedy=REDEPLOY) if faults else not_applicable(told)
        wanted = {fingerprint(line) for line in mailhost.ssh_keys}
        opened = {(row["user"], key["fingerprint"]) for row in files(snapshot) for key in row["keys"]}
        if not opened:
            raise NotCollectedError("no key was seen that opens any account")
        faults += [
            f"{key} opens {user}, and is not in the inventory"
            for user, key in sorted(opened)
            if user != mailhost.ssh.user or key not in wanted
        ]
        lacking = wanted - {key for user, key in opened if user == mailhost.ssh.user}
        faults += [f"{key} of the inventory does not open {mailhost.ssh.user}" for key in sorted(lacking)]
        return holds_unless(faults, remedy=f"find out who added it, and what was done with it; {REDEPLOY}")


def careless(snapshot: Snapshot) -> Iterator[str]:
    """Files that others may change, and kinds of keys that are broken."""
    for row in files(snapshot):
        for what, seen in ((row["path"], row["access"]), (f"the folder of {row['path']}", row["folder"])):
            if seen["mode"] & 0o022 or seen["uid"] not in (0, row["owner"]):
                yield f"others may change {what} (mode {seen['mode']:o}, user {seen['uid']})"
        for key in row["keys"]:
            if key["kind"] not in KINDS:
                yield f"a key of the kind {key['kind']} opens {row['user']}"


@control(
    "OS-05",
    claim="A key alone does not open the host: it lies in a token that asks for a PIN, or a second factor is asked",
    reference="NIST SP 800-63B-4 (AAL2); sshd_config(5) PubkeyAuthOptions, AuthenticationMethods",
    level="strict",
    severity="high",
    cost="passive",
)
class AKeyIsNotEnough:
    """A key on a disk is copied by whatever runs on that machine, and nobody sees that it is gone."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        plain = [(row["user"], key) for row in files(snapshot) for key in row["keys"] if key["kind"][:3] != "sk-"]
        if all(twofold(shown) for shown in sshd(snapshot).values()):
            return holds_unless([], remedy="")
        return holds_unless(
            (f"{key['fingerprint']} ({key['kind']}) alone opens {user}" for user, key in plain),
            remedy="make keys that live in a token (ssh-keygen -t ed25519-sk -O verify-required), write these alone "
            "in ssh_keys=, and deploy",
        )


def twofold(shown: dict[str, str]) -> bool:
    """Whether sshd asks for more than one thing, in every way that it offers."""
    ways = shown.get("authenticationmethods", "any").split()
    return bool(ways) and all("," in way for way in ways)

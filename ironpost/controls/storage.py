"""Where queue and mailboxes lie: that what was accepted is written, and that a stolen disk tells nothing."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_if, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence.host import part
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# mount options of ext4(5) and overlayfs with which "written" does not mean written.
CARELESS = re.compile(r"(^|,)(nobarrier|barrier=0|data=writeback|volatile|nodiscard_sync)(,|$)")
IN_MEMORY = {"tmpfs", "ramfs"}


@control(
    "QUEUE-05",
    claim="A letter that was accepted is on the disk: nothing keeps Postfix from writing it there",
    reference="RFC 5321 §6.1; ext4(5) Mount options; ld.so(8) LD_PRELOAD; postconf(5) import_environment",
    severity="high",
    cost="passive",
)
class WhatIsAcceptedIsWritten:
    """A library that makes fsync(2) do nothing makes a host twice as fast, until the power fails."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        queue = part(snapshot, "store", "queue")
        faults = [f"loaded before all else: {each}" for each in part(snapshot, "store", "preloaded")]
        file = str(part(snapshot, "store", "preload file")).split()
        faults += [f"/etc/ld.so.preload loads {', '.join(file)} into every program"] * bool(file)
        imported = snapshot.postfix.value("import_environment")
        faults += [f"import_environment = {imported}"] * bool(re.search(r"\bLD_\w+", imported))
        if not snapshot.in_test_network:  # its hosts lie in memory, or on a layer of a file system
            faults += ["the queue lies in memory"] * (queue["kind"] in IN_MEMORY)
            careless = CARELESS.search(queue["options"])
            faults += [f"the queue is mounted with {careless[2]}"] if careless else []
        return holds_unless(faults, remedy=f"mount the queue's file system with its defaults; {REDEPLOY}")


@control(
    "IMAP-07",
    claim="Mailboxes lie on an encrypted volume",
    reference="ISO/IEC 27001:2022 A.8.24; cryptsetup(8)",
    level="strict",
    cost="passive",
    roles={"mailbox"},
    needs=("real host",),
)
class MailboxesAreEncryptedAtRest:
    """Disks are sold, returned and copied by hosting companies; the mail on them is read by whoever plugs them in."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        store = part(snapshot, "store", "mail")
        return holds_if(
            bool(store["encrypted"]),
            found=f"/var/vmail lies on {store['kind']} without dm-crypt below it",
            remedy="set the host up on a LUKS volume that is unlocked from elsewhere, and move the mail",
        )

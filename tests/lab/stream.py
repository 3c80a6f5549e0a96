"""A steady stream of numbered letters through a fleet, in and out, and the account of where each of them ended."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import re
import smtplib
import threading
import time
from collections.abc import Sequence
from typing import Self

from ironpost.lab import Lab
from ironpost.lab.mail import letter, submissions
from ironpost.lab.people import password

# Which of the two a submission host is tried first alternates: a mail program of a user knows both (SRV).
SUBMISSION = ("out1", "out2")
INWARD, OUTWARD = "bob@example.net", "alice@example.org"
HOMES = {"alice@example.org": "box1", "anna@example.org": "box2"}
MARK = re.compile(r"^Subject: stream ([io][0-9]+)\s*$", re.M)
# Runs at the outside operator's: hands letters to its own Postfix at a pace, and says which of them it took.
SENDER = """
import smtplib, sys, time
count, rate = int(sys.argv[1]), float(sys.argv[2])
to = ("alice@example.org", "anna@example.org")
begun = time.monotonic()
for number in range(count):
    time.sleep(max(0, begun + number / rate - time.monotonic()))
    text = f"From: bob@example.net\\r\\nTo: {to[number % 2]}\\r\\nSubject: stream i{number}\\r\\n\\r\\nx\\r\\n"
    with smtplib.SMTP("localhost", 25, timeout=60) as session:
        session.sendmail("bob@example.net", to[number % 2], text)
    print(f"i{number}", flush=True)
"""


@dataclasses.dataclass
class Account:
    """What was taken with 250, and how often each of these has arrived."""

    taken: set[str]
    arrived: collections.Counter[str]

    @property
    def lost(self) -> set[str]:
        return self.taken - self.arrived.keys()

    @property
    def duplicates(self) -> dict[str, int]:
        return {name: times for name, times in self.arrived.items() if times > 1}


class Stream:
    """`count` letters each way, `rate` a second in all, from its start until `join`; it ends with its block too."""

    def __init__(self, lab: Lab, count: int, rate: float) -> None:
        self.lab, self.count, self.rate = lab, count, rate
        self.taken: set[str] = set()
        self.refused = 0
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(12)
        self.work: Sequence[concurrent.futures.Future[None]] = ()
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        self.work = [self.pool.submit(self.send_out), self.pool.submit(self.send_in)]

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.pool.shutdown(wait=True)

    def send_out(self) -> None:
        """As users do: another host is tried when one does not take the letter, and again after a while."""
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(10) as senders:
            for number in range(self.count):
                if self.ended.is_set():
                    return
                time.sleep(max(0.0, begun + number / (self.rate / 2) - time.monotonic()))
                senders.submit(self.submit, number)

    def submit(self, number: int) -> None:
        message = letter(OUTWARD, INWARD, f"stream o{number}")
        for attempt in range(60):
            if self.ended.is_set():
                return
            try:
                with submissions(self.lab, SUBMISSION[(number + attempt) % 2]) as session:
                    session.login(OUTWARD, password(self.lab.directory, OUTWARD))
                    session.send_message(message, from_addr=OUTWARD)
            except (OSError, smtplib.SMTPException):
                with self.lock:
                    self.refused += 1
                time.sleep(1)
                continue
            with self.lock:
                self.taken.add(f"o{number}")
            return

    def send_in(self) -> None:
        said = self.lab.run(
            "outside",
            f"python3 - {self.count} {self.rate / 2}",
            input=SENDER,
            timeout=self.count / self.rate * 4 + 600,
        ).stdout
        with self.lock:
            self.taken |= set(said.split())

    def join(self) -> None:
        for each in self.work:
            each.result()

    def account(self, seconds: float) -> Account:
        """Waits until all that was taken has arrived or nothing more moves; queues are flushed meanwhile."""
        until = time.monotonic() + seconds
        while True:
            found = Account(set(self.taken), self.arrived())
            if not found.lost or time.monotonic() > until:
                return found
            for host in (*self.lab.plan.of_role("mail"), *self.lab.plan.of_role("outside")):
                self.lab.run(host, "postqueue -f", check=False)
            time.sleep(10)

    def arrived(self) -> collections.Counter[str]:
        """By subject, in the mailboxes themselves."""
        script = "grep -rhE '^Subject: stream [io][0-9]+' {} 2>/dev/null || true"
        places = [(home, f"/var/vmail/{domain(address)}/Maildir") for address, home in HOMES.items()]
        texts = [self.lab.run(host, script.format(folder), timeout=120).stdout for host, folder in places]
        texts.append(self.lab.run("outside", script.format("/home/bob/Maildir"), timeout=120).stdout)
        return collections.Counter(MARK.findall("\n".join(texts)))


def domain(address: str) -> str:
    """Where Dovecot keeps a mailbox: domain, then name."""
    name, _, where = address.partition("@")
    return f"{where}/{name}"

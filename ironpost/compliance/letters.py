"""Writes letters and reads them again: what a host does with mail is seen in mail."""

from __future__ import annotations

import email
import email.policy
import email.utils
import hashlib
import imaplib
import smtplib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

from ironpost.compliance import mailbox, stranger
from ironpost.compliance.common import Common
from ironpost.compliance.mailbox import MailboxError
from ironpost.compliance.signatures import signatures
from ironpost.compliance.stranger import StrangersLetter
from ironpost.errors import IronpostError
from ironpost.evidence.letters import FORGED_RESULT, Letter, Letters, Reply, SenderAttempt
from ironpost.mailhost import MailHost

TAKEN = range(200, 300)
STRANGERS = ("forged", "two_from", "spoof", "claimed")
USERS = ("written", "bounce", "senders")
FAILURES = (OSError, smtplib.SMTPException, imaplib.IMAP4.error, MailboxError, IronpostError)
# A domain that publishes p=reject for ever, for fleets of which none does (RFC 2606; seen in DNS).
PROTECTED = "example.com"


class Post:
    """The letters of one mail host. Each part that fails leaves its reason."""

    def __init__(self, common: Common, mailhost: MailHost) -> None:
        self.common = common
        self.fleet = common.fleet
        self.mailhost = mailhost
        self.parts: dict[str, object] = {}
        self.missing: dict[str, str] = {}

    def part(self, name: str, work: Callable[[], object]) -> None:
        try:
            self.parts[name] = work()
        except FAILURES as error:
            self.missing[name] = reason(error)

    @property
    def peer(self) -> MailHost:
        """Another mail host of the fleet that letters go to, with a mailbox of its own; else the host itself."""
        own = self.mailhost.probe.address if self.mailhost.probe else ""
        others = [each for each in self.fleet.mailhosts if each.probe and each.probe.address != own]
        return others[0] if others else self.mailhost

    def home(self, mailhost: MailHost) -> MailHost:
        """The host that has the mailbox of that host's probe login."""
        login = mailbox.login_of(mailhost).address
        account = next((each for each in mailhost.accounts if each.address == login), None)
        return self.fleet.mailhost(mailhost.home_of(account)) if account else mailhost

    def written(self) -> Letter:
        token = uuid.uuid4().hex
        sender, recipient = mailbox.login_of(self.mailhost).address, mailbox.login_of(self.peer).address
        mailbox.submit(self.mailhost, mailbox.letter(sender, recipient, token))
        return self.read(self.peer, token)

    def bounce(self) -> Letter:
        """A letter that the other host refuses comes back as a bounce, which our host wrote."""
        if self.peer is self.mailhost or self.peer.main_domain in self.mailhost.domain_names:
            raise MailboxError("a bounce needs a second mail host with a probe login, of a domain of its own")
        token = uuid.uuid4().hex
        sender = mailbox.login_of(self.mailhost).address
        nobody = f"nobody-{token[:8]}@{self.peer.main_domain}"
        mailbox.submit(self.mailhost, mailbox.letter(sender, nobody, token))
        return self.read(self.mailhost, token)

    def senders(self) -> tuple[SenderAttempt, ...]:
        login = mailbox.login_of(self.mailhost).address
        account = next(each for each in self.mailhost.accounts if each.address == login)
        colleague = next((each.address for each in self.mailhost.accounts if each.address != login), None)
        others = [colleague or f"colleague@{self.mailhost.main_domain}", "stranger@example.net"]
        with mailbox.submission(self.mailhost) as session:
            return tuple(
                SenderAttempt(login, sender, own, mailbox.reply_to(session, sender, login))
                for own, senders in ((True, account.addresses[:3]), (False, others))
                for sender in senders
            )

    def from_stranger(self) -> None:
        """Sends all of the stranger's letters in one visit."""
        recipient = mailbox.login_of(self.mailhost).address
        tokens = {name: uuid.uuid4().hex for name in STRANGERS}
        letters = [strangers_letter(self.mailhost, name, recipient, token) for name, token in tokens.items()]
        replies = stranger.send(self.common.from_outside(), letters)
        for name in ("two_from", "spoof"):
            if replies[name].code:
                self.parts[name] = replies[name]
            if replies[name].code in TAKEN:  # it should have been refused; nobody shall find it in their mailbox
                mailbox.arrived(self.mailhost, tokens[name], self.home(self.mailhost))
        if 500 <= replies["claimed"].code < 600:
            self.parts["claimed"] = replies["claimed"]
        else:
            self.part("claimed", lambda: self.delivered(replies["claimed"], tokens["claimed"]))
        self.part("forged", lambda: self.delivered(replies["forged"], tokens["forged"]))

    def delivered(self, reply: Reply, token: str) -> Letter:
        if reply.code not in TAKEN:
            raise MailboxError(f"the stranger's letter was not taken ({reply.code} {reply.text})")
        return self.read(self.mailhost, token)

    def read(self, where: MailHost, token: str) -> Letter:
        folder, raw = mailbox.arrived(where, token, self.home(where))
        message: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
        fields = tuple((name, " ".join(str(value).split())) for name, value in message.items())
        return Letter(
            mailbox=mailbox.login_of(where).address,
            folder=folder,
            header_from=email.utils.parseaddr(str(message["From"]))[1],
            signatures=signatures(raw, self.common.servers),
            results=tuple(value for name, value in fields if name.lower() == "authentication-results"),
            headers=fields,
            digest=hashlib.sha256(raw).hexdigest(),
        )


def letters(common: Common, mailhost: MailHost) -> Letters:
    """All letters of one mail host. What could not be written or read is missing with its reason, never raised."""
    post = Post(common, mailhost)
    by_users = USERS if mailhost.is_submission else ()
    with ThreadPoolExecutor() as pool:  # each letter waits for its own filter and its own mailbox
        waiting = [pool.submit(post.part, name, getattr(post, name)) for name in by_users]
        try:
            if mailhost.is_mx:
                post.from_stranger()
        except FAILURES as error:
            post.missing |= dict.fromkeys(STRANGERS, reason(error))
        for each in waiting:
            each.result()
    return Letters(post.parts, post.missing)


def reason(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {said(text)}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {said(error.smtp_error)}"
    return " ".join(str(error).split()) or type(error).__name__


def said(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def strangers_letter(mailhost: MailHost, name: str, recipient: str, token: str) -> StrangersLetter:
    """`forged` claims our own verdict, `two_from` has two authors, `spoof` claims to be from a protected domain.

    `claimed` comes as a list would send it on, which is no reason to refuse it, and none to sign it.
    """
    protected = [domain.name for domain in mailhost.domains if domain.dmarc_policy == "reject"]
    spoofed = f"spoof@{protected[0] if protected else PROTECTED}"
    authors = {"spoof": spoofed, "claimed": f"claimed@{mailhost.main_domain}"}
    author = authors.get(name, "probe@stranger.invalid")
    fields = [
        f"From: {author}",
        f"To: {recipient}",
        f"Subject: ironpost verify {token}",
        f"Date: {email.utils.formatdate()}",
    ]
    fields.append(f"Message-ID: <{token}@stranger.invalid>")
    if name == "two_from":
        fields.append("From: second@stranger.invalid")
    if name == "claimed":
        fields.append("List-Id: <ironpost-verify.stranger.invalid>")
    if name == "forged":
        fields.insert(0, f"Authentication-Results: {mailhost.name}; dmarc=pass header.from={FORGED_RESULT}")
    text = "\r\n".join([*fields, "", "Written and removed by ironpost verify.", ""])
    sender = f"probe@{mailhost.main_domain}" if name == "forged" else ""
    return StrangersLetter(name, mailhost.addresses[0], sender, recipient, text)

"""Accounts from the command to the login: passwords of any script, app passwords, second factors, on real hosts."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import imaplib
import os
import poplib
import shlex
import shutil
import smtplib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, letter, submissions, trust
from ironpost.lab.people import users_file
from tests.lab.deployment import BIN, DEPLOY, TOP, succeed
from tests.lab.inventories import variant

DOMAINS = {"mx1": "example.org", "mx2": "example.com"}
both = pytest.mark.parametrize("host", [pytest.param("mx1", id="trixie"), pytest.param("mx2", id="bookworm")])
# Quotes, a back slash, blanks at both ends, scripts and a letter that not every keyboard composes alike.
WILD = " O\u0308k'3\"\\$(id)`;|&<*?> Łódź 猫 🐈 %u "
COMPOSED = " \u00d6k'3\"\\$(id)`;|&<*?> Łódź 猫 🐈 %u "
LATER = "2099-12-31"
FAR = "192.0.2.0/24"  # where nobody of the lab's controller sits

MACHINES = """        client_certificates=ClientCertificates(authority="{folder}/ca.pem"),
        relay_clients=[
            RelayClient(name="printer", domains=[domain], certificate="{prints[printer]}"),
            RelayClient(name="nas", domains=[domain], addresses=[_lab.controller[0]]),
        ],
"""


@dataclasses.dataclass(frozen=True)
class Peopled:
    """The lab with more people on it, and the app passwords that their commands printed."""

    lab: Lab
    inventory: str
    app: dict[tuple[str, str], str]

    @property
    def folder(self) -> Path:
        return Path(self.inventory).parent


def near(lab: Lab) -> str:
    """The IPv4 address from which these tests come."""
    return next(address for address in lab.controller if ":" not in address)


def command(lab: Lab, *words: str, stdin: str = "") -> str:
    """An `ironpost user` command with an answer on standard input; what it prints on standard output."""
    environment = os.environ | {"IRONPOST_LAB": lab.name}
    argv = [str(BIN / "ironpost"), "user", *words]
    done = subprocess.run(argv, cwd=TOP, env=environment, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def client_certificates(folder: Path) -> dict[str, str]:
    """A private CA and certificates of it, and one of another CA of the same name; their fingerprints by name."""
    for authority in ("ca", "other"):
        openssl(
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=Clients "
            f"-keyout {folder}/{authority}.key -out {folder}/{authority}.pem"
        )
    prints = {}
    for name, authority in {"printer": "ca", "sam": "ca", "unlisted": "ca", "alien": "other"}.items():
        openssl(
            f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} "
            f"-keyout {folder}/{name}.key -out {folder}/{name}.csr"
        )
        signer = f"-CA {folder}/{authority}.pem -CAkey {folder}/{authority}.key -CAcreateserial"
        openssl(f"x509 -req -in {folder}/{name}.csr {signer} -days 9 -out {folder}/{name}.pem")
        prints[name] = openssl(f"x509 -in {folder}/{name}.pem -noout -fingerprint -sha256").strip()
    return prints


def openssl(words: str) -> str:
    return subprocess.run(["openssl", *words.split()], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def peopled(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peopled]:
    """Users files of this module's own, changed by the commands that operators use, and deployed once."""
    folder = tmp_path_factory.mktemp("people")
    place = ("users=str(users_file(_lab.directory, domain))", f'users="{folder}/" + domain + ".toml"')
    prints = client_certificates(folder)
    machines = ("        admin=admin,\n", "        admin=admin,\n" + MACHINES.format(folder=folder, prints=prints))
    inventory = variant(folder, place, ("import Allow,", "import ClientCertificates, RelayClient, Allow,"), machines)
    app: dict[tuple[str, str], str] = {}
    for host, domain in DOMAINS.items():
        shutil.copy(users_file(published.directory, domain), folder / f"{domain}.toml")
        command(published, "add", inventory, f"zoe@{domain}", "--stdin", stdin=WILD + "\n")
        command(published, "add", inventory, f"sam@{domain}", "--stdin", stdin=WILD + "\n")
        with (folder / f"{domain}.toml").open("a") as users:
            users.write(f'certificates = ["{prints["sam"]}"]\n')
        command(published, "second-factor", inventory, f"sam@{domain}", "--yes")
        for name, *options in (
            ("phone", "--service", "imap", "--service", "pop3", "--network", near(published)),
            ("printer", "--service", "smtp"),
            ("far", "--service", "smtp", "--service", "imap", "--network", FAR, "--network", "2001:db8:77::/48"),
            ("old", "--service", "imap", "--until", LATER),
        ):
            words = ("app-password", "add", inventory, f"sam@{domain}", name, *options)
            app[host, name] = command(published, *words)
        age(folder / f"{domain}.toml")
    succeed(published, *("pyinfra", inventory, *DEPLOY[2:]))
    yield Peopled(published, inventory, app)
    succeed(published, *DEPLOY)


def age(users: Path) -> None:
    """The command takes no day that is over, so time passes in the file: a last day that was once ahead."""
    text = users.read_text()
    assert text.count(LATER) == 1
    users.write_text(text.replace(LATER, "2020-02-29"))


def plain(user: str, password: str) -> bytes:
    """RFC 4616: the bytes of a login, in UTF-8."""
    return f"\0{user}\0{password}".encode()


def by_smtp(lab: Lab, host: str, user: str, password: str) -> int:
    """The reply to a login on 465."""
    with submissions(lab, host) as session:
        session.ehlo()
        return session.docmd("AUTH", "PLAIN " + base64.b64encode(plain(user, password)).decode())[0]


def by_imap(lab: Lab, host: str, user: str, password: str) -> bool:
    with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=30) as session:
        try:
            session.authenticate("PLAIN", lambda _: plain(user, password))
        except imaplib.IMAP4.error:
            return False
        return True


def by_pop3(lab: Lab, host: str, user: str, password: str) -> bool:
    session = poplib.POP3_SSL(lab.host(host).ipv4, context=trust(lab, host), timeout=30)
    try:
        session.user(user)
        session.pass_(password)
    except poplib.error_proto:
        return False
    finally:
        session.close()
    return True


def asked(lab: Lab, host: str, visits: list[tuple[str, str, str, str]]) -> list[bool]:
    """What Dovecot says to (user, password, service, address), all at once: a refusal takes its time."""
    script = " ".join(
        f"{{ doveadm auth test -x service={service} -x rip={address} {shlex.quote(user)} {shlex.quote(password)}"
        f" >/dev/null 2>&1; echo {number} $?; }} &"
        for number, (user, password, service, address) in enumerate(visits)
    )
    # on standard input, for sudo writes command lines into the journal
    lines = sorted(
        lab.run(host, "sh", input=f"{script} wait\n").stdout.splitlines(), key=lambda line: int(line.split()[0])
    )
    assert len(lines) == len(visits)
    return [line.endswith(" 0") for line in lines]


def everywhere(check: object) -> None:
    """Both hosts side by side."""
    assert callable(check)
    with concurrent.futures.ThreadPoolExecutor(len(DOMAINS)) as pool:
        list(pool.map(check, DOMAINS))


def test_a_password_with_any_character_opens_smtp_imap_and_pop3(peopled: Peopled) -> None:
    """What the command took must work in every protocol, as a mail program composes it, or have been refused there."""

    def on(host: str) -> None:
        zoe = f"zoe@{DOMAINS[host]}"
        assert by_smtp(peopled.lab, host, zoe, COMPOSED) == 235
        assert by_imap(peopled.lab, host, zoe, COMPOSED)
        assert by_pop3(peopled.lab, host, zoe, COMPOSED)

    everywhere(on)


def test_networks_and_last_day_bind_on_every_service(peopled: Peopled) -> None:
    """Postfix hands the client's address to Dovecot: submission must not be the way around."""

    def on(host: str) -> None:
        sam, far, old = f"sam@{DOMAINS[host]}", peopled.app[host, "far"], peopled.app[host, "old"]
        phone, printer = peopled.app[host, "phone"], peopled.app[host, "printer"]
        assert by_smtp(peopled.lab, host, sam, far) == 535
        said = asked(
            peopled.lab,
            host,
            [
                (sam, far, "smtp", "192.0.2.200"),
                (sam, far, "imap", "2001:db8:77:ffff::1"),
                (sam, far, "imap", "::ffff:192.0.2.3"),
                (sam, printer, "smtp", "2001:db8:aaaa::9"),
                (sam, far, "imap", "192.0.3.1"),
                (sam, far, "imap", "2001:db8:78::1"),
                (sam, phone, "imap", "192.0.2.201"),
                (sam, old, "imap", "192.0.2.202"),
                (sam, far, "pop3", "192.0.2.203"),
                (f"zoe@{DOMAINS[host]}", far, "imap", "192.0.2.204"),
            ],
        )
        assert said == [True] * 4 + [False] * 6

    everywhere(on)


def test_an_app_password_opens_its_own_services_and_no_other(peopled: Peopled) -> None:
    """A stolen telephone that reads mail must not send any, and the other way round."""

    def on(host: str) -> None:
        sam, phone, printer = f"sam@{DOMAINS[host]}", peopled.app[host, "phone"], peopled.app[host, "printer"]
        assert by_imap(peopled.lab, host, sam, phone)
        assert by_pop3(peopled.lab, host, sam, phone)
        assert by_smtp(peopled.lab, host, sam, printer) == 235
        assert not by_imap(peopled.lab, host, sam, printer)
        assert asked(peopled.lab, host, [(sam, phone, "smtp", near(peopled.lab))]) == [False]
        assert asked(peopled.lab, host, [(sam, phone, "imap", near(peopled.lab))]) == [True]

    everywhere(on)


def test_where_a_second_factor_is_required_the_main_password_opens_no_mail_port(peopled: Peopled) -> None:
    """It is what people type into forged pages. The same password of an account without the flag opens them, above."""

    def on(host: str) -> None:
        sam = f"sam@{DOMAINS[host]}"
        services = ("smtp", "imap", "pop3", "sieve")
        visits = [(sam, COMPOSED, service, f"192.0.2.{at}") for at, service in enumerate(services, 210)]
        assert asked(peopled.lab, host, visits) == [False] * 4

    everywhere(on)


def with_certificate(peopled: Peopled, host: str, name: str) -> smtplib.SMTP:
    """A session on the port that demands a client certificate; `name` is blank for none."""
    context = trust(peopled.lab, host)
    if name:
        context.load_cert_chain(peopled.folder / f"{name}.pem", peopled.folder / f"{name}.key")
    session = smtplib.SMTP_SSL(peopled.lab.host(host).ipv4, 4465, context=context, timeout=30)
    session.ehlo("machine.example")
    return session


def replies(session: smtplib.SMTP, sender: str, recipient: str = "bob@example.net") -> int:
    """The reply to an envelope: what RCPT gets, or MAIL where that is refused."""
    code = session.mail(sender)[0]
    code = code if code >= 400 else session.rcpt(recipient)[0]
    session.rset()
    return code


@both
def test_a_printer_sends_with_its_certificate_alone_and_for_its_domain_alone(peopled: Peopled, host: str) -> None:
    """A machine has no password that somebody could type elsewhere; its mail is signed like that of users."""
    domain, subject = DOMAINS[host], f"scan {uuid.uuid4().hex}"
    with with_certificate(peopled, host, "printer") as session:
        assert replies(session, "scanner@example.net") == 554
        assert replies(session, f"scanner@sub.{domain}") == 554
        message = letter(f"scanner@{domain}", "bob@example.net", subject)
        session.send_message(message, from_addr=f"scanner@{domain}")
    seen = at_outside(peopled.lab, "bob", subject).decode()
    assert "dmarc=pass" in seen and f"header.d={domain}" in seen


@both
def test_without_a_listed_certificate_of_our_authority_nothing_is_taken(peopled: Peopled, host: str) -> None:
    """No certificate, one of another CA with the same name, and one that nobody listed."""
    for name in ("", "alien"):
        with pytest.raises((OSError, smtplib.SMTPException)):
            with with_certificate(peopled, host, name) as session:
                session.noop()
    with with_certificate(peopled, host, "unlisted") as session:
        assert replies(session, f"scanner@{DOMAINS[host]}") == 554
        assert replies(session, f"scanner@{DOMAINS[host]}", f"zoe@{DOMAINS[host]}") == 554


@both
def test_certificate_and_password_together_are_a_second_factor(peopled: Peopled, host: str) -> None:
    """Sam's main password opens nothing elsewhere; here it does, beside Sam's certificate and no other."""
    domain = DOMAINS[host]
    with with_certificate(peopled, host, "sam") as session:
        assert replies(session, f"sam@{domain}") == 554
        login = base64.b64encode(plain(f"sam@{domain}", COMPOSED)).decode()
        assert session.docmd("AUTH", "PLAIN " + login)[0] == 235
        assert replies(session, f"sam@{domain}") == 250
        assert replies(session, f"zoe@{domain}") == 553
    with with_certificate(peopled, host, "unlisted") as session:
        assert session.docmd("AUTH", "PLAIN " + login)[0] == 235
        assert replies(session, f"sam@{domain}") == 554


@both
def test_a_machine_known_by_address_sends_for_its_domain_alone(peopled: Peopled, host: str) -> None:
    """And from another address of the same machine, not even that."""
    server, domain = peopled.lab.host(host), DOMAINS[host]
    listed = peopled.lab.controller[0]
    for address in (server.ipv4, server.ipv6):
        with smtplib.SMTP(address, 2525, timeout=30) as session:
            session.ehlo("machine.example")
            expected = 250 if (":" in address) is (":" in listed) else 554
            assert replies(session, f"nas@{domain}") == expected
            assert replies(session, "nas@example.net") == 554


def test_clients_are_listed_with_what_they_logged_in_with(peopled: Peopled) -> None:
    """Before a main password is switched off, its owner must hear what would stop."""
    text = command(peopled.lab, "list", peopled.inventory, "--clients")
    for domain in DOMAINS.values():
        zoe = text.split(f"zoe@{domain}")[1].split("@")[0]
        assert "imap from " in zoe and "smtp from " in zoe and "pop3 from " in zoe and "main password" in zoe
        sam = text.split(f"sam@{domain}")[1].split("@")[0]
        assert "second factor required; app passwords phone, printer, far, old" in sam
        assert "smtp from" in sam and "with app password 'printer'" in sam and "main password" not in sam


def test_no_password_and_no_hash_is_in_the_journal(peopled: Peopled) -> None:
    """Journals are shipped, kept and read by many."""
    for host in DOMAINS:
        journal = peopled.lab.run(host, "journalctl -q -o cat").stdout
        assert "猫" not in journal and "$argon2id$" not in journal
        assert not [made for made in peopled.app.values() if made in journal]

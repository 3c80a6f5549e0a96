"""Accounts in a directory or a database: what is refused, what a host gets, and the answers that Postfix is given."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ironpost.cli.user import user
from ironpost.compliance.programs.snap.stores import settings
from ironpost.components import components_of
from ironpost.controls.control import Verdict
from ironpost.controls.stores import LoginsAreDecidedByNamedStores
from ironpost.errors import InventoryError, SecretError
from ironpost.evidence.snapshot import Snapshot
from ironpost.generation import content_of
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.render import render
from ironpost.secret import Secret
from tests.golden.trees import MAILHOSTS
from tests.inventories import mailhost, write_inventory

MORE = "from ironpost.settings import Database, Directory"
DIRECTORY = (
    'Directory(servers=["ldap.example.org"], base="dc=example,dc=org", login="cn=mail,dc=example,dc=org", '
    'password=Secret.file("password"){})'
)
WORD = "Kq3-vv0.Zx"
DATABASE = 'Database(server="db.example.org", name="people", login="mail", password=Secret.file("password"){})'


def host(folder: Path, *stores: str, password: str = WORD, **settings: str) -> MailHost:
    """A mail host with a users file for example.org, and a domain for each store."""
    file = folder / "password"
    file.touch(mode=0o600)
    file.write_text(password + "\n")
    domains = ['Domain(name="example.org", users="users/example.org.toml")']
    domains += [f'Domain(name="s{number}.example.org", users={store})' for number, store in enumerate(stores, 1)]
    said = {"domains": f"[{', '.join(domains)}]"} | settings
    return read_inventory(write_inventory(folder, mailhost(**said), before=MORE)).mailhosts[0]


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (DIRECTORY.format(', accounts="objectClass=person"'), "accounts: 'objectClass=person' is not a filter; write"),
        (DIRECTORY.format(', accounts="(a=b))(c=d"'), "is not a filter"),
        (DIRECTORY.format(', may_log_in="(a=%u)"'), "may_log_in: '(a=%u)' is not a filter"),
        (DIRECTORY.format(', address="mail)(uid"'), "address: 'mail)(uid' is not an attribute"),
        (DIRECTORY.format(', authority="none.pem"'), "none.pem: no such file"),
        (DIRECTORY.format(", port=0"), "port: Input should be greater than or equal to 1"),
        (DIRECTORY.format(', starttls="never"'), "starttls: there is no such setting"),
        (
            DIRECTORY.format("").replace("dc=example,dc=org", "example.org", 1),
            "'example.org' is not the name of an entry",
        ),
        (DIRECTORY.format("").replace("ldap.example.org", "ldap://x"), "'ldap://x' is not a DNS name"),
        (DIRECTORY.format("").replace('Secret.file("password")', '"hunter2"'), "must not stand in an inventory"),
        (DATABASE.format(', accounts="people; drop"'), "'people; drop' is not a name without quotes"),
        (DATABASE.format(', authority="none.pem"'), "none.pem: no such file"),
        ('["nobody"]', "users: ['nobody'] is neither a file name nor Directory(…) nor Database(…)"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused(tmp_path: Path, store: str, words: str) -> None:
    """Before anything is connected to: filters and names go into files of three programs, unquoted."""
    with pytest.raises(InventoryError, match=re.escape(words)) as refused:
        host(tmp_path, store)
    assert "hunter2" not in str(refused.value)


def test_two_different_directories_are_refused(tmp_path: Path) -> None:
    """One host asks one; which of two would answer for a name would be chance."""
    with pytest.raises(InventoryError, match="Directory: 2 different ones are named; one host asks one"):
        host(tmp_path, DIRECTORY.format(""), DIRECTORY.format(', address="uid"'))
    assert len(host(tmp_path, DIRECTORY.format(""), DIRECTORY.format("")).directory_domains) == 2


@pytest.mark.parametrize(
    "password", ['with "quotes"', "a#b", "per%cent", "$HOME", "col:on", "back\\slash", "two words", "a=b", "a,b"]
)
def test_a_password_that_a_configuration_file_would_misread_is_refused(tmp_path: Path, password: str) -> None:
    """Three programs read it, each with other quoting; half a password would be a puzzle at night."""
    with pytest.raises(InventoryError, match="holds other characters than letters, digits") as refused:
        host(tmp_path, DATABASE.format(""), password=password)
    assert password not in str(refused.value)


def test_what_a_store_cannot_hold_is_refused(tmp_path: Path) -> None:
    """Mail of people in a store would be refused as if they wrote in the name of others."""
    with pytest.raises(InventoryError, match='header_from: "owned" knows the accounts of users files alone'):
        host(tmp_path, DATABASE.format(""), header_from='"owned"')


def test_a_word_is_checked_when_it_is_read() -> None:
    """What a program prints is only seen then."""
    with pytest.raises(SecretError, match="holds other characters"):
        Secret.command(["printf", "a b"]).as_word().read()


def test_the_admin_may_be_in_a_store(tmp_path: Path) -> None:
    """Who is there is not known here; their domain is."""
    found = host(tmp_path, DIRECTORY.format(""), admin='"boss@s1.example.org"')
    senders = next(file for part in components_of(found) for file in part.files if file.path == "/etc/postfix/senders")
    assert "postmaster@s1.example.org boss@s1.example.org" in str(senders.content)


def test_commands_about_accounts_say_that_they_are_elsewhere(tmp_path: Path) -> None:
    """A users file that is made by mistake would be read by nobody."""
    host(tmp_path, DATABASE.format(""))
    done = CliRunner().invoke(user, ["disable", str(tmp_path / "inventory.py"), "anna@s1.example.org"])
    assert isinstance(done.exception, InventoryError)
    assert "s1.example.org has no users file, its accounts are elsewhere; change them there" in str(done.exception)


def test_without_a_store_nothing_of_it_is_installed() -> None:
    """What is not there cannot be attacked."""
    parts = components_of(MAILHOSTS[0])
    packages = [package for part in parts for package in part.packages]
    paths = [file.path for part in parts for file in part.files]
    assert not [name for name in packages if "ldap" in name or "pgsql" in name]
    assert not [path for path in paths if re.search("directory|database|login-answers|ironpost-logins.so", path)]


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_the_password_is_readable_for_its_reader_alone(tmp_path: Path, release: str) -> None:
    """And it is in no other file, in no check and in no probe."""
    found = host(tmp_path, DIRECTORY.format(""), DATABASE.format(""), release=f'"{release}"')
    parts = components_of(found)
    holding = {f.path: (f.mode, f.owner, f.group) for p in parts for f in p.files if WORD.encode() in content_of(f)}
    database = "/etc/dovecot/database." + {"bookworm": "conf.ext", "trixie": "secret"}[release]
    assert holding == {
        "/etc/dovecot/directory.secret": (0o600, "root", "root"),
        database: (0o600, "root", "root"),
        "/etc/postfix/database-aliases.cf": (0o640, "root", "postfix"),
        "/etc/postfix/database-recipients.cf": (0o640, "root", "postfix"),
        "/etc/postfix/database-senders.cf": (0o640, "root", "postfix"),
        "/etc/postfix/directory-recipients.cf": (0o640, "root", "postfix"),
        "/etc/postfix/directory-senders.cf": (0o640, "root", "postfix"),
    }
    assert all(file.is_secret for part in parts for file in part.files if file.path in holding)


@pytest.fixture
def between(tmp_path: Path) -> Iterator[Path]:
    """The socket of the program between Postfix and Dovecot, started as systemd does; Dovecot's is `dovecot` beside."""
    program = tmp_path / "login-answers"
    program.write_text(render("/usr/lib/ironpost/login-answers", MAILHOSTS[1]))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "postfix"))
        listening.listen()
        # the third file is the one that systemd hands in (sd_listen_fds(3))
        call = f'exec "$0" "$@" 3<&{listening.fileno()}'
        running = subprocess.Popen(
            ["bash", "-c", call, sys.executable, program, tmp_path / "dovecot"],
            pass_fds=[listening.fileno()],
            env=os.environ,
        )
        yield tmp_path / "postfix"
        running.terminate()
        running.wait(10)


def said(between: Path, *answers: bytes) -> bytes:
    """What Postfix reads when Dovecot greets, is asked, and answers so."""
    with socket.socket(socket.AF_UNIX) as dovecot, socket.socket(socket.AF_UNIX) as postfix:
        dovecot.bind(str(between.with_name("dovecot")))
        dovecot.listen()

        def serve() -> None:
            connection = dovecot.accept()[0]
            with connection, connection.makefile("rwb") as stream:
                stream.write(b"VERSION\t1\t2\nDONE\n")
                stream.flush()
                assert stream.readline() == b"AUTH\t1\tPLAIN\tresp=AGEAYg==\n"
                stream.write(b"".join(answers))
                stream.flush()

        serving = threading.Thread(target=serve)
        serving.start()
        postfix.settimeout(10)
        postfix.connect(str(between))
        postfix.sendall(b"AUTH\t1\tPLAIN\tresp=AGEAYg==\n")
        with postfix.makefile("rb") as stream:
            heard = stream.read()
        serving.join(10)
        return heard


@pytest.mark.parametrize(
    ("answer", "handed_on"),
    [
        (b"OK\t1\tuser=a\n", True),
        (b"FAIL\t1\tuser=a\n", True),
        (b"FAIL\t1\tuser=temp\n", True),
        (b"CONT\t1\ttemp\n", True),
        (b"FAIL\t1\tuser=a\ttemp\n", False),
        (b"FAIL\t1\tuser=a\tcode=temp_fail\n", False),
        (b"FAIL\t1\tcode=temp_fail\ttemp\tuser=a\n", False),
    ],
)
def test_postfix_never_hears_a_failure_of_the_store_as_a_wrong_password(
    between: Path, answer: bytes, handed_on: bool
) -> None:
    """It would tell it as 535; a connection that ends it tells as 454."""
    assert said(between, answer) == b"VERSION\t1\t2\nDONE\n" + answer * handed_on


def test_without_dovecot_postfix_hears_nothing(between: Path) -> None:
    """And not that all is well."""
    with socket.socket(socket.AF_UNIX) as postfix:
        postfix.settimeout(10)
        postfix.connect(str(between))
        assert postfix.recv(100) == b""


OLD = """passdb {
  args = /etc/dovecot/directory-logins.conf.ext
  driver = ldap
  username_filter = *@staff.example.com
}
"""
NEW = """passdb ldap {
  ldap_uris = ldaps://ldap.example.com:636
  username_filter = *@staff.example.com
}
pgsql db.example.com {
  parameters {
    sslmode = verify-full
  }
}
passdb sql {
  username_filter = *@members.example.com
}
"""
FILES: dict[str, dict[str, str]] = {
    "/etc/dovecot/directory-logins.conf.ext": {"uris": "ldaps://ldap.example.com:636", "tls_require_cert": "hard"},
    "/etc/postfix/directory-senders.cf": {
        "server_host": "ldaps://ldap.example.com:636",
        "tls_require_cert": "yes",
        "domain": "staff.example.com",
    },
    "/etc/postfix/database-senders.cf": {
        "hosts": "postgresql://mail@db.example.com:5432/people?sslmode=verify-full&connect_timeout=5",
        "domain": "members.example.com",
    },
}


def judged(text: str, files: dict[str, dict[str, str]] = FILES, mode: int = 0o640, host: int = 1) -> Verdict:
    seen = {"files": files, "access": {"/etc/postfix/directory-senders.cf": {"mode": mode, "uid": 0, "gid": 0}}}
    snapshot = Snapshot({"dovecot": {"text": text}, "stores": seen})
    return LoginsAreDecidedByNamedStores().inside(MAILHOSTS[host], snapshot)


def test_stores_as_ironpost_writes_them_hold() -> None:
    """On both releases of Dovecot."""
    assert judged(OLD).state == "holds" and judged(NEW).state == "holds"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("driver = ldap", "driver = static", "dovecot asks static, which the inventory does not name"),
        ("  username_filter = *@staff.example.com\n", "", "ldap is asked for names of every domain"),
    ],
)
def test_a_store_that_answers_for_others_is_found(old: str, new: str, words: str) -> None:
    """One more passdb is one more way into every mailbox."""
    assert words in judged(OLD.replace(old, new)).found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ldaps://", "ldap://", "ldap_uris = ldap://"),
        ("sslmode = verify-full", "sslmode = require", "the database is not verified"),
        ("passdb ldap {", "ssl_client_require_valid_cert = no\npassdb ldap {", "ssl_client_require_valid_cert = no"),
    ],
)
def test_a_store_that_anybody_can_play_is_found(old: str, new: str, words: str) -> None:
    """TLS that takes any certificate keeps nobody from answering."""
    assert words in judged(NEW.replace(old, new)).found


@pytest.mark.parametrize(
    ("path", "changes", "words"),
    [
        ("/etc/postfix/directory-senders.cf", {"tls_require_cert": "no"}, "tls_require_cert = no"),
        ("/etc/postfix/directory-senders.cf", {"server_host": "ldap://ldap.example.com"}, "asked at ldap://"),
        ("/etc/postfix/directory-senders.cf", {"domain": ""}, "asked for addresses of every domain"),
        ("/etc/postfix/database-senders.cf", {"hosts": "db.example.com"}, "the database is not verified"),
        ("/etc/dovecot/directory-logins.conf.ext", {"tls_require_cert": "never"}, "tls_require_cert = never"),
    ],
)
def test_each_file_that_names_a_store_is_looked_at(path: str, changes: dict[str, str], words: str) -> None:
    """Three programs ask; the least careful one decides."""
    assert f"{path}: " in (found := judged(OLD, FILES | {path: FILES[path] | changes}).found) and words in found


def test_a_login_for_the_store_that_all_can_read_is_found() -> None:
    """It reads who works here."""
    assert "directory-senders.cf has mode 644, and holds a login" in judged(OLD, mode=0o644).found


def test_a_snapshot_of_stores_holds_no_secret() -> None:
    """Evidence is kept, sent and read by others."""
    found = settings(
        "hosts = postgresql://mail:hunter2@db/people?sslmode=verify-full\nbind_pw = hunter2\n"
        "connect = host=db \\\n  password=hunter2 sslmode=require\n\n# a = b\nquery = SELECT 1\n    UNION SELECT 2\n"
    )
    assert "hunter2" not in str(found) and found["connect"] == "host=db  password=*** sslmode=require"
    assert found["query"] == "SELECT 1 UNION SELECT 2" and set(found) == {"hosts", "connect", "query"}

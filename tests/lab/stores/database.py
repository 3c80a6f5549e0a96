"""A database: PostgreSQL with TLS, and a login of the mail hosts that reads two views and nothing else."""

from __future__ import annotations

from ironpost.lab import Lab
from tests.lab.stores.people import PEOPLE, Person, hashed, put_certificate

NAME, READER, READER_PASSWORD = "people", "mail", "Reads-90ab3e55c1"
UNIT = "postgresql@17-main.service"

# The operator's own tables look different from one to the next; what Ironpost asks for are these two views.
SCHEMA = f"""\
CREATE TABLE person (
  name text, domain text, hash text NOT NULL, active boolean NOT NULL, quota bigint, nets text,
  PRIMARY KEY (name, domain));
CREATE TABLE further (address text PRIMARY KEY, name text NOT NULL, domain text NOT NULL);
CREATE VIEW mail_accounts AS
  SELECT name || '@' || domain AS address, hash AS password, active AS may_log_in, quota AS quota_bytes,
    nets AS networks FROM person;
CREATE VIEW mail_aliases AS
  SELECT address AS alias, name || '@' || domain AS address FROM further;
CREATE ROLE {READER} LOGIN PASSWORD '{READER_PASSWORD}' CONNECTION LIMIT 100;
GRANT SELECT ON mail_accounts, mail_aliases TO {READER};
"""  # noqa: S608 - nobody but this test names anything in it
INSTALL = """\
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends postgresql >/dev/null 2>&1
cd /etc/postgresql/*/main
chown -R postgres tls
cat > conf.d/tls.conf <<'END'
listen_addresses = '*'
ssl = on
ssl_cert_file = '/etc/postgresql/17/main/tls/chain.pem'
ssl_key_file = '/etc/postgresql/17/main/tls/key.pem'
ssl_min_protocol_version = 'TLSv1.3'
password_encryption = 'scram-sha-256'
END
printf '%s\\n' 'local all postgres peer' 'hostssl people mail all scram-sha-256' > pg_hba.conf
systemctl restart postgresql@17-main
su postgres -c 'createdb -T template0 -E UTF8 -l C.UTF-8 people && psql -q -v ON_ERROR_STOP=1 people' <<'END'
{schema}{people}END
"""


def serve_database(lab: Lab, host: str, *domains: str) -> None:
    """Makes a bare host the database of those domains: PostgreSQL, started by systemd, reached by TLS alone."""
    put_certificate(lab, host, "/etc/postgresql/17/main/tls")
    lab.run(host, INSTALL.format(schema=SCHEMA, people=people(domains)), timeout=300)


def people(domains: tuple[str, ...]) -> str:
    return "".join(rows(person, domain) for domain in domains for person in PEOPLE)


def rows(person: Person, domain: str) -> str:
    quota = person.quota_bytes or "NULL"
    networks = f"'{person.networks}'" if person.networks else "NULL"
    values = f"'{person.name}', '{domain}', '{hashed()}', {person.enabled}, {quota}, {networks}"
    further = [f"('{alias}@{domain}', '{person.name}', '{domain}')" for alias in person.aliases]
    return inserted("person", f"({values})") + "".join(inserted("further", row) for row in further)


def inserted(table: str, row: str) -> str:
    return f"INSERT INTO {table} VALUES {row};\n"  # noqa: S608 - as above

"""A directory: slapd with TLS, and a login of the mail hosts that reads everything but passwords."""

from __future__ import annotations

from ironpost.lab import Lab
from tests.lab.stores.people import PEOPLE, Person, hashed, put_certificate

BASE = "dc=directory,dc=example"
READER, READER_PASSWORD = f"cn=mail,{BASE}", "Reads-2f7c41d09b"
UNIT = "slapd.service"
ROOT = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"  # root of its host, over its socket
ARC = "1.3.6.1.4.1.4203.666"  # for experiments (OpenLDAP)

# An entry for the size of a mailbox and for networks: the schemas that Debian brings have none.
SCHEMA = f"""\
dn: cn=mailbox,cn=schema,cn=config
changetype: add
objectClass: olcSchemaConfig
cn: mailbox
olcAttributeTypes: ( {ARC}.1.7001 NAME 'mailQuota' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
olcAttributeTypes: ( {ARC}.1.7002 NAME 'mailNetworks' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
olcAttributeTypes: ( {ARC}.1.7003 NAME 'mailAlias' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
olcAttributeTypes: ( {ARC}.1.7004 NAME 'mailDisabled' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
olcObjectClasses: ( {ARC}.3.7001 NAME 'mailbox' SUP top AUXILIARY
  MAY ( mailQuota $ mailNetworks $ mailAlias $ mailDisabled ) )

dn: cn=module{{0}},cn=config
changetype: modify
add: olcModuleLoad
olcModuleLoad: argon2

dn: cn=config
changetype: modify
replace: olcTLSCACertificateFile
olcTLSCACertificateFile: /etc/ldap/tls/root.pem
-
replace: olcTLSCertificateKeyFile
olcTLSCertificateKeyFile: /etc/ldap/tls/key.pem
-
replace: olcTLSCertificateFile
olcTLSCertificateFile: /etc/ldap/tls/chain.pem

dn: olcDatabase={{1}}mdb,cn=config
changetype: modify
replace: olcAccess
olcAccess: {{0}}to attrs=userPassword by anonymous auth by dn.exact="{ROOT}" manage by * none
olcAccess: {{1}}to * by dn.exact="{READER}" read by dn.exact="{ROOT}" manage by * none
"""
INSTALL = """\
set -e
export DEBIAN_FRONTEND=noninteractive
printf '%s\\n' 'slapd slapd/domain string directory.example' 'slapd shared/organization string Directory' |
  debconf-set-selections
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends slapd ldap-utils >/dev/null 2>&1
sed -i 's|^SLAPD_SERVICES=.*|SLAPD_SERVICES="ldaps:/// ldapi:///"|' /etc/default/slapd
chown -R openldap /etc/ldap/tls
ldapmodify -Q -Y EXTERNAL -H ldapi:/// >/dev/null <<'END'
{schema}END
systemctl restart slapd
ldapadd -Q -Y EXTERNAL -H ldapi:/// >/dev/null <<'END'
{people}END
"""


def serve_directory(lab: Lab, host: str, *domains: str) -> None:
    """Makes a bare host the directory of those domains: slapd, started by systemd, reached by TLS alone."""
    put_certificate(lab, host, "/etc/ldap/tls")
    lab.run(host, INSTALL.format(schema=SCHEMA, people=people(domains)), timeout=300)


def entry(person: Person, domain: str) -> str:
    """One person as LDIF; the password is known to the directory alone."""
    lines = [
        f"dn: mail={person.name}@{domain},ou=people,{BASE}",
        "objectClass: inetOrgPerson",
        "objectClass: mailbox",
        f"cn: {person.name}",
        f"sn: {person.name}",
        f"mail: {person.name.capitalize()}@{domain}",  # as people type it
        f"userPassword: {{ARGON2}}{hashed()}",
        f"mailDisabled: {str(not person.enabled).upper()}",
        *(f"mailAlias: {alias}@{domain}" for alias in person.aliases),
    ]
    lines += [f"mailQuota: {person.quota_bytes}"] if person.quota_bytes else []
    lines += [f"mailNetworks: {person.networks}"] if person.networks else []
    return "\n".join(lines) + "\n\n"


def people(domains: tuple[str, ...]) -> str:
    folder = f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\n\n"
    reader = (
        f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"userPassword: {READER_PASSWORD}\n\n"
    )
    return reader + folder + "".join(entry(person, domain) for domain in domains for person in PEOPLE)

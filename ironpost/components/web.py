"""nginx: the policy for other servers, settings for mail programs, and a CA's tokens; only where one of them is due."""

from __future__ import annotations

from ironpost.component import Check, Component, HostDirectory, HostFile, Port, Unit
from ironpost.components.autoconfig import outlook, thunderbird
from ironpost.mailhost import Domain, MailHost
from ironpost.mailhost.sts import policy
from ironpost.mailhost.web import CHALLENGES, FOLDER, OUTLOOK, POLICY, THUNDERBIRD
from ironpost.render import render

CONFIGURATION = "/etc/nginx/nginx.conf"
SANDBOX = "/etc/systemd/system/nginx.service.d/ironpost.conf"
SERVICE = "nginx.service"
# One address asks a few times a day; compliance scanners open some sixty connections at once.
PER_MINUTE = 300


def web(mailhost: MailHost) -> Component:
    """The web server, or none. One that an earlier generation brought is switched off for good."""
    if not mailhost.has_web:
        return Component(name="web", units=(Unit(SERVICE, state="masked"),))
    return Component(
        name="web",
        packages=("nginx", "openssl"),
        files=(
            HostFile(CONFIGURATION, render(CONFIGURATION, mailhost)),
            HostFile(SANDBOX, render(SANDBOX, mailhost)),
            *(page for domain in mailhost.domains for page in pages(domain, mailhost)),
        ),
        # Always there: the walls around nginx show it only if it was there when nginx started.
        directories=(HostDirectory(CHALLENGES),),
        units=(Unit(SERVICE, reload_on=("/etc/nginx/", "/etc/ssl/ironpost/"), restart_on=(SANDBOX,)),),
        ports=ports(mailhost),
        checks=(Check("mkdir -p /run/nginx && nginx -t -q -e stderr"),),
        probes=probes(mailhost),
    )


def pages(domain: Domain, mailhost: MailHost) -> tuple[HostFile, ...]:
    folder = f"{FOLDER}/{domain.name}"
    found = []
    if domain.mta_sts:
        found.append(HostFile(f"{folder}/{POLICY}", policy(domain)))
    if domain.autoconfig:
        found.append(HostFile(f"{folder}/{THUNDERBIRD}", thunderbird(domain, mailhost)))
        found.append(HostFile(f"{folder}/{OUTLOOK}", outlook(domain, mailhost)))
    return tuple(found)


def ports(mailhost: MailHost) -> tuple[Port, ...]:
    found = []
    if mailhost.answers_challenges:
        found.append(Port(80, "a certificate authority's challenge", per_minute=PER_MINUTE))
    if mailhost.web_sites:
        found.append(Port(443, "policies and settings over HTTPS", per_minute=PER_MINUTE))
    return tuple(found)


def probes(mailhost: MailHost) -> tuple[str, ...]:
    """A handshake for the first name: a server that only listens has no key."""
    if not mailhost.web_sites:
        return ("ss -Hltn 'sport = :80' | grep -q .",)
    name = mailhost.web_names[0]
    return (f"openssl s_client -connect 127.0.0.1:443 -servername {name} </dev/null 2>/dev/null | grep -q Verif",)

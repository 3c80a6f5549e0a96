"""What the small web server of a mail host answers: policies, settings of mail programs, and a CA's challenges."""

from __future__ import annotations

from dataclasses import dataclass

from ironpost.mailhost.domain import Domain
from ironpost.mailhost.roles import RoleValues

FOLDER = "/etc/ironpost/web"
CHALLENGES = "/var/lib/ironpost/acme"

POLICY = "mta-sts.txt"
THUNDERBIRD = "config-v1.1.xml"
OUTLOOK = "autodiscover.xml"


@dataclass(frozen=True)
class Page:
    """One location, exactly as it is asked for, and the file that answers it."""

    location: str
    file: str
    media_type: str


@dataclass(frozen=True)
class Site:
    """A name with the few pages that it has. `methods` is a regular expression of those that it answers."""

    name: str
    pages: tuple[Page, ...]
    methods: str = "GET|HEAD"

    @property
    def answers_post(self) -> bool:
        return "POST" in self.methods


class WebValues(RoleValues):
    """What the small web server of a mail host answers."""

    @property
    def web_sites(self) -> tuple[Site, ...]:
        """All names of all domains, in the order of the domains; the hosts that take their mail answer them."""
        return tuple(site for domain in self.domains for site in sites(domain) if self.is_mx)

    @property
    def web_names(self) -> tuple[str, ...]:
        """The names besides the host's own that its certificate must hold."""
        return tuple(site.name for site in self.web_sites)

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """Every name under which this host shows its certificate; its own first."""
        return (self.name, *self.web_names)

    @property
    def answers_challenges(self) -> bool:
        """Whether a CA looks for a token on port 80 (RFC 8555 §8.3)."""
        return getattr(self.certificate, "challenge", None) == "http-01"

    @property
    def challenge_folder(self) -> str:
        """Where the tokens lie, below `.well-known/acme-challenge/`."""
        return CHALLENGES

    @property
    def has_web(self) -> bool:
        return bool(self.web_sites) or self.answers_challenges


def sites(domain: Domain) -> tuple[Site, ...]:
    """The names of one domain that are answered over HTTPS."""
    folder = f"{FOLDER}/{domain.name}"
    found = []
    if domain.mta_sts:
        page = Page("/.well-known/mta-sts.txt", f"{folder}/{POLICY}", "text/plain")
        found.append(Site(f"mta-sts.{domain.name}", (page,)))
    if domain.autoconfig:
        asked = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
        pages = tuple(Page(location, f"{folder}/{THUNDERBIRD}", "text/xml") for location in asked)
        found.append(Site(f"autoconfig.{domain.name}", pages))
        asked = ("/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml")
        pages = tuple(Page(location, f"{folder}/{OUTLOOK}", "text/xml") for location in asked)
        found.append(Site(f"autodiscover.{domain.name}", pages, "GET|HEAD|POST"))
    return tuple(found)

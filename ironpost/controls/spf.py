"""SPF: which hosts send in a domain's name, published and evaluated."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.zone import Zone
from ironpost.mailhost import MailHost

TERM = re.compile(
    r"[+~?-]?(all|(include|exists):\S+|(a|mx)(:[^/\s]+)?(/\d{1,2})?(//\d{1,3})?|ptr(:\S+)?|ip4:[\d./]+|ip6:[0-9a-f:./]+)"
    r"|(redirect|exp)=\S+",
    re.I,
)
# RFC 7208 §5.3, §5.6: a name, and one prefix length for each version of IP
MECHANISM = re.compile(r"(?P<kind>[a-z0-9]+)(?::(?P<target>[^/]+))?(?:/(?P<v4>\d{1,2}))?(?://(?P<v6>\d{1,3}))?", re.I)
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
MOST_DEPTH = 10  # RFC 7208 §4.6.4
WIDEST = {4: 28, 6: 64}
PUBLISH = "run `ironpost dns apply`"


def policies(values: tuple[str, ...]) -> list[str]:
    return [value for value in values if value.lower() == "v=spf1" or value.lower().startswith("v=spf1 ")]


@control(
    "SPF-01",
    claim="Each mail domain publishes exactly one SPF policy, and it can be read",
    reference="RFC 7208 §3.1–3.2, §4.5",
    severity="high",
)
class OneReadableSpfPolicy:
    """Two policies are none: receivers answer permerror."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            for server, answer in probes.zone.everywhere(domain, "TXT").items():
                found = policies(answer.values)
                if len(found) != 1:
                    faults.append(f"{server}: {domain} has {len(found)} SPF policies")
                faults += [
                    f"{server}: {domain}: {term!r} is not a term of SPF"
                    for policy in found
                    for term in policy.split()[1:]
                    if not TERM.fullmatch(term)
                ]
            faults += [
                f"{server}: {domain} has a record of the withdrawn type SPF (99)"
                for server, answer in probes.zone.everywhere(domain, "TYPE99").items()
                if answer.values
            ]
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "SPF-04",
    claim="SPF passes for the addresses that this host sends from, and for no stranger",
    reference="RFC 7208 §4, §10.1",
    severity="high",
    roles=("submission", "relay"),
)
class SpfFitsTheAddresses:
    """A policy that forgets IPv6 loses half of the mail; one that is wide lets others in."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            for address in mailhost.addresses:
                result = check_host(probes.zone, domain, address)
                if result != "pass":
                    faults.append(f"{domain}: {address} gets {result}")
            for stranger in [*probes.raw["sources"], *map(neighbour, mailhost.addresses)]:
                result = check_host(probes.zone, domain, stranger)
                if stranger not in mailhost.fleet_addresses and result not in ("fail", "softfail"):
                    faults.append(f"{domain}: {stranger}, which is not ours, gets {result}")
            faults += too_wide(domain, probes.zone)
        return holds_unless(faults, remedy=PUBLISH)


def neighbour(address: str) -> str:
    return str(ipaddress.ip_address(address) + 1)


def too_wide(domain: str, zone: Zone) -> list[str]:
    networks = re.findall(r"ip[46]:(\S+)", " ".join(policies(zone.values(domain, "TXT"))), re.I)
    return [
        f"{domain}: {network} is wider than a mail system needs"
        for network in networks
        for found in [ipaddress.ip_network(network, strict=False)]
        if found.prefixlen < WIDEST[found.version]
    ]


def check_host(zone: Zone, domain: str, address: str, depth: int = 0) -> str:
    """The result of RFC 7208 §4 for an address, from what the zone's servers showed. Macros are not evaluated."""
    found = policies(zone.values(domain, "TXT"))
    if len(found) != 1 or depth > MOST_DEPTH:
        return "none" if not found else "permerror"
    redirect = ""
    for term in found[0].split()[1:]:
        if "%" in term:
            raise NotCollectedError(f"{domain}: {term} has a macro, which is not evaluated here")
        if term.lower().startswith("redirect="):
            redirect = term.partition("=")[2]
        elif "=" not in term and matches(zone, term.lstrip("+-~?"), domain, address, depth):
            return RESULTS[term[0] if term[0] in RESULTS else "+"]
    return check_host(zone, redirect.lower().rstrip("."), address, depth + 1) if redirect else "neutral"


def matches(zone: Zone, mechanism: str, domain: str, address: str, depth: int) -> bool:
    found = MECHANISM.fullmatch(mechanism)
    kind = found["kind"].lower() if found else mechanism
    target = (found["target"] or domain).lower().rstrip(".") if found else ""
    if kind == "all":
        return True
    if kind in ("ip4", "ip6"):
        return inside(address, mechanism.partition(":")[2])
    if kind == "include":
        return check_host(zone, target, address, depth + 1) == "pass"
    if found and kind in ("a", "mx"):
        hosts = [target] if kind == "a" else [value.split()[-1] for value in zone.values(target, "MX")]
        length = (found["v6"] or "128") if ":" in address else (found["v4"] or "32")
        return any(inside(address, f"{each}/{length}") for host in hosts for each in addresses(zone, host, address))
    raise NotCollectedError(f"{domain}: the mechanism {kind} is not evaluated here")


def addresses(zone: Zone, host: str, like: str) -> tuple[str, ...]:
    return zone.values(host, "AAAA" if ":" in like else "A")


def inside(address: str, network: str) -> bool:
    wanted: Any = ipaddress.ip_address(address)
    try:
        return wanted in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


@control(
    "SPF-07",
    claim="The host evaluates SPF of incoming mail and writes down what it found",
    reference="RFC 7208 §9; RFC 8601 §2.7.2; rspamd spf, milter_headers",
)
class SpfIsEvaluated:
    """DMARC stands on it, and so do the rules of users."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        module = snapshot.rspamd("spf")
        if module.get("enabled") is False or module.get("disabled") is True:
            faults.append("rspamd: the module spf is switched off")
        if "authentication-results" not in snapshot.rspamd("milter_headers").get("use", []):
            faults.append("rspamd: milter_headers does not write Authentication-Results")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        results = " ".join(probes.letters.forged.results_of(mailhost.name)).lower()
        wrong = [f"a stranger's letter in the name of {mailhost.main_domain} shows {results or 'no result'}"]
        return holds_unless(wrong * (not re.search(r"spf=(fail|softfail)", results)), remedy=REDEPLOY)

"""`fleet(…)`: the one call that an inventory ends in. Checks everything before anything connects."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ironpost.errors import InventoryError
from ironpost.fleet_forwarding import forwarding_mistakes
from ironpost.fleet_roles import role_mistakes
from ironpost.mailhost import MailHost
from ironpost.mailhost.contradictions import (
    address_mistakes,
    missing_files,
    openid_mistakes,
    port_mistakes,
    relaying_mistakes,
    store_mistakes,
)
from ironpost.mailhost.member import Member
from ironpost.secret import Secret
from ironpost.settings import Parked, Setting, VantagePoint, Waiver, Waves, blocks_of, shown

# Whether the users files are left out of what is checked: the commands that mend them must be able to start.
ACCOUNTS_LEFT_OUT: ContextVar[bool] = ContextVar("ACCOUNTS_LEFT_OUT", default=False)


@contextmanager
def without_accounts() -> Iterator[None]:
    """Inventories read meanwhile say nothing about their users files, which may be missing or wrong."""
    token = ACCOUNTS_LEFT_OUT.set(True)
    try:
        yield
    finally:
        ACCOUNTS_LEFT_OUT.reset(token)


class Fleet(list[tuple[str, dict[str, Any]]]):
    """pyinfra's own list of (name, data), which also knows the mail hosts and how they are to be verified.

    `parked` are domains that never mail, `resolvers` the addresses of validating resolvers to compare with.
    """

    def __init__(
        self,
        mailhosts: tuple[MailHost, ...],
        vantage_points: tuple[VantagePoint, ...],
        source: Path,
        parked: tuple[Parked, ...] = (),
        resolvers: tuple[str, ...] = (),
        waivers: tuple[Waiver, ...] = (),
        waves: Waves | None = None,
    ) -> None:
        super().__init__(
            (mailhost.name, connection(mailhost) | {"inventory_file": str(source)}) for mailhost in mailhosts
        )
        for mailhost in mailhosts:
            mailhost._fleet_names = tuple(each.name for each in mailhosts)
            mailhost._fleet_addresses = tuple(address for each in mailhosts for address in each.addresses)
        self.mailhosts = mailhosts
        self.vantage_points = vantage_points
        self.source = source
        self.parked = parked
        self.resolvers = resolvers
        self.waivers = waivers
        self.waves = waves or Waves()

    def mailhost(self, name: str) -> MailHost:
        return next(mailhost for mailhost in self.mailhosts if mailhost.name == name)


def fleet(
    *mailhosts: MailHost,
    vantage_points: tuple[VantagePoint, ...] | list[VantagePoint] = (),
    parked: tuple[Parked, ...] | list[Parked] = (),
    resolvers: tuple[str, ...] | list[str] = (),
    waivers: tuple[Waiver, ...] | list[Waiver] = (),
    waves: Waves | None = None,
) -> Fleet:
    """The hosts for pyinfra. Raises one error with all mistakes of all hosts; until then nothing is connected to."""
    frame = sys._getframe(1)
    source = Path(frame.f_code.co_filename).resolve()
    lists = {"vantage_points": vantage_points, "parked": parked, "resolvers": resolvers, "waivers": waivers}
    if not_lists := [name for name, value in lists.items() if not isinstance(value, (list, tuple))]:
        wrong = [f"{name}: is not a list; put it into brackets: {name}=[…]" for name in not_lists]
        raise refusal(source, frame.f_lineno, wrong)
    blocks = (*mailhosts, *vantage_points, *parked, *waivers, *([waves] if waves is not None else []))
    mistakes = not_settings(blocks) + strays(frame.f_globals) + not_addresses(resolvers)
    usable = [block for block in blocks if isinstance(block, Setting)]
    mistakes += [told(block, mistake) for block in usable for mistake in block.mistakes]
    if not mailhosts:
        mistakes.append("names no mail host; put one MailHost(…) or more into it")
    if not mistakes:
        know_each_other(mailhosts)
        mistakes += cross_mistakes(mailhosts, source.parent) + parked_mistakes(mailhosts, parked)
        mistakes += [told(waiver, mistake) for waiver in waivers for mistake in waiver_mistakes(waiver, mailhosts)]
        mistakes += [
            told(block, complaint) for block in usable for complaint in secret_complaints(block, source.parent)
        ]
    if mistakes:
        raise refusal(source, frame.f_lineno, mistakes)
    for mailhost in mailhosts:
        mailhost._parked_names = tuple(each.name for each in parked)
    return Fleet(
        tuple(mailhosts), tuple(vantage_points), source, tuple(parked), tuple(resolvers), tuple(waivers), waves
    )


def not_addresses(resolvers: tuple[str, ...] | list[str]) -> list[str]:
    mistakes = []
    for value in resolvers:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            mistakes.append(f"resolvers: {shown(value)} is not an address; resolvers are named by address")
    return mistakes


def parked_mistakes(mailhosts: tuple[MailHost, ...], parked: tuple[Parked, ...] | list[Parked]) -> list[str]:
    """A name that mails is not parked, and no host's name is: null MX and SPF -all would cut it off."""
    mailing = {name for mailhost in mailhosts for name in (mailhost.name, *mailhost.domain_names)}
    wrong = [told(each, f"{each.name}: mails, and is parked; keep one of the two") for each in parked]
    found = [sentence for each, sentence in zip(parked, wrong, strict=True) if each.name in mailing]
    names = [each.name for each in parked]
    return found + [f"{name}: is parked twice; keep one" for name in sorted({n for n in names if names.count(n) > 1})]


def not_settings(blocks: tuple[Any, ...]) -> list[str]:
    return [
        f"got a {type(block).__name__}; it takes MailHost(…), VantagePoint(…) in vantage_points, "
        "Parked(…) in parked, Waiver(…) in waivers, and Waves(…) as waves"
        for block in blocks
        if not isinstance(block, (MailHost, VantagePoint, Parked, Waiver, Waves))
    ]


def strays(names: dict[str, Any]) -> list[str]:
    """Lists at the top level of the file: pyinfra would take each of them for a group of hosts, and connect."""
    return [
        f"{name}: is a list, which pyinfra would take for hosts; call it _{name}"
        for name, value in names.items()
        if not name.startswith("_") and isinstance(value, (list, tuple)) and not isinstance(value, Fleet)
    ]


def told(block: Setting, mistake: str) -> str:
    name = str(vars(block).get("name", type(block).__name__))
    return f"{name if name.isprintable() and name else shown(name)} ({block.where}): {mistake}"


def know_each_other(mailhosts: tuple[MailHost, ...]) -> None:
    """Tells each host of the others, and each domain which hosts take its mail: a policy names all of them."""
    members = tuple(
        Member(each.name, frozenset(each.roles), frozenset(each.domain_names), each.addresses, each.inner is not None)
        for each in mailhosts
    )
    for mailhost in mailhosts:
        mailhost._members = members
        for domain in mailhost.domains:
            domain._exchangers = tuple(each.name for each in members if each.serves("mx", (domain.name,)))


def cross_mistakes(mailhosts: tuple[MailHost, ...], directory: Path) -> list[str]:
    """Mistakes that only show between blocks, or in the files that they name."""
    mistakes = repeated("host name", [mailhost.name for mailhost in mailhosts])
    mistakes += repeated("address", [address for mailhost in mailhosts for address in mailhost.addresses])
    mistakes += policy_contradictions(mailhosts)
    for mailhost in mailhosts:
        found = mailhost.read_users(directory)
        if ACCOUNTS_LEFT_OUT.get():
            continue
        found += [f"{path}: no such file; correct the setting" for path in missing_files(mailhost, directory)]
        if not found:
            found += address_mistakes(mailhost) + relaying_mistakes(mailhost)
            found += port_mistakes(mailhost) + store_mistakes(mailhost) + openid_mistakes(mailhost)
        mistakes += [told(mailhost, mistake) for mistake in found]
    return mistakes + role_mistakes(mailhosts) + forwarding_mistakes(mailhosts) + shared_selectors(mailhosts)


def shared_selectors(mailhosts: tuple[MailHost, ...]) -> list[str]:
    """Each host makes its own keys: two of them under one selector would break each other's mail."""
    owners: dict[tuple[str, str], str] = {}
    mistakes = []
    for mailhost in mailhosts:
        for signer in mailhost.signers:
            for word in (signer.rsa, signer.ed25519) if signer.rsa else (signer.label,):
                owner = owners.setdefault((signer.domain, word or ""), mailhost.name)
                if owner != mailhost.name:
                    what = "the selector" if signer.rsa else "selectors that begin with"
                    mistakes.append(
                        f"{mailhost.name}: has {what} {word} for {signer.domain}, and so has {owner}; "
                        "give it Dkim(label=…) or selectors of its own"
                    )
    return mistakes


def waiver_mistakes(waiver: Waiver, mailhosts: tuple[MailHost, ...]) -> list[str]:
    """A waiver of nothing here is a slip of the pen: the one that was meant is not waived."""
    names = [mailhost.name for mailhost in mailhosts]
    domains = [domain for mailhost in mailhosts for domain in mailhost.domain_names]
    mistakes = []
    if waiver.mailhost and waiver.mailhost not in names:
        mistakes.append(f"mailhost: {waiver.mailhost} is no mail host here; there are {', '.join(names)}")
    if waiver.domain and waiver.domain not in domains:
        mistakes.append(f"domain: {waiver.domain} is no domain here; there are {', '.join(domains)}")
    return mistakes


def repeated(what: str, values: list[str]) -> list[str]:
    return [
        f"{value}: two mail hosts have this {what}; give each its own"
        for value in dict.fromkeys(values)
        if values.count(value) > 1
    ]


def policy_contradictions(mailhosts: tuple[MailHost, ...]) -> list[str]:
    """A domain's MTA-STS policy is one, whichever host is asked for it."""
    said: dict[str, dict[str, str]] = {}
    for mailhost in mailhosts:
        for domain in mailhost.domains:
            said.setdefault(domain.name, {})[mailhost.name] = repr(domain.mta_sts)
    return [
        f"{name}: mta_sts is {' and '.join(f'{mode} on {host}' for host, mode in modes.items())}; say the same on each"
        for name, modes in said.items()
        if len(set(modes.values())) > 1
    ]


def secrets_of(block: Setting) -> Iterator[Secret]:
    yield from (value for value in vars(block).values() if isinstance(value, Secret))
    for inner in blocks_of(block):
        yield from secrets_of(inner)


def secret_complaints(block: Setting, directory: Path) -> list[str]:
    complaints = (secret.relative_to(directory).complaint() for secret in secrets_of(block))
    return [complaint for complaint in dict.fromkeys(complaints) if complaint]


def connection(mailhost: MailHost) -> dict[str, Any]:
    """What pyinfra needs to connect, and the mail host itself. Host keys are verified, never trusted at first sight."""
    ssh = mailhost.ssh
    options = {
        "ssh_hostname": mailhost.ssh_address,
        "ssh_user": ssh.user,
        "ssh_port": ssh.port,
        "ssh_strict_host_key_checking": "yes",
        "mailhost": mailhost,
    }
    if ssh.key:
        options |= {
            "ssh_key": str(mailhost.file(ssh.key)),
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        }
    if ssh.known_hosts:
        options["ssh_known_hosts_file"] = str(mailhost.file(ssh.known_hosts))
    if ssh.user != "root":
        options["_sudo"] = True
    return options


def refusal(source: Path, line: int, mistakes: list[str]) -> InventoryError:
    """One error with all mistakes, which pyinfra prints as words when it is pyinfra that reads the file.

    What no block is to blame for stands at the line of the call of `fleet`.
    """
    placed = [each if f" ({source.name}:" in each else f"fleet ({source.name}:{line}): {each}" for each in mistakes]
    text = "\n".join([f"{source.name}: these settings cannot be used", *(f"  - {mistake}" for mistake in placed)])
    exceptions = sys.modules.get("pyinfra.api.exceptions")
    if exceptions is None:
        return InventoryError(text)
    return type("InventoryRefused", (InventoryError, exceptions.PyinfraError), {})(text)  # type: ignore[no-any-return]

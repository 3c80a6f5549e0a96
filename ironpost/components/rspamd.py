"""rspamd: judges what comes in, and signs what goes out."""

from __future__ import annotations

from ironpost.component import Check, Component, Early, HostDirectory, HostFile, SystemUser, Unit
from ironpost.components.postfix_maps import senders, table
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.mailhost import DKIM_DIRECTORY, MailHost
from ironpost.mailhost.rspamd import OWNERS
from ironpost.render import render

SEALS = "/etc/rspamd/local.d/policies_group.conf"
CONFIGURATION = (
    "/etc/rspamd/rspamd.conf.override",
    "/etc/rspamd/rspamd.local.lua",
    "/etc/rspamd/override.d/options.inc",
    "/etc/rspamd/override.d/logging.inc",
    "/etc/rspamd/override.d/mime_types.conf",
    "/etc/rspamd/override.d/worker-proxy.inc",
    "/etc/rspamd/override.d/worker-normal.inc",
    "/etc/rspamd/override.d/worker-controller.inc",
)
REDIS = "/etc/redis/redis.conf"
# Looking for links in any text makes rspamd compile its patterns: six seconds, once, that its first start would take.
WARM_UP = "flock /run/lock/ironpost-rspamd rspamadm mime urls /etc/debian_version >/dev/null"
PROBE = "/usr/lib/ironpost/probe-rspamd"


def rspamd(mailhost: MailHost) -> Component:
    """The whole of rspamd on one host. It listens on a socket for Postfix and on nothing else."""
    if not mailhost.has_filter:
        masked = ("redis-server.service", "rspamd.service")
        return Component(name="rspamd", units=tuple(Unit(name, state="masked") for name in masked))
    return Component(
        name="rspamd",
        packages=("rspamd", "redis-server", "python3"),
        files=(
            HostFile(REDIS, render(REDIS, mailhost), mode=0o640, group="redis"),
            *(HostFile(path, render(path, mailhost)) for path in configuration(mailhost)),
            sandbox(mailhost, "rspamd.service"),
            sandbox(mailhost, "redis-server.service"),
            HostFile(PROBE, render(PROBE, mailhost), mode=0o755),
            HostFile(OWNERS, owners(mailhost), mode=0o640, group="_rspamd"),
        ),
        directories=(HostDirectory(DKIM_DIRECTORY, mode=0o700, owner="_rspamd", group="_rspamd"),),
        users=(SystemUser("_rspamd", groups=("redis",)),),
        signers=mailhost.signers,
        units=(
            Unit("redis-server.service", restart_on=("/etc/redis/", drop_in("redis-server.service"))),
            Unit(
                "rspamd.service",
                reload_on=(f"{DKIM_DIRECTORY}/", OWNERS),
                restart_on=("/etc/rspamd/", drop_in("rspamd.service")),
            ),
        ),
        early=(Early("rspamd", WARM_UP, user="_rspamd"),),
        checks=(
            Check("rspamadm configtest >/dev/null", user="_rspamd"),
            Check(WARM_UP, user="_rspamd"),
        ),
        probes=(f"python3 {PROBE}",),
    )


def configuration(mailhost: MailHost) -> tuple[str, ...]:
    return (*CONFIGURATION, SEALS) if mailhost.forwards else CONFIGURATION


def owners(mailhost: MailHost) -> str:
    """Address → login, as Postfix has it for envelope senders."""
    return table("Addresses, and the login that may write as them.", senders(mailhost))

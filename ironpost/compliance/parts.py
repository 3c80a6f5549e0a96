"""Which pieces of evidence only hosts with certain roles have: what is missing elsewhere is no gap."""

from __future__ import annotations

from ironpost.controls.control import Role

MX, SUBMISSION = frozenset[Role]({"mx"}), frozenset[Role]({"submission"})
LOGINS, FILTER = frozenset[Role]({"submission", "mailbox"}), frozenset[Role]({"mx", "submission", "relay"})

ROLES_OF: dict[str, frozenset[Role]] = {
    **dict.fromkeys(("smtp/25", "tls/25", "exchange/25", "injection/25", "smtp/inet", "smuggling", "relay"), MX),
    **dict.fromkeys(("without tls", "pipelining", "manners", "unknown", "reports", "forged srs"), MX),
    **dict.fromkeys((f"letters/{name}" for name in ("forged", "two_from", "spoof", "claimed")), MX),
    **dict.fromkeys(("smtp/465", "smtp/587", "injection/587", "submissions/inet", "submission/inet"), SUBMISSION),
    **dict.fromkeys((f"letters/{name}" for name in ("written", "bounce", "senders")), SUBMISSION),
    **dict.fromkeys(("dovecot", "passwords"), LOGINS),
    "rspamd": FILTER,
}

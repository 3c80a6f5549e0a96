"""How the hosts of one fleet know each other."""

from __future__ import annotations

from ironpost.secret import Secret
from ironpost.settings.block import Setting
from ironpost.settings.words import PlainPath


class Inner(Setting):
    """The certificate by which a host shows itself to the other hosts of its fleet, as client and as server.

    `authority` is a private CA (PEM) that vouches for the hosts of this fleet and for nobody else; whoever has a
    certificate of it may hand mail to the fleet. `chain` (leaf first) names the host; `key` is its private key.
    """

    authority: PlainPath
    chain: PlainPath
    key: Secret

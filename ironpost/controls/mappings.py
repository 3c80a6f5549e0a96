"""Where other texts ask for the same: so that an auditor who works by one of them finds our control.

A clause is shown only of a text that was read for this table. `from memory` says that the text asks for such a thing as
far as its readers remember, and claims nothing more. Nothing here claims conformity with any of them.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

Text = Literal["internet.nl", "NIST SP 800-177r1", "BSI TR-03108", "CIS Debian"]


@dataclasses.dataclass(frozen=True)
class Mapping:
    """A text, and where in it; `clause` is empty unless the text was read."""

    text: Text
    source: Literal["read", "from memory"]
    clause: str = ""

    @property
    def shown(self) -> str:
        return f"{self.text} {self.clause}".rstrip() + ("" if self.source == "read" else " (from memory)")


def subtests(*names: str) -> tuple[Mapping, ...]:
    """Subtests of internet.nl's mail test, named as in its code (commit cec0e01d, checks/categories.py)."""
    return tuple(Mapping("internet.nl", "read", f"mail test: {name}") for name in names)


NIST = Mapping("NIST SP 800-177r1", "from memory")
BSI = Mapping("BSI TR-03108", "from memory")
CIS = Mapping("CIS Debian", "from memory")

MAPPINGS: dict[str, tuple[Mapping, ...]] = {
    "TLS-01": (*subtests("starttls_exists"), NIST, BSI),
    "TLS-02": (*subtests("tls_version"), NIST, BSI),
    "TLS-03": (BSI,),
    "TLS-04": (*subtests("tls_ciphers"), NIST, BSI),
    "TLS-05": (*subtests("tls_ciphers"), BSI),
    "TLS-06": subtests("tls_cipher_order"),
    "TLS-07": subtests("kex_hash_func"),
    "TLS-08": (*subtests("fs_params"), BSI),
    "TLS-10": subtests("tls_compression", "renegotiation_secure", "renegotiation_client"),
    "TLS-11": subtests("extended_master_secret"),
    "TLS-12": subtests("zero_rtt"),
    "CRT-01": (*subtests("cert_trust"), BSI),
    "CRT-02": (*subtests("cert_hostmatch"), BSI),
    "CRT-03": subtests("cert_pubkey"),
    "CRT-04": subtests("cert_signature"),
    "AUTH-01": (NIST,),
    "RELAY-01": (NIST, CIS),
    "DKIM-01": (NIST,),
    "DKIM-02": (NIST,),
    "DKIM-09": (*subtests("dkim"), NIST),
    "SPF-01": (*subtests("spf", "spf_policy"), NIST),
    "SPF-02": subtests("spf_policy"),
    "SPF-03": subtests("spf_policy"),
    "DMARC-01": (*subtests("dmarc", "dmarc_policy"), NIST),
    "DMARC-02": (*subtests("dmarc_policy"), NIST),
    "DANE-01": (*subtests("dane_exists"), NIST, BSI),
    "DANE-02": (*subtests("dane_valid"), NIST, BSI),
    "DANE-03": subtests("dane_rollover"),
    "DANE-05": subtests("dane_valid"),
    "DSEC-01": (*subtests("dnssec_exists", "dnssec_valid"), NIST, BSI),
    "DSEC-03": (*subtests("dnssec_mx_exists", "dnssec_mx_valid"), BSI),
    "DNS-01": subtests("mx_aaaa", "mx_reach"),
    "DNS-05": subtests("mail_caa"),
    "DNS-07": subtests("ns_aaaa", "ns_reach"),
    "DNS-13": subtests("mail_rpki_exists", "mail_rpki_valid"),
    "FW-01": (CIS,),
    "FW-02": (CIS,),
    "OS-01": (CIS,),
    "OS-02": (CIS,),
}

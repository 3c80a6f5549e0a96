"""The lab's inventory with two more domains on each host, whose people have tokens: besides passwords, and instead."""

from __future__ import annotations

from pathlib import Path

from ironpost.lab import Lab
from tests.lab.inventories import variant
from tests.lab.openid.server import issuer
from tests.lab.stores.people import FAR, PASSWORD, hashed

DOMAINS = {"mx1": "example.org", "mx2": "example.com"}
MORE = {
    "nora": "",
    "olaf": "",
    "gone": "disabled = true",
    "far": f'networks = ["{FAR}"]',
    "twice": 'second_factor = "required"',
}
TEXT = """        ),
            Domain(name=f"staff.{{domain}}", sends_already=False, users="{folder}/staff.toml", openid=_openid),
            Domain(name=f"token.{{domain}}", sends_already=False, users="{folder}/token.toml", openid=OpenId(
                issuer="{issuer}", audience="https://mail.example", scope=["mail"], clients=["mail-program"],
                algorithms=["RS256", "ES256"], authority=str(_lab.root_certificate), passwords="none",
            )),
        ],
        outgoing="needed",
        certificate"""
SHARED = """_openid = OpenId(
    issuer="{issuer}", audience="https://mail.example", scope=["mail"], clients=["mail-program"],
    algorithms=["RS256", "ES256"], authority=str(_lab.root_certificate),
)


def _mailhost("""
__all__ = ["DOMAINS", "PASSWORD", "address", "with_openid"]


def address(host: str, name: str, domain: str = "staff") -> str:
    return f"{name}@{domain}.{DOMAINS[host]}"


def with_openid(lab: Lab, folder: Path, *replacements: tuple[str, str]) -> str:
    """The name of an inventory in that folder."""
    people = "\n".join(f'[{name}]\npassword = "{hashed()}"\n{more}\n' for name, more in MORE.items())
    (folder / "staff.toml").write_text(people)
    (folder / "token.toml").write_text(f'[tina]\npassword = "{hashed()}"\n')
    text = TEXT.format(folder=folder, issuer=issuer(lab))
    return variant(
        folder,
        ("Allow, CertificateFiles, Parked,", "Allow, CertificateFiles, OpenId, Parked,"),
        ("            )\n        ],\n        certificate", "    " + text),
        ("def _mailhost(", SHARED.format(issuer=issuer(lab))),
        *replacements,
    )

"""Variants of the lab's inventory, written where a test may change them."""

from __future__ import annotations

from pathlib import Path

from tests.lab.deployment import TOP

LAB_INVENTORY = TOP / "inventories" / "lab.py"


def variant(folder: Path, *replacements: tuple[str, str]) -> str:
    """The lab's inventory with some text replaced; each replacement must find its text. Returns the file's name."""
    text = LAB_INVENTORY.read_text()
    for old, new in replacements:
        assert old in text, f"{old!r} stands no more in inventories/lab.py"
        text = text.replace(old, new)
    path = folder / "variant.py"
    path.write_text(text)
    return str(path)


def with_setting(folder: Path, setting: str) -> str:
    """The lab's inventory with one more setting of every mail host."""
    return variant(folder, ("        admin=admin,\n", f"        admin=admin,\n        {setting},\n"))


ACME = """Acme(
            contact=admin,
            challenge="dns-01" if name == "mx1" else "http-01",
            directory=_lab.acme_directory,
            authority=str(_lab.root_certificate),
            rsa=name == "mx1",
            dns=Rfc2136(
                primary=_lab.name_servers[0],
                servers=_lab.name_servers,
                key=TsigKey(name=f"acme.{domain}", secret=Secret.file(_lab.acme_tsig(domain).secret_file)),
            )
            if name == "mx1"
            else None,
        )"""
FILES = "CertificateFiles(chain=str(chain), key=Secret.file(key), next_key=Secret.file(next_key))"


def by_acme(folder: Path, *replacements: tuple[str, str]) -> str:
    """The lab's inventory with certificates that the hosts fetch from the lab's ACME server.

    mx1 proves its names by DNS, and has an RSA certificate besides; mx2 proves its names over port 80.
    """
    return variant(folder, ("import Allow, ", "import Acme, Allow, "), (FILES, ACME), *replacements)

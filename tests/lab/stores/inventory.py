"""The lab's inventory with two more domains on each host, whose people are in the directory and in the database."""

from __future__ import annotations

from pathlib import Path

from ironpost.lab import Lab
from tests.lab.inventories import variant
from tests.lab.stores import database, directory

DOMAINS = {"mx1": "example.org", "mx2": "example.com"}
SERVER = "bare1"
STORES = """        ),
            Domain(name=f"staff.{{domain}}", sends_already=False, users=Directory(
                servers=["{server}"], base="{directory.BASE}", login="{directory.READER}",
                password=Secret.file("{folder}/directory"), authority=str(_lab.root_certificate),
                may_log_in="(!(mailDisabled=TRUE))", alias="mailAlias",
                quota_bytes="mailQuota", networks="mailNetworks",
            )),
            Domain(name=f"shop.{{domain}}", sends_already=False, users=Database(
                server="{server}", name="{database.NAME}", login="{database.READER}",
                password=Secret.file("{folder}/database"), authority=str(_lab.root_certificate),
            )),
        ],
        certificate"""


def with_stores(lab: Lab, folder: Path, *replacements: tuple[str, str]) -> str:
    """The name of an inventory in that folder."""
    for name, password in (("directory", directory.READER_PASSWORD), ("database", database.READER_PASSWORD)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(password + "\n")
    text = STORES.format(server=lab.host(SERVER).fqdn, folder=folder, directory=directory, database=database)
    more = ("            )\n        ],\n        certificate", "    " + text)
    return variant(folder, ("import Allow,", "import Allow, Database, Directory,"), more, *replacements)

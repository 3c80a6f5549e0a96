"""The files of three mail hosts are what somebody reviewed. `make golden` writes them anew; review with git diff."""

from __future__ import annotations

import difflib
import os
import re

import pytest

from ironpost.components import components_of
from ironpost.mailhost import MailHost
from tests.golden.trees import FOLDER, MAILHOSTS, golden_tree, read_golden, write_golden

each_mailhost = pytest.mark.parametrize("mailhost", MAILHOSTS, ids=lambda mailhost: mailhost.name)


def difference(golden: dict[str, str], rendered: dict[str, str]) -> str:
    """A unified diff of two trees."""
    lines: list[str] = []
    for name in sorted(golden.keys() | rendered.keys()):
        before, after = golden.get(name, "").splitlines(), rendered.get(name, "").splitlines()
        lines += difflib.unified_diff(before, after, f"golden/{name}", f"rendered/{name}", lineterm="")
    return "\n".join(lines)


@each_mailhost
def test_every_file_is_as_it_was_reviewed(mailhost: MailHost) -> None:
    """A change of a template or of the model shows in the file that a host would get, before any host gets it."""
    if os.environ.get("IRONPOST_GOLDEN") == "write":
        write_golden(mailhost)
    changed = difference(read_golden(mailhost), golden_tree(mailhost))
    assert not changed, f"{changed}\n{mailhost.name}: not as reviewed; run `make golden` and look at git diff"


@each_mailhost
def test_no_path_is_written_by_two_components(mailhost: MailHost) -> None:
    """The second would silently replace what the first one needs."""
    paths = [file.path for component in components_of(mailhost) for file in component.files]
    assert sorted(paths) == sorted(set(paths))


@each_mailhost
def test_golden_files_hold_no_password_hash_and_no_key(mailhost: MailHost) -> None:
    """Golden files are published with the project; what they show, everybody has."""
    for name, text in golden_tree(mailhost).items():
        assert not re.search(r"\$argon2id\$v=\d+\$m=", text), name
        assert "PRIVATE KEY" not in text, name


def test_there_is_no_golden_folder_of_a_host_that_is_gone() -> None:
    """A stale folder would be reviewed and believed."""
    folders = {path.parent.name for path in FOLDER.glob("*/components.txt")}
    assert folders == {mailhost.name for mailhost in MAILHOSTS}

"""Rules that keep templates readable for somebody who knows Postfix and no Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ironpost.components import components_of
from ironpost.components.firewall import closed_ruleset
from ironpost.errors import TemplateError
from ironpost.render import data_dir, render
from tests.golden.trees import MAILHOSTS

ROOT = data_dir("templates")
TEMPLATES = sorted(path for path in ROOT.rglob("*") if path.is_file())
NAME = r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*"
JOIN = r"(?: \| join\(\"[^\"{}]*\"\))?"
VALUE = re.compile(r"\{\{ " + NAME + JOIN + r" \}\}")
TAG = re.compile(r"\{% (?:if (?:not )?" + NAME + r"|for [a-z_]+ in " + NAME + r"|else|endif|endfor) %\}")

each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))


@each_template
def test_a_template_lies_at_the_path_that_its_file_has_on_the_host(path: Path) -> None:
    """Whoever looks for /etc/postfix/main.cf finds it without reading any code."""
    release, *place = path.relative_to(ROOT).parts
    assert release in ("common", "bookworm", "trixie")
    assert path.suffix == ".j2"
    target = "/" + "/".join(place).removesuffix(".j2")
    written = {file.path for mailhost in MAILHOSTS for part in components_of(mailhost) for file in part.files}
    assert target in written, f"no component writes {target}; delete the template, or write the file"


@each_template
def test_a_template_knows_if_for_not_names_and_join_only(path: Path) -> None:
    """Sums and fallbacks belong to the model, where they are tested; here they would hide what a host gets."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        rest = VALUE.sub("", TAG.sub("", line))
        assert not re.search(r"\{[{%#]", rest), f"{path.name} line {number}: {line.strip()}"


@each_template
def test_a_tag_stands_alone_on_its_line(path: Path) -> None:
    """A tag at the end of a value swallows the newline, and two settings become one."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if "{%" in line:
            assert TAG.fullmatch(line.strip()), f"{path.name} line {number}: {line.strip()}"


@each_template
def test_only_the_mail_host_and_loop_variables_come_in(path: Path) -> None:
    """One name comes in, so that what a file depends on is seen in one place."""
    text = path.read_text()
    known = {"mailhost", *re.findall(r"\{% for ([a-z_]+) in", text)}
    used = re.findall(r"\{% if (?:not )?([a-z_]+)|\{% for [a-z_]+ in ([a-z_]+)|\{\{ ([a-z_]+)", text)
    assert {name for names in used for name in names if name} <= known


def test_a_template_of_a_release_that_is_the_common_one_is_not_kept() -> None:
    """Two equal files drift apart at the next change."""
    for release in ("bookworm", "trixie"):
        for path in (ROOT / release).rglob("*.j2"):
            common = ROOT / "common" / path.relative_to(ROOT / release)
            assert not common.is_file() or common.read_text() != path.read_text(), path


def test_an_unknown_template_is_told_in_a_sentence() -> None:
    """A slip in a component names the file that is missing, without a traceback of Jinja."""
    with pytest.raises(TemplateError, match=r"^etc/no-such-file\.j2: there is no such template for trixie; add it"):
        render("/etc/no-such-file", MAILHOSTS[0])


@pytest.mark.parametrize("mailhost", MAILHOSTS, ids=lambda mailhost: mailhost.name)
def test_no_rendered_file_holds_a_remnant_of_a_tag_or_of_python(mailhost) -> None:
    """`None`, `True` or a list printed into a configuration file is a setting that nobody meant."""
    texts = {file.path: file.content for part in components_of(mailhost) for file in part.files}
    texts["closed"] = closed_ruleset(mailhost)
    for path, text in texts.items():
        if isinstance(text, str) and not path.startswith("/usr/lib/"):
            assert not re.search(r"\{%|%\}|= (None|True|False)\b|\['", text), path

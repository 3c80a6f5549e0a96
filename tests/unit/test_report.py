"""Reports: all formats from one result, harmless whatever a server said, and the same verdicts from kept evidence."""

from __future__ import annotations

import datetime
import html.parser
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner
from rich.console import Console

from ironpost.cli.report import report
from ironpost.compliance.proof import Judged, Proof, Wanted
from ironpost.controls import CONTROLS
from ironpost.controls.control import Verdict, broken, holds, not_applicable
from ironpost.report.difference import difference
from ironpost.report.document import Document, document
from ironpost.report.html import html as html_page
from ironpost.report.junit import junit
from ironpost.report.markdown import markdown
from ironpost.report.sarif import sarif
from ironpost.report.text import text_lines
from ironpost.settings import Waiver

TOP = Path(__file__).parents[2]
SCHEMA = json.loads((TOP / "docs" / "verify.schema.json").read_text())
# What a hostile server may put into a banner.
HOSTILE = "220 </script><script src=https://evil.example/x.js></script><img src=x onerror=alert(1)> [a](b) \x00\x1b]0;x"
WAIVER = Waiver(control="TLS-02", reason="the old scanner", owner="anna", until=datetime.date(2027, 1, 31))
BY_ID = {control.id: control for control in CONTROLS}


def judged(name: str, inside: Verdict | None, outside: Verdict | None, **more: Any) -> Judged:
    return Judged("mx1.example.org", BY_ID[name], inside, outside, **more)


ROWS = (
    judged("TLS-01", holds(), holds("seen")),
    judged("TLS-02", broken("TLSv1", "mend it"), holds(), waiver=WAIVER),
    judged("SMTP-05", holds(), broken(HOSTILE, "disable_vrfy_command = yes")),
    judged("RELAY-01", broken("relays", "close it"), broken("relays", "close it")),
    judged("FW-01", Verdict("unknown", "no route"), holds()),
    judged("DKIM-02", not_applicable("no RSA key"), not_applicable("no RSA key")),
)


def result(*rows: Judged, profile: Any = "baseline") -> Document:
    proof = Proof("2026-11-24T12:00:00Z", rows or ROWS, Wanted(profile), 3.25)
    return document(proof, {"name": "ironpost", "version": "0.1.0"}, "inventories/lab.py")


def faults(schema: dict[str, Any], value: Any, place: str = "$") -> list[str]:
    """As much of JSON Schema as docs/verify.schema.json uses; any other word in it is a fault."""
    known = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern", "minimum"}
    found = [f"{place}: {word}?" for word in schema.keys() - known - {"$schema", "title", "description"}]
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    types["null"] = type(None)
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, types[name]) for name in wanted):
        return [f"{place}: is no {wanted}"]
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        found.append(f"{place}: {value!r}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{place}: {value!r}")
    if isinstance(value, dict):
        found += [f"{place}.{name}: missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                found += faults(schema["properties"][name], inner, f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{place}.{name}: not told in the schema")
    if isinstance(value, list):
        found += [fault for each in value for fault in faults(schema["items"], each, f"{place}[]")]
    return found


def test_json_is_what_its_schema_says() -> None:
    """Others read it with programs that we do not know."""
    found = json.loads(json.dumps(result()))
    assert faults(SCHEMA, found) == []
    del found["results"][0]["outcome"]
    found["results"][1]["severity"] = "mild"
    found["extra"] = 1
    assert len(faults(SCHEMA, found)) == 3


def test_the_terminal_shows_the_worst_first_and_no_colour_in_a_pipe() -> None:
    """Of thirty lines the first is read."""
    console = Console(width=200, record=True, file=io.StringIO(), soft_wrap=True, highlight=False)
    for line in text_lines(result()):
        console.print(line)
    text = console.export_text()
    order = [line.split()[1] for line in text.splitlines() if line[:3] in ("  ✗", "  ?", "  ~", "  –", "  ✓")]
    assert order == ["RELAY-01", "SMTP-05", "FW-01", "TLS-02", "DKIM-02", "TLS-01"]
    assert "waived until 2027-01-31 by anna: the old scanner" in text
    assert "\x1b" not in text and "\\x1b]0;x" in text
    assert text.endswith("1 mail host, 6 controls: 1 hold, 2 broken, 1 waived, 1 unknown, 1 not applicable\n")


def test_junit_counts_and_never_passes_what_is_unknown() -> None:
    """Build servers look at these numbers alone."""
    suites = Xml.fromstring(junit(result()))  # noqa: S314 - our own text
    suite = suites.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "2", "1", "2"]
    cases = {str(case.get("name")).split()[0]: [child.tag for child in case] for case in suite}
    assert cases == {
        "TLS-01": [],
        "TLS-02": ["skipped"],
        "SMTP-05": ["failure"],
        "RELAY-01": ["failure"],
        "FW-01": ["error"],
        "DKIM-02": ["skipped"],
    }


def test_sarif_has_a_rule_for_each_result_and_a_reason_for_each_suppression() -> None:
    """As SARIF 2.1.0 §3.27 has it: a level other than none is a failure."""
    run = sarif(result())["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
        assert (each["level"] == "none") is (each["kind"] != "fail")
    kinds = {each["ruleId"]: each["kind"] for each in run["results"]}
    assert kinds["TLS-01"] == "pass" and kinds["FW-01"] == "open" and kinds["DKIM-02"] == "notApplicable"
    waived = next(each for each in run["results"] if each["ruleId"] == "TLS-02")
    assert waived["suppressions"][0]["justification"].endswith("the old scanner")
    assert len({each["partialFingerprints"]["mailhostAndControl/v1"] for each in run["results"]}) == 6


class Page(html.parser.HTMLParser):
    """What a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_what_a_server_said_does_nothing_in_the_page() -> None:
    """The one who reads a report of an attacked host must not be the next one."""
    text = html_page(result())
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 1 and "img" not in tags and "link" not in tags
    for _, attributes in page.tags:
        assert not attributes.keys() & {"src", "style"} and not any(name.startswith("on") for name in attributes)
    assert "evil.example" in text and "default-src &#x27;none&#x27;" not in text and "default-src 'none'" in text


def test_what_a_server_said_does_nothing_in_markdown() -> None:
    """Merge requests render it."""
    text = markdown(result())
    assert "<script" not in text.replace("\\<", "") and "[a](b)" not in text.replace("\\[a\\]", "")
    assert text.index("## Findings") < text.index("## Could not be verified") < text.index("## Waived")


def test_every_row_is_in_every_format() -> None:
    """A format that forgets a row hides it."""
    for text in (html_page(result()), junit(result()), json.dumps(sarif(result())), json.dumps(result())):
        for row in ROWS:
            assert row.control.id in text and row.control.claim.split("'")[0][:20] in text


def changed(name: str, state: Verdict) -> Document:
    rows = [row if row.control.id != name else judged(name, state, state) for row in ROWS]
    return result(*rows)


def test_a_difference_tells_broken_fixed_new_and_gone() -> None:
    """Monday's result and Tuesday's."""
    before = result()
    worse = difference(before, changed("TLS-01", broken("gone", "mend it")))
    assert [row["control"] for row in worse.broken] == ["TLS-01"] and worse.worse and not worse.fixed
    better = difference(before, changed("RELAY-01", holds()))
    assert [row["control"] for row in better.fixed] == ["RELAY-01"] and not better.worse
    fewer = difference(before, result(*ROWS[1:]))
    assert [row["control"] for row in fewer.gone] == ["TLS-01"] and not fewer.worse
    more = difference(result(*ROWS[:2]), before)
    assert [row["control"] for row in more.new][:2] == ["RELAY-01", "SMTP-05"] and more.worse
    other = difference(before, changed("RELAY-01", broken("relays otherwise", "close it")))
    assert [row["control"] for row in other.other] == ["RELAY-01"] and not other.worse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "cannot be read as JSON"),
        ("[]", "is no result of a verification"),
        ('{"schema": 9, "results": [], "profile": "baseline"}', "has schema 9, this is 1"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Never an empty difference."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(result()))
    bad.write_text(text)
    done = CliRunner().invoke(report, ["diff", str(good), str(bad)])
    assert done.exit_code and said in str(done.exception)


def test_the_command_exits_1_when_something_got_worse(tmp_path: Path) -> None:
    """So that a nightly job can ask."""
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    one.write_text(json.dumps(result()))
    two.write_text(json.dumps(changed("TLS-01", broken("gone", "mend it"))))
    assert CliRunner().invoke(report, ["diff", str(one), str(one)]).exit_code == 0
    done = CliRunner().invoke(report, ["diff", str(one), str(two)])
    assert done.exit_code == 1 and "broken" in done.output and "TLS-01" in done.output
    assert json.loads(CliRunner().invoke(report, ["diff", str(one), str(two), "--json", "-"]).output)["results"][
        "broken"
    ]

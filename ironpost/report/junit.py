"""A result as JUnit XML, which build servers show: a suite for each mail host, a case for each control."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from ironpost.report.document import Document, Row, mailhosts_of, rows_of, waived_text


def junit(found: Document) -> str:
    """`unknown` is an error, never a pass; `waived` and `not applicable` are skipped with their reason."""
    root = Xml.Element("testsuites", name="ironpost verify", tests=str(len(found["results"])))
    for mailhost in mailhosts_of(found):
        rows = rows_of(found, mailhost)
        suite = Xml.SubElement(root, "testsuite", name=mailhost, timestamp=found["started"].removesuffix("Z"))
        for key, outcomes in COUNTED.items():
            suite.set(key, str(len([row for row in rows if row["outcome"] in outcomes])))
        for row in rows:
            suite.append(case(row))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


COUNTED = {
    "tests": ("holds", "broken", "unknown", "waived", "not applicable"),
    "failures": ("broken",),
    "errors": ("unknown",),
    "skipped": ("waived", "not applicable"),
}
ELEMENTS = {"broken": "failure", "unknown": "error", "waived": "skipped", "not applicable": "skipped"}


def case(row: Row) -> Xml.Element:
    name = f"{row['control']} {row['claim']}"
    made = Xml.Element("testcase", classname=f"{row['mailhost']}.{row['family']}", name=name, time="0")
    if row["outcome"] in ELEMENTS:
        told = "\n".join(
            f"{side}: {said['found']}" + (f"\n→ {said['remedy']}" if said["remedy"] else "")
            for side, said in row["sides"].items()
            if said["state"] != "holds"
        )
        message = waived_text(row) or told.splitlines()[0]
        element = Xml.SubElement(made, ELEMENTS[row["outcome"]], message=message)
        element.text = told
        if row["outcome"] in ("broken", "unknown"):
            element.set("type", row["severity"])
    return made

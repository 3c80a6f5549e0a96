"""A result as Markdown, for tickets and merge requests: what needs somebody first, what holds in one table."""

from __future__ import annotations

import re

from ironpost.report.document import Document, Row, mailhosts_of, rows_of, totals, waived_text, worst_first

TITLES = {
    "broken": "Findings",
    "unknown": "Could not be verified",
    "waived": "Waived",
    "not applicable": "Not applicable here",
}


def markdown(found: Document) -> str:
    parts = ["# Verification", "", f"**{totals(found)}**", ""]
    parts += [f"{found['started']}, profile {found['profile']}, `{found['inventory']}`, {tool(found)}", ""]
    parts += matrix(found)
    for outcome, title in TITLES.items():
        rows = [row for row in worst_first(found["results"]) if row["outcome"] == outcome]
        parts += [f"## {title}", "", *(line for row in rows for line in finding(row)), ""] if rows else []
    return "\n".join(parts)


def tool(found: Document) -> str:
    return f"{found['tool']['name']} {found['tool']['version']}"


def matrix(found: Document) -> list[str]:
    """Family by mail host: how many hold of how many that apply."""
    hosts = mailhosts_of(found)
    lines = ["| family | " + " | ".join(map(plain, hosts)) + " |", "|---|" + "---|" * len(hosts)]
    for family in dict.fromkeys(row["family"] for row in found["results"]):
        cells = [share([row for row in rows_of(found, host) if row["family"] == family]) for host in hosts]
        lines.append(f"| {family} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def share(rows: list[Row]) -> str:
    applying = [row for row in rows if row["outcome"] != "not applicable"]
    good = len([row for row in applying if row["outcome"] == "holds"])
    return f"{good}/{len(applying)}" if good == len(applying) else f"**{good}/{len(applying)}**"


def finding(row: Row) -> list[str]:
    lines = [f"- **{row['control']}** on {plain(row['mailhost'])} ({row['severity']}): {plain(row['claim'])}"]
    for side, said in row["sides"].items():
        if said["state"] != "holds":
            lines.append(f"  - {side}: {plain(said['found'])}" + f" → {plain(said['remedy'])}" * bool(said["remedy"]))
    return lines + ([f"  - {plain(waived_text(row))}"] if row["waiver"] else [])


def plain(text: str) -> str:
    """Text that a server said is shown as it is, and does nothing."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&@])", r"\\\1", " ".join(text.split()))

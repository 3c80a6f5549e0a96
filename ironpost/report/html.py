"""A result as one page that opens from a file: nothing is loaded from anywhere, and it reads without its script too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path

from ironpost.report.document import (
    OUTCOMES,
    Document,
    Row,
    mailhosts_of,
    rows_of,
    totals,
    waived_text,
    worst_first,
)

PAGE = Path(__file__).parent / "page"
WORDS = {
    "broken": ("✗", "broken", "broken"),
    "unknown": ("?", "not verified", "unknown"),
    "waived": ("~", "waived", "waived"),
    "not applicable": ("–", "not applicable", "aside"),
    "holds": ("✓", "holds", "holds"),
}  # outcome → sign, word, style

FAMILIES = {
    "TLS": "TLS",
    "CRT": "Certificates",
    "TLC": "TLS of outgoing mail",
    "SMTP": "SMTP",
    "AUTH": "Logins",
    "RELAY": "Relaying",
    "DKIM": "DKIM",
    "SPF": "SPF",
    "DMARC": "DMARC",
    "STS": "MTA-STS",
    "TRPT": "TLS reports",
    "DANE": "DANE",
    "DSEC": "DNSSEC",
    "DNS": "DNS",
    "FW": "Firewall",
    "ALLOW": "Allowlists",
    "OS": "SSH and system",
    "SBX": "Sandboxes",
    "SEC": "Secrets",
    "LOG": "Logs",
    "IMAP": "Mailboxes",
    "QUEUE": "Queue and limits",
    "BAK": "Backup",
    "UPD": "Updates",
    "EVD": "The proof itself",
}


def html(found: Document) -> str:
    """What servers said is escaped, and the page's own policy lets no other script run than the one written here."""
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ("style.css", "filter.js"))
    body = "".join([*head(found), *summary(found), *tools(found), *details(found), *foot(found)])
    title = escape(f"Verification: {', '.join(mailhosts_of(found)) or 'no mail host'}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def policy(style: str, script: str) -> str:
    """Content Security Policy level 3: nothing from elsewhere, and exactly this style and this script."""
    allowed = f"style-src '{digest(style)}'; script-src '{digest(script)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def named(family: str) -> str:
    return escape(FAMILIES.get(family, family))


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def head(found: Document) -> Iterator[str]:
    yield '<a class="skip" href="#controls">To the controls</a>\n<header class="top">\n'
    yield '<p class="maker">Ironpost</p>\n<h1>Verification of mail hosts</h1>\n<p class="meta">'
    meta = (
        f"{found['started'].replace('T', ' ').replace('Z', ' UTC')}",
        f"profile {found['profile']}",
        f"{found['inventory']}",
        f"{found['seconds']} s",
        f"{found['tool']['name']} {found['tool']['version']}",
    )
    yield "".join(f"<span>{escape(each)}</span>" for each in meta)
    sentence, style = verdict(found)
    yield f'</p>\n<p class="verdict {style}"><strong>{escape(sentence)}</strong>'
    yield f"{escape(totals(found))}</p>\n"
    yield from attention(found)
    yield "</header>\n"


def attention(found: Document) -> Iterator[str]:
    """What needs somebody, worst first, each a link to its evidence."""
    rows = [row for row in worst_first(found["results"]) if row["outcome"] in ("broken", "unknown")]
    if rows:
        yield '<ul class="attention" aria-label="What needs attention">\n'
        for row in rows:
            sign, word, style = WORDS[row["outcome"]]
            yield f'<li><span class="{style}" aria-hidden="true">{sign}</span><span class="unseen">{word}:</span> '
            yield f'<a href="#{anchor(row)}">{row["control"]} {escape(row["claim"])}</a>'
            yield f" on {escape(row['mailhost'])}</li>\n"
        yield "</ul>\n"


def anchor(row: Row) -> str:
    return escape(f"{row['mailhost']}/{row['control']}")


def verdict(found: Document) -> tuple[str, str]:
    counts = found["totals"]
    broken, unknown = counts["broken"], counts["unknown"]
    if broken:
        return f"{broken} finding{'s' * (broken != 1)}: something that was asked does not hold", "broken"
    if unknown or not found["results"]:
        return "Nothing is broken, but not everything could be verified", "unknown"
    return "Everything that was asked holds" + (", apart from what is waived" if counts["waived"] else ""), "holds"


def summary(found: Document) -> Iterator[str]:
    yield '<main>\n<h2>Mail hosts</h2>\n<ul class="hosts">\n'
    for mailhost in mailhosts_of(found):
        rows = rows_of(found, mailhost)
        counts = [(outcome, len([row for row in rows if row["outcome"] == outcome])) for outcome in OUTCOMES[::-1]]
        told = ", ".join(f"{number} {plural(WORDS[outcome][1], number)}" for outcome, number in counts if number)
        yield f"<li><h3>{escape(mailhost)}</h3><p>{told}</p>{bar(counts)}</li>\n"
    yield '</ul>\n<h2>Families</h2>\n<div class="scroll" tabindex="0" role="region" aria-label="Families by mail host">'
    yield from matrix(found)
    yield "</div>\n"


def plural(word: str, number: int) -> str:
    return "hold" if word == "holds" and number != 1 else word


def bar(counts: list[tuple[str, int]]) -> str:
    """A picture of the sentence above it; widths are those of a flexible box, by classes, for the policy's sake."""
    whole = sum(number for _, number in counts) or 1
    parts = "".join(
        f'<svg class="{WORDS[outcome][2]}" width="{100 * number / whole:.2f}%" height="9" aria-hidden="true">'
        '<rect width="100%" height="9"/></svg>'
        for outcome, number in counts
        if number
    )
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def matrix(found: Document) -> Iterator[str]:
    hosts = mailhosts_of(found)
    yield '<table><thead><tr><th scope="col">Family</th>'
    yield "".join(f'<th scope="col">{escape(host)}</th>' for host in hosts) + "</tr></thead><tbody>\n"
    for family in dict.fromkeys(row["family"] for row in found["results"]):
        cells = (cell([row for row in rows_of(found, host) if row["family"] == family]) for host in hosts)
        yield f'<tr><th scope="row">{named(family)}</th>{"".join(cells)}</tr>\n'
    yield "</tbody></table>"


def cell(rows: list[Row]) -> str:
    if not rows:
        return '<td class="aside">–</td>'
    worst = worst_first([row for row in rows if row["outcome"] != "not applicable"] or rows)[0]["outcome"]
    sign, word, style = WORDS[worst]
    number = len([row for row in rows if row["outcome"] == worst])
    applying = len([row for row in rows if row["outcome"] != "not applicable"])
    share = f"{sign} {number} of {applying or number}"
    return f'<td class="{style}">{share}<span class="word"> {plural(word, number)}</span></td>'


def tools(found: Document) -> Iterator[str]:
    yield '<h2 id="controls">Controls</h2>\n<div class="tools" role="search" hidden>\n'
    yield '<input id="search" type="search" placeholder="Search (press /)"'
    yield ' aria-label="Search in controls and evidence">\n'
    for outcome in OUTCOMES:
        if found["totals"][outcome]:
            sign, word, _ = WORDS[outcome]
            yield f'<button type="button" data-outcome="{outcome}" aria-pressed="false">'
            yield f'<span aria-hidden="true">{sign}</span> {word} {found["totals"][outcome]}</button>\n'
    yield choice("host", "All mail hosts", mailhosts_of(found))
    yield choice("family", "All families", list(dict.fromkeys(row["family"] for row in found["results"])))
    yield '<button type="button" id="unfold" aria-pressed="false">Unfold all</button>\n'
    yield '<button type="button" id="clear">Clear</button>\n</div>\n'
    yield '<p class="count" id="count" aria-live="polite"></p>\n'


def choice(name: str, everything: str, values: list[str]) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return f'<select id="{name}" aria-label="{everything}"><option value="">{everything}</option>{options}</select>\n'


def details(found: Document) -> Iterator[str]:
    for mailhost in mailhosts_of(found):
        yield f'<section class="host"><h2>{escape(mailhost)}</h2>\n'
        rows = rows_of(found, mailhost)
        for family in dict.fromkeys(row["family"] for row in rows):
            yield f'<section class="family"><h3>{named(family)}</h3>\n'
            for row in worst_first([row for row in rows if row["family"] == family]):
                yield from control(row)
            yield "</section>\n"
        yield "</section>\n"


def control(row: Row) -> Iterator[str]:
    sign, word, style = WORDS[row["outcome"]]
    yield f'<details class="{style}" id="{anchor(row)}" data-outcome="{row["outcome"]}"'
    yield f' data-host="{escape(row["mailhost"])}" data-family="{row["family"]}"'
    yield f"{' open' * (row['outcome'] in ('broken', 'unknown'))}>\n<summary>"
    yield f'<span class="sign" aria-hidden="true">{sign}</span><code>{row["control"]}</code>'
    yield f'<span class="claim">{escape(row["claim"])}</span>'
    yield f'<span class="tag">{escape(tag(row, word))}</span></summary>\n'
    yield f'<div class="inner"><p class="why">{escape(row["why"])}</p>\n'
    if row["waiver"]:
        yield f'<p class="note">{escape(waived_text(row)).capitalize()}</p>\n'
    if row["sides_disagree"]:
        yield "<p><strong>The sides disagree:</strong> the mistake is on the host, or in the proof.</p>\n"
    yield '<dl class="sides">' + "".join(side(name, said) for name, said in row["sides"].items()) + "</dl>\n"
    yield f'<p class="reference">{escape(reference(row))}</p></div></details>\n'


def tag(row: Row, word: str) -> str:
    return f"{row['severity']}, {word}" if row["outcome"] in ("broken", "waived") else word


def side(name: str, said: dict[str, str]) -> str:
    _, word, style = WORDS[said["state"]]
    found = f' <span class="found">{escape(said["found"])}</span>' if said["found"] else ""
    remedy = f'<span class="remedy">{escape(said["remedy"])}</span>' if said["remedy"] else ""
    return f'<dt>{name}</dt><dd><span class="state {style}">{word}</span>{found}{remedy}</dd>'


def reference(row: Row) -> str:
    texts = [
        f"{each['text']} {each['clause']}".strip() + ("" if each["source"] == "read" else " (from memory)")
        for each in row["mappings"]
    ]
    return "; ".join([f"{row['level']}, {row['severity']}", row["reference"], *texts])


def foot(found: Document) -> Iterator[str]:
    yield "</main>\n<footer><p>Verdicts follow from evidence that was collected on each host and from outside at "
    yield "the time above. What could not be seen is told as not verified; it never counts as holding.</p></footer>\n"

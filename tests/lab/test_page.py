"""The HTML report in a real browser: by mouse, by keyboard, on a phone, in the dark, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ironpost.report.html import html
from tests.browser import Browser, browser
from tests.unit.test_report import ROWS, result

pytestmark = pytest.mark.soak
SHOWN = "[...document.querySelectorAll('details')].filter(e => !e.hidden).map(e => e.id.split('/')[1])"
OPEN = "[...document.querySelectorAll('details[open]')].map(e => e.id.split('/')[1])"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(html(result()), encoding="utf-8")
    with browser(folder / "profile") as found:
        found.show_as(1200, 900)
        found.open((folder / "report.html").as_uri())
        yield found


@pytest.fixture(autouse=True)
def from_the_start(page: Browser) -> None:
    page.show_as(1200, 900)
    page.ask("Page.reload")
    page.open(page.value("location.href").partition("#")[0])


def test_it_asks_for_nothing_and_complains_of_nothing(page: Browser) -> None:
    """It opens from a file on a machine without a network, and what a server said in it does nothing."""
    assert [name for name in page.requested() if not name.startswith("file:")] == []
    assert page.complaints() == []
    assert page.value("document.scripts.length") == 1 and page.value("document.images.length") == 0


def test_its_policy_would_stop_a_foreign_script(page: Browser) -> None:
    """The second wall: the complaint is there as soon as somebody tries."""
    page.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))")
    page.value(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.example/x.png'}))"
    )
    assert page.value("window.bad") is None
    page.value("new Promise(done => setTimeout(done, 100))")
    assert len(page.complaints()) >= 2


def test_findings_are_unfolded_and_linked(page: Browser) -> None:
    """The reader has three minutes."""
    assert page.value(OPEN) == ["SMTP-05", "RELAY-01", "FW-01"]
    assert page.value("document.querySelectorAll('.attention a').length") == 3
    page.value("document.querySelectorAll('details').forEach(e => e.open = false)")
    page.click(".attention li:last-child a")
    page.value("new Promise(done => setTimeout(done, 100))")
    assert page.value(OPEN) == ["FW-01"]


def test_filters_work_by_mouse(page: Browser) -> None:
    """Buttons add up, and Clear takes all of them back."""
    page.click("button[data-outcome=broken]")
    assert page.value(SHOWN) == ["SMTP-05", "RELAY-01"]
    page.click("button[data-outcome=waived]")
    assert page.value(SHOWN) == ["TLS-02", "SMTP-05", "RELAY-01"]
    assert page.value("document.getElementById('count').textContent") == "3 of 6 shown"
    page.click("#clear")
    assert len(page.value(SHOWN)) == len(ROWS)


def test_search_works_by_keyboard(page: Browser) -> None:
    """`/` goes there, words are looked for in the evidence too, Escape clears."""
    page.key("/", "/")
    assert page.value("document.activeElement.id") == "search"
    page.write("no route")
    assert page.value(SHOWN) == ["FW-01"]
    page.key("Escape")
    assert len(page.value(SHOWN)) == len(ROWS) and page.value("document.getElementById('search').value") == ""


def test_a_control_unfolds_by_keyboard(page: Browser) -> None:
    """Everything that can be done by mouse can be done without one."""
    page.value("document.querySelector('details:not([open]) summary').focus()")
    page.key("Enter")
    assert "TLS-02" in page.value(OPEN)
    reached = set()
    page.value("document.activeElement.blur()")
    for _ in range(25):
        page.key("Tab")
        reached.add(page.value("document.activeElement.id || document.activeElement.tagName"))
    assert {"search", "host", "family", "unfold", "clear", "SUMMARY"} <= reached


def test_a_screen_reader_finds_its_way(page: Browser) -> None:
    """Each field has a name, headings do not skip a level, and no sign stands for a word."""
    tree = page.ask("Accessibility.getFullAXTree")["nodes"]
    named = [node for node in tree if node["role"]["value"] in ("searchbox", "combobox", "button", "link")]
    assert len(named) > 10 and all(node["name"]["value"].strip() for node in named)
    levels = page.value("[...document.querySelectorAll('h1,h2,h3')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))
    assert page.value("document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_a_phone_and_the_night(page: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    """No sideways scrolling, and text stands out from its ground (WCAG 2.2 §1.4.3: 4.5 to 1)."""
    page.show_as(width, 800, scheme)
    assert page.value("document.documentElement.scrollWidth") <= width
    worst = page.value(CONTRAST)
    assert worst[0] >= 4.5, worst
    page.picture(tmp_path / f"{width}-{scheme}.png")
    assert (tmp_path / f"{width}-{scheme}.png").stat().st_size > 10_000


def test_it_prints_with_all_evidence(page: Browser) -> None:
    """On paper nothing can be unfolded."""
    page.value("dispatchEvent(new Event('beforeprint'))")
    assert len(page.value(OPEN)) == len(ROWS)
    assert page.printed().startswith(b"%PDF")


# The lowest contrast of any text with the ground that it stands on, and which text that is.
CONTRAST = """(() => {
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = [99, ""];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.className + " " + element.textContent.slice(0, 40)];
  }
  return worst;
})()"""

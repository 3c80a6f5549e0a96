"use strict";
// Search and filters of the report. Without this script everything is there too, unfolded by a click.
const search = document.getElementById("search");
const host = document.getElementById("host");
const family = document.getElementById("family");
const buttons = [...document.querySelectorAll("button[data-outcome]")];
const rows = [...document.querySelectorAll("details[data-outcome]")];
const sections = [...document.querySelectorAll(".family, section.host")];
const count = document.getElementById("count");
const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

function wanted(row) {
  const pressed = buttons.filter((button) => button.getAttribute("aria-pressed") === "true");
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return (
    (pressed.length === 0 || pressed.some((button) => button.dataset.outcome === row.dataset.outcome)) &&
    (host.value === "" || host.value === row.dataset.host) &&
    (family.value === "" || family.value === row.dataset.family) &&
    words.every((word) => texts.get(row).includes(word))
  );
}

function apply() {
  let shown = 0;
  for (const row of rows) {
    row.hidden = !wanted(row);
    shown += row.hidden ? 0 : 1;
  }
  for (const section of sections) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
  count.textContent = `${shown} of ${rows.length} shown`;
}

function clear() {
  search.value = host.value = family.value = "";
  buttons.forEach((button) => button.setAttribute("aria-pressed", "false"));
  apply();
}

function openNamed() {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (row instanceof HTMLDetailsElement) {
    clear();
    row.open = true;
    row.scrollIntoView();
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    apply();
  });
}
search.addEventListener("input", apply);
host.addEventListener("change", apply);
family.addEventListener("change", apply);
document.getElementById("clear").addEventListener("click", () => {
  clear();
  search.focus();
});
document.getElementById("unfold").addEventListener("click", (event) => {
  const open = event.target.getAttribute("aria-pressed") !== "true";
  event.target.setAttribute("aria-pressed", String(open));
  rows.forEach((row) => (row.open = open));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") {
    clear();
  }
});
let folded = [];
addEventListener("beforeprint", () => {
  folded = rows.filter((row) => !row.open);
  folded.forEach((row) => (row.open = true));
});
addEventListener("afterprint", () => folded.forEach((row) => (row.open = false)));
addEventListener("hashchange", openNamed);
document.querySelector(".tools").hidden = false;
apply();
openNamed();

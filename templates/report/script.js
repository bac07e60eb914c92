// All of the page can be read without this. It sorts tables by a click on a column's name, finds endpoints by name, and
// opens the part that a link leads to.
"use strict";

const number = (text) => {
  const value = parseFloat(text.replace(/^[<≤]\s*/, ""));
  return Number.isNaN(value) ? null : value;
};

function sort(table, column, button) {
  const heads = table.tHead.rows[0].cells;
  const down = heads[column].getAttribute("aria-sort") !== "descending";
  const rows = [...table.tBodies[0].rows];
  const text = (row) => row.cells[column].textContent.trim();
  const numeric = rows.some((row) => number(text(row)) !== null) && column > 0;
  const key = (row) => (numeric ? (number(text(row)) ?? -Infinity) : text(row).toLowerCase());
  const order = numeric ? -1 : 1;
  rows.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? order : -order));
  table.tBodies[0].append(...rows);
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  button.focus();
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, column, button));
    head.replaceChildren(button);
  });
}

for (const part of document.querySelectorAll("section.rows")) {
  const all = [...part.querySelectorAll("details.row")];
  if (all.length <= 8) continue;
  const label = document.createElement("label");
  label.className = "find";
  label.textContent = "Find ";
  const field = document.createElement("input");
  field.type = "search";
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of all) row.hidden = !row.querySelector("summary").textContent.toLowerCase().includes(wanted);
  });
  label.append(field);
  all[0].before(label);
}

function open() {
  const id = decodeURIComponent(location.hash.slice(1));
  const row = id && document.getElementById(id)?.closest("details");
  if (row) {
    row.hidden = false;
    row.open = true;
    row.scrollIntoView();
  }
}
addEventListener("hashchange", open);
open();

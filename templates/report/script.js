// All of the page can be read without this. It sorts tables by a click on a column's name, finds endpoints by name, opens
// the part that a link leads to, and lets charts be zoomed into (uPlot, above, draws them).
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

const all = [...document.querySelectorAll("details.row")];
if (all.length > 8) {
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

const clock = (seconds) => {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
};

// As in the rest of the page: three digits, the whole part never cut.
const digits = (value) => {
  if (value === 0) return "0";
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(decimals, 9))));
};

/** Marks, shades and thresholds of a chart, below its lines. */
function ground(plot, data, look) {
  const { left, top, width, height } = plot.bbox;
  const [ink, across, up] = [plot.ctx, (s) => plot.valToPos(s, "x", true), (v) => plot.valToPos(v, "y", true)];
  const line = (x0, y0, x1, y1) => {
    ink.beginPath();
    ink.moveTo(x0, y0);
    ink.lineTo(x1, y1);
    ink.stroke();
  };
  ink.save();
  ink.beginPath();
  ink.rect(left, top, width, height);
  ink.clip();
  for (const [name, from, to] of data.shades) {
    const style = look(`.shade.${name}`);
    [ink.fillStyle, ink.globalAlpha] = [style.fill, Number(style.fillOpacity)];
    ink.fillRect(across(from), top, Math.max(across(to) - across(from), 1), height);
  }
  ink.globalAlpha = 1;
  ink.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ink.lineWidth = devicePixelRatio;
  for (const [name, at] of data.moments) {
    ink.strokeStyle = look(name ? `.moment.${name}` : ".moment").stroke;
    line(across(at), top, across(at), top + height);
  }
  for (const value of data.limits) {
    ink.strokeStyle = look(".limit").stroke;
    line(left, up(value / data.divisor), left + width, up(value / data.divisor));
  }
  ink.restore();
}

function zoomable(figure, data, holder) {
  const svg = figure.querySelector("svg.plot");
  const look = (selector) => getComputedStyle(svg.querySelector(selector));
  const [text, grid] = [look("text.y").fill, look(".grid").stroke];
  const words = (value) => (value == null ? "–" : `${digits(value)} ${data.unit}`.trim());
  const [from, to] = [data.from, data.to];
  const at = data.lines[0].values.map((_, n) => Math.min(from + n * data.step, to));
  const values = (line) => line.values.map((value) => (value === null ? null : value / data.divisor));
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui" };
  const size = () => ({ width: holder.clientWidth, height: Math.max(220, Math.round(holder.clientWidth * 0.4)) });
  const highest = Math.max(...data.limits.map((value) => value / data.divisor), 0);
  const options = {
    ...size(),
    cursor: { drag: { x: true, y: false }, sync: { key: "time" } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(high ?? 1, highest) * 1.05 || 1] } },
    axes: [
      { ...axis, values: (_, marks) => marks.map(clock), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200] },
      { ...axis, values: (_, marks) => marks.map(digits), size: 56 },
    ],
    series: [
      { label: "time", value: (_, s) => (s == null ? "–" : clock(s)) },
      ...data.lines.map((line) => ({
        label: line.label,
        stroke: look(`.line.${line.class.replaceAll(" ", ".")}`).stroke,
        dash: line.class.includes("dash") ? [6, 4] : undefined,
        width: 1.5,
        value: (_, value) => words(value),
      })),
    ],
    hooks: { drawAxes: [(plot) => ground(plot, data, look)] },
  };
  const plot = new uPlot(options, [at, ...data.lines.map(values)], holder);
  const resize = new ResizeObserver(() => plot.setSize(size()));
  resize.observe(holder);
  holder.addEventListener("keydown", (event) => {
    const { min, max } = plot.scales.x;
    const [middle, half] = [(min + max) / 2, (max - min) / 2];
    const ways = {
      "+": [middle - half / 2, middle + half / 2],
      "=": [middle - half / 2, middle + half / 2],
      "-": [middle - half * 2, middle + half * 2],
      0: [from, to],
      ArrowLeft: [min - half / 2, max - half / 2],
      ArrowRight: [min + half / 2, max + half / 2],
    };
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [low, high] = [Math.max(way[0], from), Math.min(way[1], to)];
    if (high - low >= 2 * data.step) plot.setScale("x", { min: low, max: high });
  });
  return () => {
    resize.disconnect();
    plot.destroy();
  };
}

for (const figure of document.querySelectorAll("figure.chart:has(> script)")) {
  const [svg, head] = [figure.querySelector("svg.plot"), figure.querySelector("figcaption")];
  const button = document.createElement("button");
  [button.type, button.className, button.textContent] = ["button", "zoom", "Zoom"];
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Zoom: ${svg.querySelector("title").textContent}`);
  let close = null;
  let holder = null;
  button.addEventListener("click", () => {
    if (close) {
      close();
      holder.remove();
      close = null;
    } else {
      const hint = document.createElement("p");
      [hint.className, hint.textContent] = ["note", "Drag to zoom in, double-click for all. Keys: + − 0 ← →"];
      holder = document.createElement("div");
      [holder.className, holder.tabIndex] = ["zoomed", 0];
      holder.setAttribute("role", "group");
      holder.setAttribute("aria-label", `${svg.querySelector("title").textContent}, to zoom with + and −, to move with the arrows`);
      svg.after(holder);
      close = zoomable(figure, JSON.parse(figure.querySelector("script").textContent), holder);
      holder.append(hint);
    }
    svg.classList.toggle("covered", close !== null);
    figure.classList.toggle("wide", close !== null);
    button.setAttribute("aria-pressed", String(close !== null));
    if (close) holder.focus();
  });
  head.append(button);
}

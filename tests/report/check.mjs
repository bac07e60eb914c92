// The HTML report in a real browser: nothing loaded, no complaint, every chart drawn, readable in both colour schemes,
// hostile words inert, without script as good as with it. `bash .ci/report` runs it: node check.mjs PLIMSOLL RESULT

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";
import { slower, usable } from "./later.mjs";

const [plimsoll, result] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "plimsoll-report-"));
const known = JSON.parse(readFileSync(result, "utf8"));
const SIZES = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
];

/** The page of a result, as a URL. */
function page(name, result) {
  const [json, html] = ["json", "html"].map((end) => join(folder, `${name}.${end}`));
  writeFileSync(json, JSON.stringify(result));
  execFileSync(plimsoll, ["report", json, "--quiet", "--html", html], { stdio: ["ignore", "ignore", "pipe"] });
  return pathToFileURL(html).href;
}

/** The page of a comparison, and the report of the later run beside the earlier one, as URLs. */
function both(name, earlier, later) {
  const [base, fresh] = [`${name}-base.json`, `${name}-new.json`].map((file) => join(folder, file));
  writeFileSync(base, JSON.stringify(usable(earlier)));
  writeFileSync(fresh, JSON.stringify(usable(later)));
  const [compared, beside] = ["compare", "beside"].map((part) => join(folder, `${name}-${part}.html`));
  const told = spawnSync(plimsoll, ["compare", base, fresh, "--html", compared], { encoding: "utf8" });
  assert.ok([0, 1, 4].includes(told.status), told.stderr);
  const report = ["report", fresh, "--baseline", base, "--quiet", "--html", beside];
  execFileSync(plimsoll, report, { stdio: ["ignore", "ignore", "pipe"] });
  return [compared, beside].map((path) => pathToFileURL(path).href);
}

/** Like `value`, with every text that comes from plans and servers replaced by an attack. */
function hostile(value, key = "") {
  const attack = `"'></script></title></style><script>hit=1</script><img src=x onerror=hit=1><a href=javascript:hit=1>`;
  const attacked = ["name", "description", "file", "message", "request", "response", "reason", "label", "detail"];
  if (typeof value === "string") return attacked.includes(key) || key === "notes" ? value + attack : value;
  if (Array.isArray(value)) return value.map((item) => hostile(item, key));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, item]) => [name, hostile(item, name)]);
  return Object.fromEntries(entries);
}

/** The index of a folder with runs of every verdict, a hostile one, a broken one, and one that could not begin; as a URL. */
function index() {
  const runs = join(folder, "kept", "a-plan");
  const verdicts = ["pass", "warn", "no_data", "fail", "invalid", "interrupted", "pass"];
  const results = verdicts.map((verdict, at) => {
    const latency_us = { ...known.totals.latency_us, p95: 100_000 + 20_000 * at };
    return { ...known, verdict, totals: { ...known.totals, rps: 50 + at, latency_us } };
  });
  const texts = [...results, hostile(results[3])].map((result) => JSON.stringify(result));
  texts.push(texts[0].slice(0, 500));
  texts.forEach((text, at) => {
    const run = join(runs, `2026-03-0${at + 1}T10-15-01Z`);
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, "result.json"), text);
    writeFileSync(join(run, "report.html"), "");
  });
  const plan = join(folder, "plan.yaml");
  const ready = "{ timeout: 10ms, checks: [GET /] }";
  writeFileSync(plan, `plan: 1\nname: A plan\ntarget: http://127.0.0.1:1\nready: ${ready}\nendpoints: { one: { request: GET / } }\n`);
  const ran = spawnSync(plimsoll, ["run", plan, "--quiet", "--reports", join(folder, "kept")]);
  assert.equal(ran.status, 3, ran.stderr.toString());
  return pathToFileURL(join(runs, "index.html")).href;
}

/** Runs in the page: charts without a line that can be seen, and texts on too little contrast. */
function faults() {
  const wrong = [];
  for (const plot of document.querySelectorAll("svg.plot")) {
    if (plot.closest("details:not([open])")) continue;
    const box = plot.getBoundingClientRect();
    const lines = [...plot.querySelectorAll("path.line")].map((line) => line.getBoundingClientRect());
    const isDrawn = lines.some((line) => line.width > box.width / 10);
    const fits = lines.every((line) => line.left >= box.left - 1 && line.right <= box.right + 1 && line.bottom <= box.bottom);
    if (box.width < 100 || !isDrawn || !fits) wrong.push(`chart: ${plot.querySelector("title").textContent}`);
  }
  const rgba = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = rgba(text).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((rgba(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const seen = own && element.getClientRects().length > 0 && !["SCRIPT", "STYLE", "title", "desc"].includes(element.tagName);
    if (!seen) continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${element.tagName} ${element.className} ${element.textContent}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} px wide`);
  return [...new Set(wrong)];
}

async function checkLook(browser, url) {
  for (const size of SIZES) {
    for (const scheme of ["light", "dark"]) {
      const opened = await browser.open(url, { ...size, scheme });
      await opened.ask("document.querySelectorAll('details').forEach((part) => (part.open = true))");
      assert.deepEqual(await opened.ask(`(${faults})()`), [], `${url} at ${size.width}, ${scheme}`);
      assert.deepEqual(opened.complaints, []);
      assert.deepEqual(opened.requests, [url], "nothing but the page is asked for");
      await opened.close();
    }
  }
}

async function checkHostile(browser, url) {
  const opened = await browser.open(url, SIZES[0]);
  assert.equal(await opened.ask("typeof hit"), "undefined", "no word of a server is run");
  assert.equal(await opened.ask("[...document.scripts].filter((script) => script.type === '').length"), 1);
  await opened.ask("document.querySelectorAll('button.zoom').forEach((button) => button.click())");
  assert.equal(await opened.ask("typeof hit"), "undefined", "nor when charts are zoomed into");
  assert.equal(await opened.ask("document.images.length"), 0);
  assert.ok(await opened.ask("[...document.links].every((link) => link.getAttribute('href').startsWith('#'))"));
  assert.equal(opened.requests.length, 1);
  // The policy holds even where the escapes would not.
  await opened.ask("document.body.append(Object.assign(document.createElement('script'), { textContent: 'hit = 2' }))");
  await opened.ask("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))");
  assert.equal(await opened.ask("typeof hit"), "undefined");
  assert.ok(opened.complaints.some((words) => words.includes("Content Security Policy")), "the policy speaks");
  await opened.close();
}

async function checkIndex(browser, url) {
  await checkLook(browser, url);
  const opened = await browser.open(url, SIZES[0]);
  assert.equal(await opened.ask("typeof hit"), "undefined", "no word of a result is run");
  assert.equal(await opened.ask("document.scripts.length + document.images.length"), 0);
  const rows = "[...document.querySelector('table').tBodies[0].rows]";
  assert.equal(await opened.ask(`${rows}.length`), 9, "every run that can be read");
  assert.equal(await opened.ask("document.querySelectorAll('svg.plot').length"), 3);
  const leads = "/^20[0-9TZ-]+\\/(report[.]html|result[.]json)$/";
  assert.ok(await opened.ask(`[...document.links].every((link) => ${leads}.test(link.getAttribute('href')))`));
  assert.ok(await opened.ask("document.getElementById('skipped') !== null"), "what cannot be read is named");
  await opened.close();
}

async function checkScript(browser, url) {
  const opened = await browser.open(url, SIZES[0]);
  const column = (number) =>
    opened.ask(
      `[...document.querySelector("table.sortable").tBodies[0].rows].map((row) => row.cells[${number}].textContent)`,
    );
  const before = (await column(1)).map(Number);
  await opened.ask('document.querySelectorAll("table.sortable thead button")[1].click()');
  const down = [...before].sort((a, b) => b - a);
  assert.deepEqual((await column(1)).map(Number), down, "most requests first");
  await opened.ask('document.querySelectorAll("table.sortable thead button")[1].click()');
  assert.deepEqual((await column(1)).map(Number), down.reverse(), "then fewest first");
  const link = 'document.querySelector("table.sortable tbody a")';
  await opened.ask(`document.querySelectorAll("details").forEach((part) => (part.open = false)), ${link}.click()`);
  const target = `document.getElementById(${link}.hash.slice(1)).closest("details").open`;
  await opened.ask("new Promise((done) => setTimeout(done, 50))");
  assert.equal(await opened.ask(target), true, "a link opens what it leads to");
  await opened.close();
}

/** Every chart of a comparison has a line of either side, with and without script. */
async function checkBoth(browser, url) {
  const charts = '[...document.querySelectorAll("figure.chart")].filter((chart) => chart.querySelector("[id^=both-]"))';
  const of = (side) => `chart.querySelector("g .line.${side}")`;
  for (const script of [true, false]) {
    const opened = await browser.open(url, { ...SIZES[0], script });
    const all = await opened.ask(`${charts}.length`);
    const whole = await opened.ask(`${charts}.filter((chart) => ${of("c6.dash")} && ${of("c1")}).length`);
    assert.ok(all > 8 && whole === all, `${whole} of ${all} charts have both sides`);
    await opened.close();
  }
}

/** Every chart over time can be looked at closely, by keyboard too. */
async function checkZoom(browser, url) {
  for (const size of SIZES) {
    const opened = await browser.open(url, size);
    const picture = "document.querySelector('.zoomed canvas').toDataURL()";
    const count = await opened.ask("document.querySelectorAll('button.zoom').length");
    assert.ok(count >= 4, `${count} charts can be zoomed into`);
    await opened.send("Emulation.setEmulatedMedia", { media: "print" });
    const printed = "[...document.querySelectorAll('button.zoom')].filter((button) => button.checkVisibility()).length";
    assert.equal(await opened.ask(printed), 0, "no button is printed");
    await opened.send("Emulation.setEmulatedMedia", { media: "" });
    await opened.ask("document.querySelectorAll('button.zoom').forEach((button) => button.click())");
    assert.equal(await opened.ask("document.querySelectorAll('.zoomed canvas').length"), count);
    await opened.ask("new Promise((done) => setTimeout(done, 100))");
    const said = await opened.ask("[...document.querySelectorAll('.zoomed .u-legend')].map((all) => all.textContent).join()");
    for (const line of ["users", "requests/s", "p95"]) assert.ok(said.includes(line), `${line}: ${said}`);
    const whole = await opened.ask(picture);
    const press = (key) =>
      opened.ask(`document.querySelector('.zoomed').dispatchEvent(new KeyboardEvent('keydown', { key: '${key}' })),
        new Promise((done) => setTimeout(done, 100))`);
    await press("+");
    assert.notEqual(await opened.ask(picture), whole, "+ shows less time");
    await press("0");
    assert.equal(await opened.ask(picture), whole, "0 shows all again");
    assert.ok(await opened.ask("document.documentElement.scrollWidth <= innerWidth"), `fits ${size.width} px`);
    await opened.ask("document.querySelectorAll('button.zoom').forEach((button) => button.click())");
    assert.equal(await opened.ask("document.querySelectorAll('.zoomed').length"), 0);
    assert.deepEqual(opened.complaints, []);
    await opened.close();
  }
}

/** Without script the page says the same; the tools around it can still ask. */
async function checkWithoutScript(browser, url) {
  const words = "document.querySelector('main').innerText.replace(/\\s+/g, ' ')";
  const [on, off] = [await browser.open(url, SIZES[0]), await browser.open(url, { ...SIZES[0], script: false })];
  assert.equal(await off.ask("document.querySelectorAll('button').length"), 0, "the script did not run");
  await on.ask("document.querySelectorAll('.find, button.zoom').forEach((part) => part.remove())");
  const said = await off.ask(words);
  assert.equal(said, await on.ask(words));
  assert.ok(said.includes(known.reason), "the reason stands there");
  assert.ok(known.series.every((row) => said.includes(row.name)), "and every row");
  assert.ok((await off.print()).length > 10_000, "it prints");
  await Promise.all([on.close(), off.close()]);
}

const browser = await Browser.start();
try {
  const url = page("result", known);
  await checkLook(browser, url);
  await checkScript(browser, url);
  await checkZoom(browser, url);
  await checkWithoutScript(browser, url);
  await checkHostile(browser, page("hostile", hostile(known)));
  for (const url of both("both", known, slower(known))) {
    await checkLook(browser, url);
    await checkBoth(browser, url);
  }
  for (const url of both("evil", hostile(known), hostile(slower(known)))) await checkHostile(browser, url);
  const empty = { ...known, timeline: [], series: [], failures: [], thresholds: [], notes: [] };
  await checkLook(browser, page("empty", empty));
  await checkIndex(browser, index());
  console.log("the report in Chromium: drawn, readable, silent, inert");
} finally {
  await browser.stop();
  rmSync(folder, { recursive: true, force: true });
}

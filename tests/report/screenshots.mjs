// Photographs the HTML report of a result, and the page that compares it with a slower run: node screenshots.mjs PLIMSOLL RESULT FOLDER.
// `bash .ci/screenshots` runs it.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";
import { slower, usable } from "./later.mjs";

const [plimsoll, result, into] = process.argv.slice(2).map((path) => resolve(path));
const SHOTS = [
  { name: "report-wide", width: 1280, height: 1500 },
  { name: "report-narrow", width: 390, height: 1500 },
  { name: "compare-wide", width: 1280, height: 1500 },
  { name: "compare-narrow", width: 390, height: 1500 },
];

const folder = mkdtempSync(join(tmpdir(), "plimsoll-report-"));
const [report, compare] = ["report", "compare"].map((name) => join(folder, `${name}.html`));
execFileSync(plimsoll, ["report", result, "--quiet", "--html", report], { stdio: ["ignore", "ignore", "inherit"] });
const known = usable(JSON.parse(readFileSync(result, "utf8")));
const sides = Object.entries({ main: known, branch: slower(known) });
for (const [side, run] of sides) writeFileSync(join(folder, `${side}.json`), JSON.stringify(run));
// Worse is exit 1.
spawnSync(plimsoll, ["compare", "main.json", "branch.json", "--quiet", "--html", compare], { cwd: folder });
const browser = await Browser.start();
try {
  for (const { name, width, height } of SHOTS) {
    for (const scheme of ["light", "dark"]) {
      const html = name.startsWith("report") ? report : compare;
      const page = await browser.open(pathToFileURL(html).href, { width, height, scheme });
      const file = join(into, `${name}-${scheme}.png`);
      writeFileSync(file, await page.photograph());
      console.log(file);
      await page.close();
    }
  }
} finally {
  await browser.stop();
  rmSync(folder, { recursive: true, force: true });
}

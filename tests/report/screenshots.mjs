// Photographs the HTML report of a result: node screenshots.mjs PLIMSOLL RESULT FOLDER. `bash .ci/screenshots` runs it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";

const [plimsoll, result, into] = process.argv.slice(2);
const SHOTS = [
  { name: "report-wide", width: 1280, height: 1500 },
  { name: "report-narrow", width: 390, height: 1500 },
];

const folder = mkdtempSync(join(tmpdir(), "plimsoll-report-"));
const html = join(folder, "report.html");
execFileSync(plimsoll, ["report", result, "--quiet", "--html", html], { stdio: ["ignore", "ignore", "inherit"] });
const browser = await Browser.start();
try {
  for (const { name, width, height } of SHOTS) {
    for (const scheme of ["light", "dark"]) {
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

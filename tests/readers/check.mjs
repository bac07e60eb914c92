// Reads reports of one run with other people's parsers. Arguments: the folder of their packages, the folder of the reports
// (result.json, report.xml, report_*.csv, report.hlog, report.hgrm).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import assert from "node:assert/strict";

const [packages, folder] = process.argv.slice(2);
const require = createRequire(join(packages, "node_modules", "x.js"));
const { parse } = require("csv-parse/sync");
const hdr = require("hdr-histogram-js");
const { validateXML } = require("xmllint-wasm");
const read = (name) => readFileSync(join(folder, name), "utf8");
const result = JSON.parse(read("result.json"));
const endpoints = result.series.filter((row) => row.kind === "endpoint" && row.requests > 0);

// JUnit by its schema.
const xml = read("report.xml");
const schema = readFileSync(new URL("junit.xsd", import.meta.url), "utf8");
const checked = await validateXML({ xml: { fileName: "report.xml", contents: xml }, schema });
assert.ok(checked.valid, checked.errors.map((error) => error.message).join("\n"));
const damaged = xml.replace(/ classname="[^"]*"/, "");
const refused = await validateXML({ xml: { fileName: "damaged.xml", contents: damaged }, schema });
assert.ok(!refused.valid, "the schema takes anything");
console.log("ok  JUnit is valid by its schema");

// CSV by the columns of Locust 2.47 (StatsCSV in locust/stats.py), with its line ends.
const percentiles = ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];
const columns = {
  stats: ["Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time", "Min Response Time",
    "Max Response Time", "Average Content Size", "Requests/s", "Failures/s", ...percentiles],
  stats_history: ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s", ...percentiles, "Total Request Count",
    "Total Failure Count", "Total Median Response Time", "Total Average Response Time", "Total Min Response Time",
    "Total Max Response Time", "Total Average Content Size"],
  failures: ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"],
  exceptions: ["Count", "Message", "Traceback", "Nodes"],
};
const tables = {};
for (const [name, header] of Object.entries(columns)) {
  const text = read(`report_${name}.csv`);
  assert.equal(text.split("\r\n")[0], header.join(","), name);
  tables[name] = parse(text, { columns: true, record_delimiter: "\r\n" });
}
assert.equal(tables.stats.length, endpoints.length + 1);
for (const row of endpoints) {
  const shown = tables.stats.find((line) => line.Name === row.name && line.Type === row.method);
  assert.equal(Number(shown["Request Count"]), row.requests);
  assert.equal(Number(shown["95%"]), Math.round(row.latency_us.p95 / 1000));
}
assert.equal(tables.stats_history.length, result.timeline.length);
console.log("ok  CSV has Locust's columns and the result's numbers");

// Histograms by another implementation of HdrHistogram.
const lines = read("report.hlog").split("\n").filter((line) => line && !line.startsWith("#") && !line.startsWith('"'));
const rows = [result.totals, ...result.series].filter((row) => row.latency_us);
assert.equal(lines.length, rows.length);
for (const [at, row] of rows.entries()) {
  const histogram = hdr.decodeFromCompressedBase64(lines[at].split(",").at(-1));
  assert.equal(histogram.totalCount, row.latency_us.count, row.name);
  for (const [percent, field] of [[50, "p50"], [95, "p95"], [99, "p99"]]) {
    const [ours, theirs] = [row.latency_us[field], histogram.getValueAtPercentile(percent)];
    assert.ok(Math.abs(ours - theirs) <= Math.max(1, theirs / 500), `${row.name} ${field}: ${ours} and ${theirs}`);
  }
}
const whole = hdr.decodeFromCompressedBase64(lines[0].split(",").at(-1));
const steps = (text) => text.split("\n").filter((line) => /^ *[0-9]/.test(line)).map((line) => line.trim().split(/ +/).map(Number));
const [ours, theirs] = [steps(read("report.hgrm")), steps(whole.outputPercentileDistribution(5, 1000))];
assert.equal(ours.length, theirs.length, "as many steps");
for (const [at, [value, share, count]] of ours.entries()) {
  assert.ok(Math.abs(value - theirs[at][0]) <= Math.max(0.002, value / 500), `${value} and ${theirs[at][0]} at ${share}`);
  assert.ok(Math.abs(share - theirs[at][1]) < 1e-9 && count === theirs[at][2], `${share}, ${count} and ${theirs[at]}`);
}
console.log("ok  another HdrHistogram reads .hlog and makes the same .hgrm");

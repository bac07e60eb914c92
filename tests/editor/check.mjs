// What an editor shows with schemas/plan.schema.json: asks a real YAML language server for completions, hovers and
// errors. `bash .ci/editor` runs it: node check.mjs SERVER REPOSITORY

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [server, root] = process.argv.slice(2);
const schema = pathToFileURL(`${root}/schemas/plan.schema.json`).href;
const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const giveUp = setTimeout(() => fail(new Error("no answer within 50 s")), 50_000);

function fail(error) {
  console.error(error);
  child.kill();
  process.exit(1);
}

// JSON-RPC over standard input and output.
let buffer = Buffer.alloc(0);
let last = 0;
const waiting = new Map();
const published = new Map();

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function ask(method, params) {
  const id = ++last;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const settings = {
  yaml: { validate: true, hover: true, completion: true, schemaStore: { enable: false } },
};

function received(message) {
  if (message.method === "workspace/configuration") {
    send({ id: message.id, result: message.params.items.map((item) => settings[item.section] ?? {}) });
  } else if (message.method === "textDocument/publishDiagnostics") {
    published.get(message.params.uri)?.(message.params.diagnostics);
  } else if (message.method !== undefined && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (waiting.has(message.id)) {
    const { resolve, reject } = waiting.get(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  }
}

child.stdout.on("data", (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    const body = buffer.subarray(end + 4, end + 4 + length).toString();
    buffer = buffer.subarray(end + 4 + length);
    received(JSON.parse(body));
  }
});

let documents = 0;

// Opens a plan; `|` in the text is the cursor. The problems come with the promise.
function open(text) {
  const marked = `# yaml-language-server: $schema=${schema}\n${text}`;
  const at = marked.indexOf("|>");
  const before = marked.slice(0, at < 0 ? 0 : at).split("\n");
  const uri = `file:///plan-${++documents}.yaml`;
  const problems = new Promise((resolve) => published.set(uri, resolve));
  const textDocument = { uri, languageId: "yaml", version: 1, text: marked.replace("|>", "") };
  send({ method: "textDocument/didOpen", params: { textDocument } });
  const position = { line: before.length - 1, character: before.at(-1).length };
  return { uri, position, problems };
}

async function completions(text) {
  const { uri, position } = open(text);
  const list = await ask("textDocument/completion", { textDocument: { uri }, position });
  return new Map((list.items ?? list).map((item) => [item.label, item]));
}

const words = (documentation) => documentation?.value ?? documentation ?? "";
const start = "plan: 1\ntarget: http://localhost:9000\n";

async function keysAreOffered() {
  for (const [text, keys] of [
    ["plan: 1\n|>", ["target", "endpoints", "load", "thresholds"]],
    [`${start}load:\n  |>`, ["users", "duration", "rate", "stages", "on_saturation"]],
    [`${start}endpoints:\n  health:\n    request: GET /health\n    |>`, ["weight", "expect", "timeout"]],
    [`${start}data:\n  rows:\n    file: rows.csv\n    |>`, ["order", "on_end"]],
  ]) {
    const offered = await completions(text);
    for (const key of keys) {
      assert.ok(offered.has(key), `${text}: no ${key} in ${[...offered.keys()]}`);
      assert.ok(words(offered.get(key).documentation).length > 10, `${key} is not explained`);
    }
    assert.ok(!offered.has("banana"));
  }
  const endpoint = await completions(`${start}endpoints:\n  health:\n    request: GET /health\n    |>`);
  assert.ok(!endpoint.has("name"), "`name` belongs to steps");
}

async function choicesAreOffered() {
  const offered = await completions(`${start}load:\n  rate: 5/s\n  duration: 1m\n  on_saturation: |>`);
  assert.deepEqual([...offered.keys()].filter((label) => ["queue", "drop"].includes(label)).sort(), ["drop", "queue"]);
}

async function keysAreExplained() {
  const { uri, position } = open(`${start}load:\n  rate: 5/s\n  duration: 1m\n  max_|>users: 5\n`);
  const hover = await ask("textDocument/hover", { textDocument: { uri }, position });
  assert.match(words(hover?.contents), /most users that arrivals may keep busy/);
}

async function mistakesAreOnTheirLine() {
  for (const [text, line, message] of [
    [`${start}endpoints:\n  health:\n    request: GET /health\n    wieght: 5\n`, 6, /wieght/],
    [`${start}endpoints:\n  health: { request: GET /health }\nhttp: { timeout: 5 }\n`, 5, /type|string/i],
    [`${start}endpoints:\n  health: { request: GET /health }\nload: { rate: 5/s, duration: 1m, on_saturation: wait }\n`, 5, /./],
    [`${start}endpoints:\n  health: { weight: 1 }\n`, 4, /request/],
  ]) {
    const problems = await open(text).problems;
    assert.deepEqual([...new Set(problems.map((problem) => problem.range.start.line))], [line], JSON.stringify(problems));
    assert.match(problems.map((problem) => problem.message).join("\n"), message);
  }
}

async function rightPlansHaveNone() {
  for (const name of ["general", "agent_execution", "rag_queries", "api_endpoints"]) {
    const text = readFileSync(`${root}/plans/temponest/${name}.yaml`, "utf8").replace(/^#.*\n/, "");
    assert.deepEqual(await open(text).problems, [], name);
  }
}

try {
  await ask("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {
      textDocument: { completion: { completionItem: { documentationFormat: ["markdown"] } }, hover: {} },
      workspace: { configuration: true },
    },
  });
  send({ method: "initialized", params: {} });
  send({ method: "workspace/didChangeConfiguration", params: { settings } });
  for (const check of [keysAreOffered, choicesAreOffered, keysAreExplained, mistakesAreOnTheirLine, rightPlansHaveNone]) {
    await check();
    console.log(`ok ${check.name}`);
  }
  clearTimeout(giveUp);
  child.kill();
} catch (error) {
  fail(error);
}

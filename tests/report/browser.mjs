// A headless Chromium, spoken to over pipes: pages opened, asked and photographed, and all that goes wrong in them noted.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Path of the browser; undefined where there is none. */
export function chromium() {
  const folders = (process.env.PATH ?? "").split(":");
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return process.env.CHROMIUM || places.find((path) => existsSync(path));
}

export class Browser {
  #child;
  #profile;
  #last = 0;
  #waiting = new Map();
  #listeners = new Set();

  static async start() {
    const browser = new Browser();
    browser.#profile = mkdtempSync(join(tmpdir(), "plimsoll-browser-"));
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      "--force-color-profile=srgb",
      "--font-render-hinting=none",
      "--no-first-run",
      "--remote-debugging-pipe",
      `--user-data-dir=${browser.#profile}`,
    ];
    const pipes = ["ignore", "ignore", "ignore", "pipe", "pipe"];
    browser.#child = spawn(chromium(), flags, { stdio: pipes });
    browser.#child.once("exit", () => browser.#left());
    let rest = "";
    browser.#child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      messages.forEach((message) => browser.#received(JSON.parse(message)));
    });
    return browser;
  }

  #received(message) {
    const waiting = this.#waiting.get(message.id);
    if (waiting) {
      this.#waiting.delete(message.id);
      message.error ? waiting.reject(new Error(message.error.message)) : waiting.resolve(message.result);
    } else {
      this.#listeners.forEach((listener) => listener(message));
    }
  }

  #left() {
    this.#waiting.forEach(({ reject }) => reject(new Error("the browser has ended")));
    this.#waiting.clear();
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    this.#child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  listen(listener) {
    this.#listeners.add(listener);
  }

  /** A page of `width` by `height` CSS pixels in a colour scheme, `light` or `dark`. */
  async open(url, { width, height, scheme = "light", script = true }) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    await page.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await page.send("Emulation.setEmulatedMedia", { features });
    await page.send("Emulation.setScriptExecutionDisabled", { value: !script });
    const loaded = page.next("Page.loadEventFired");
    await page.send("Page.navigate", { url });
    await loaded;
    return page;
  }

  async stop() {
    const left = new Promise((resolve) => this.#child.once("exit", resolve));
    this.send("Browser.close").catch(() => {});
    await left;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  /** What the page complained of: console, exceptions, the policy. */
  complaints = [];
  /** URLs it asked for. */
  requests = [];
  #browser;
  #target;
  #session;
  #next = new Map();

  constructor(browser, target, session) {
    this.#browser = browser;
    this.#target = target;
    this.#session = session;
    browser.listen((message) => message.sessionId === session && this.#happened(message));
  }

  #happened({ method, params }) {
    if (method === "Runtime.consoleAPICalled") this.complaints.push(params.args.map((a) => a.value).join(" "));
    if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.text);
    if (method === "Log.entryAdded") this.complaints.push(params.entry.text);
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    this.#next.get(method)?.(params);
  }

  send(method, params) {
    return this.#browser.send(method, params, this.#session);
  }

  next(method) {
    return new Promise((resolve) => this.#next.set(method, resolve));
  }

  /** What `expression` is in the page. */
  async ask(expression) {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** A PNG of what is seen, or of `clip`. */
  async photograph(clip = undefined) {
    const options = { format: "png", clip: clip && { ...clip, scale: 1 }, captureBeyondViewport: clip !== undefined };
    return Buffer.from((await this.send("Page.captureScreenshot", options)).data, "base64");
  }

  /** Number of pages when printed. */
  async print() {
    const { data } = await this.send("Page.printToPDF", { printBackground: false, preferCSSPageSize: true });
    return Buffer.from(data, "base64");
  }

  async close() {
    await this.#browser.send("Target.closeTarget", { targetId: this.#target });
  }
}

/**
 * From a key in one editor to the text in the other one: two people with browsers of their own in one document of the editor, on one
 * machine with the server.
 *
 *     npm run keys -- [--database=sqlite] [--database=postgres] [--single=60] [--seconds=20]
 *
 * The Postgres of the tests does not wait for its disk; `LANDFALL_TEST_POSTGRES_URL` names one that does.
 *
 * @module
 */
import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium, type Browser, type Page } from "@playwright/test";
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { browser as settings } from "../support/browser.js";
import { Postgres } from "../support/postgres.js";
import { TestServer } from "../support/server.js";

/** What is typed; nothing else in the document has it. */
const KEY = "k";
/** Keys that nobody types after: time enough for everything to come to rest, in milliseconds. */
const PAUSE_MS = 600;
/** Of somebody who types steadily. */
const KEYS_A_SECOND = 8;
/** Series that are not counted: connections and compiled code. */
const WARM_UP = 20;

/** Milliseconds for each key: until it is in the other page's text, and until that is drawn. */
interface Series {
  text: number[];
  frame: number[];
}

declare global {
  interface Window {
    keysSeen: { pressed: number[]; text: number[]; frame: number[] };
  }
}

const { values } = parseArgs({
  options: {
    database: { type: "string", multiple: true, default: ["sqlite"] },
    single: { type: "string", default: "60" },
    seconds: { type: "string", default: "20" },
  },
});

/** Notes in a page when keys were pressed, and when how many were to be seen, all by the machine's clock. */
function watch(field: HTMLElement | SVGElement, key: string): void {
  // The two pages count from moments of their own: what the clock of the machine says beyond that is found by its ticks.
  let offset = -Infinity;
  for (const until = performance.now() + 50; performance.now() < until; ) {
    offset = Math.max(offset, Date.now() - performance.now());
  }
  const seen: Window["keysSeen"] = (window.keysSeen = { pressed: [], text: [], frame: [] });
  addEventListener("keydown", (event) => event.key === key && seen.pressed.push(event.timeStamp + offset), true);
  const count = () => (field.textContent ?? "").split(key).length - 1;
  const note = (times: number[], shown: number) => {
    const now = performance.now() + offset;
    while (times.length < shown) times.push(now);
  };
  new MutationObserver(() => {
    const shown = count();
    note(seen.text, shown);
    // Drawn is what a frame shows after the one that is being made.
    requestAnimationFrame(() => requestAnimationFrame(() => note(seen.frame, shown)));
  }).observe(field, { childList: true, characterData: true, subtree: true });
}

async function type(page: Page, count: number, pauseMs: number): Promise<void> {
  let next = performance.now();
  for (let n = 0; n < count; n += 1) {
    await page.keyboard.press(KEY);
    next += pauseMs;
    await sleep(Math.max(0, next - performance.now()));
  }
}

async function measure(browser: Browser, server: TestServer): Promise<{ single: Series; steady: Series }> {
  const ada = await Account.register(server, "ada");
  const pages = await Promise.all([1, 2].map(async () => (await browser.newContext({ baseURL: server.url })).newPage()));
  const [writer, reader] = pages.map((page) => new Editor(page)) as [Editor, Editor];
  for (const editor of [writer, reader]) {
    await editor.open();
    await editor.logIn(ada.credentials);
  }
  await writer.newDocument("Notes", "Here: ");
  await reader.expectBadge("Notes", "synced");
  await reader.openDocument("Notes");
  for (const editor of [writer, reader]) await editor.main.getByRole("list", { name: "Also here" }).waitFor();
  await writer.text.press("ControlOrMeta+End");
  for (const { text } of [writer, reader]) await text.evaluate(watch, KEY);
  await type(writer.page, WARM_UP, 100);
  const single = Number(values.single);
  const steady = Number(values.seconds) * KEYS_A_SECOND;
  await sleep(PAUSE_MS);
  await type(writer.page, single, PAUSE_MS);
  await type(writer.page, steady, 1000 / KEYS_A_SECOND);
  const all = WARM_UP + single + steady;
  await reader.page.waitForFunction((count) => window.keysSeen.frame.length >= count, all, { timeout: 10_000 });
  const { pressed } = await writer.page.evaluate(() => window.keysSeen);
  const { text, frame } = await reader.page.evaluate(() => window.keysSeen);
  const took = (times: number[], from: number, to: number) =>
    times.slice(from, to).map((time, at) => time - (pressed[from + at] ?? Number.NaN));
  const series = (from: number, to: number): Series => ({ text: took(text, from, to), frame: took(frame, from, to) });
  return { single: series(WARM_UP, WARM_UP + single), steady: series(WARM_UP + single, all) };
}

function row(name: string, times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return `| ${[name, sorted.length, ...[at(0.5), at(0.95), at(1)].map((ms) => ms.toFixed(1))].join(" | ")} |`;
}

const rows: string[] = [];
for (const database of values.database) {
  const postgres = database === "postgres" ? await Postgres.start() : undefined;
  const server = await TestServer.start(postgres ? { LANDFALL_DATABASE_URL: postgres.createDatabase() } : {});
  const browser = await chromium.launch(settings.launchOptions);
  try {
    const { single, steady } = await measure(browser, server);
    for (const [name, { text, frame }] of [["single keys", single], [`${KEYS_A_SECOND} keys/s`, steady]] as const) {
      rows.push(row(`${database}, ${name}, in the text`, text), row(`${database}, ${name}, drawn`, frame));
    }
  } finally {
    await browser.close();
    await server.remove();
    await postgres?.stop();
  }
}
console.log(`Two pages of the editor in Chromium without a window, one types and the other one looks; server and browsers on one machine of \
${cpus().length} cores, load ${loadavg()[0]?.toFixed(1) ?? "?"} at the end. Goal: p50 30 ms, p95 80 ms, never over 300 ms, in the text.

| keypress to the other editor | keys | p50 ms | p95 ms | max ms |
| --- | ---: | ---: | ---: | ---: |
${rows.join("\n")}`);

/**
 * Measures the editor in a browser against the real server, and prints the figures.
 *
 *     npm run figures [-- --write] [-- --runs=3]
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "@playwright/test";
import { browser as settings } from "../support/browser.js";
import { measureBytes } from "../support/first-load.js";
import { TestServer } from "../support/server.js";
import { check } from "./checks.js";
import { measureLists } from "./lists.js";
import { measureLoads } from "./load.js";
import { measurePush } from "./push.js";
import { toMarkdown, writeInto } from "./report.js";

const DOCUMENTS = 500;

/** On a device, for the list. */
const LISTED = 10_000;

const { values } = parseArgs({
  options: { write: { type: "boolean", default: false }, runs: { type: "string", default: "3" } },
});

/** Does something with a new server and a new browser. */
async function afresh<R>(measure: (browser: Parameters<typeof check>[0], server: TestServer) => Promise<R>): Promise<R> {
  const server = await TestServer.start({});
  const browser = await chromium.launch(settings.launchOptions);
  try {
    return await measure(browser, server);
  } finally {
    await browser.close();
    await server.remove();
  }
}

const pushes = [];
const loads = [];
const lists = [];
for (let run = 0; run < Number(values.runs); run += 1) {
  pushes.push(await afresh((browser, server) => measurePush(browser, server, DOCUMENTS)));
  loads.push(await afresh(measureLoads));
  lists.push(await afresh((browser, server) => measureLists(browser, server, LISTED)));
}
const bytes = await afresh(measureBytes);
const checks = await afresh(check);
const section = toMarkdown({ documents: DOCUMENTS, listed: LISTED, pushes, loads, lists, bytes, checks });
console.log(section);
if (values.write) await writeInto(resolve(import.meta.dirname, "../../../docs/benchmarks.md"), section);

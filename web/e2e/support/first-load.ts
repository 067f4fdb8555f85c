/**
 * What a first visit costs: the bytes of everything that the page needs before it can be used.
 *
 * @module
 */
import { get } from "node:http";
import type { Browser, Page } from "@playwright/test";
import { Editor } from "../editor.js";
import type { TestServer } from "./server.js";

/** Bytes of bodies of a load. */
export interface Bytes {
  files: number;
  brotli: number;
  gzip: number;
}

/** What a first visit fetches: the start page, and the same with a document opened. Without what is fetched to be kept. */
export async function measureBytes(browser: Browser, server: TestServer): Promise<{ start: Bytes; document: Bytes }> {
  const context = await browser.newContext({ baseURL: server.url, serviceWorkers: "block" });
  const page = await context.newPage();
  const editor = new Editor(page);
  const paths = pathsOf(page, server.url);
  await editor.open();
  const start = await bytesOf(server.url, [...paths]);
  await editor.newDocument("Note", "One line.");
  const document = await bytesOf(server.url, [...paths]);
  await context.close();
  return { start, document };
}

function pathsOf(page: Page, url: string): Set<string> {
  const paths = new Set<string>();
  page.on("response", (response) => {
    const path = response.url().slice(url.length);
    if (response.ok() && !path.startsWith("/api/")) paths.add(path);
  });
  return paths;
}

async function bytesOf(url: string, paths: readonly string[]): Promise<Bytes> {
  const sum = async (coding: string): Promise<number> => {
    const sizes = await Promise.all(paths.map((path) => bodyBytes(url + path, coding)));
    return sizes.reduce((total, size) => total + size, 0);
  };
  return { files: paths.length, brotli: await sum("br"), gzip: await sum("gzip") };
}

/** The bytes of a body as they go over the network. */
function bodyBytes(url: string, coding: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": coding } }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
      answer.on("end", () => resolve(bytes));
      answer.on("error", reject);
    }).on("error", reject);
  });
}

/**
 * Loading the page: what goes over the network, and how long until it can be used.
 *
 * @module
 */
import type { Browser, BrowserContext } from "@playwright/test";
import { Editor } from "../editor.js";
import type { TestServer } from "../support/server.js";
import { heapMiB } from "./memory.js";

/** How long a load took, in milliseconds since it was asked for. */
export interface LoadFigures {
  /** Until something can be written. */
  usableMs: number;
  /** Until the largest part of what is shown was drawn. */
  largestMs: number;
  /** How far things moved about after they had been drawn: cumulative layout shift, no unit. */
  shift: number;
  /** Memory of scripts. */
  heapMiB: number;
}

/** Loads the page on a new device, and again once it is kept there. */
export async function measureLoads(browser: Browser, server: TestServer): Promise<{ cold: LoadFigures; warm: LoadFigures }> {
  const context = await browser.newContext({ baseURL: server.url });
  const cold = await measureLoad(context, true);
  const warm = await measureLoad(context, false);
  await context.close();
  return { cold, warm };
}

async function measureLoad(context: BrowserContext, installs: boolean): Promise<LoadFigures> {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const found = { usableMs: 0, largestMs: 0, shift: 0 };
    Object.assign(globalThis, { landfallLoad: found });
    new MutationObserver((_, observer) => {
      if (document.querySelector("button.new-document") === null) return;
      found.usableMs = performance.now();
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
    new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) found.largestMs = entry.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) found.shift += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  const editor = new Editor(page);
  await editor.open();
  if (installs) await editor.expectInstalled();
  // What still moves, moves now.
  await page.waitForTimeout(500);
  const found = await page.evaluate(
    () => (globalThis as unknown as { landfallLoad: Omit<LoadFigures, "heapMiB"> }).landfallLoad,
  );
  const figures = { ...found, heapMiB: await heapMiB(page) };
  await page.close();
  return figures;
}

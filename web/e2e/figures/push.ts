/**
 * The push of a long queue, as its user sees it: how long it takes, how often it says how far it is, how the page feels.
 *
 * @module
 */
import type { Browser, Page } from "@playwright/test";
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { drafts, queueDocuments } from "../support/queue.js";
import { whileMeasured } from "../support/responsiveness.js";
import type { TestServer } from "../support/server.js";
import { heapMiB } from "./memory.js";

/** What one push showed. Times in milliseconds. */
export interface PushFigures {
  /** From the answer to the login until the page says that all is synced. */
  pushedMs: number;
  /** The longest time in which the counts stood still. */
  progressGapMs: number;
  /** The longest time between two frames. */
  frameGapMs: number;
  /** The longest task; 0 if none took 50. */
  taskMs: number;
  /** Memory of scripts before the push. */
  heapBeforeMiB: number;
  /** Memory of scripts after it. */
  heapAfterMiB: number;
}

/** Pushes so many documents of 2 KB that were written while logged out. */
export async function measurePush(browser: Browser, server: TestServer, count: number): Promise<PushFigures> {
  const account = await Account.register(server, "ada");
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  const editor = new Editor(page);
  await editor.open();
  await editor.expectInstalled();
  await queueDocuments(page, drafts(count));
  await page.getByText(`${count} changes wait here.`).waitFor();
  await page.bringToFront();
  const heapBeforeMiB = await heapMiB(page);
  let told: Omit<PushFigures, "frameGapMs" | "taskMs" | "heapBeforeMiB" | "heapAfterMiB"> | undefined;
  const end = await watchPush(page);
  const felt = await whileMeasured(page, async () => {
    await editor.logIn(account.credentials);
    told = await end();
  });
  const heapAfterMiB = await heapMiB(page);
  const arrived = await account.documents();
  await context.close();
  if (told === undefined || arrived.length !== count) throw new Error(`${arrived.length} of ${count} documents arrived`);
  return { ...told, frameGapMs: felt.longestFrameGapMs, taskMs: felt.longestTaskMs, heapBeforeMiB, heapAfterMiB };
}

/** Watches the page from within, so that nothing else asks it meanwhile; the returned function resolves when all is synced. */
async function watchPush(page: Page): Promise<() => Promise<{ pushedMs: number; progressGapMs: number }>> {
  const watch = await page.evaluateHandle(() => {
    let progressGapMs = 0;
    let shown = "";
    let since: number | undefined;
    const over = new Promise<{ pushedMs: number; progressGapMs: number }>((resolve) => {
      const look = (): void => {
        const now = performance.now();
        const text = document.querySelector(".sync-line")?.textContent ?? "";
        const isCounting = document.querySelector("progress") !== null;
        if (text !== shown) {
          if (since !== undefined) progressGapMs = Math.max(progressGapMs, now - since);
          shown = text;
          since = isCounting ? now : undefined;
        }
        const requests = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
        const login = requests.find(({ name }) => name.endsWith("/api/v1/auth/login"));
        if (login && text.startsWith("Synced")) resolve({ pushedMs: now - login.responseEnd, progressGapMs });
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    return { over };
  });
  return () => watch.evaluate(({ over }) => over);
}

/**
 * What the page tells of a sync that runs, written down as it is drawn.
 *
 * @module
 */
import type { Page } from "@playwright/test";

/** What the sync showed at one time. */
export interface Shown {
  /** Milliseconds since the watch began. */
  at: number;
  /** The bar's value. */
  value: number;
  /** The bar's maximum. */
  max: number;
  /** The line beside it. */
  text: string;
}

/** A watch that runs in a page. */
export interface Watch {
  /** Everything that was shown so far, in order; only what differs from the one before. */
  shown(): Promise<Shown[]>;
}

/** Watches the bar of a sync from now on. A reload ends the watch. */
export async function watchProgress(page: Page): Promise<Watch> {
  const handle = await page.evaluateHandle(() => {
    const began = performance.now();
    const shown: { at: number; value: number; max: number; text: string }[] = [];
    const look = (): void => {
      const bar = document.querySelector<HTMLProgressElement>("progress[aria-label=Sync]");
      const last = shown.at(-1);
      if (bar && (last?.value !== bar.value || last.max !== bar.max)) {
        const text = bar.parentElement?.querySelector(".sync-line > span")?.textContent ?? "";
        shown.push({ at: performance.now() - began, value: bar.value, max: bar.max, text });
      }
      requestAnimationFrame(look);
    };
    look();
    return shown;
  });
  return { shown: () => handle.jsonValue() };
}

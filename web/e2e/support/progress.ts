/**
 * What the page tells of its sync, written down as it changes: what is shown for a moment only cannot be missed.
 *
 * @module
 */
import type { Page } from "@playwright/test";

/** What was shown at one time. */
export interface Shown {
  /** The bar, while there is one. */
  bar: { value: number; max: number } | undefined;
  /** The line below it. */
  text: string;
}

/** A watch that runs in a page. */
export interface Watch {
  /** Everything that was shown so far, in order; only what differs from the one before. */
  shown(): Promise<Shown[]>;
}

/** Watches the sync from now on. A reload ends the watch. */
export async function watchProgress(page: Page): Promise<Watch> {
  const handle = await page.evaluateHandle(() => {
    const shown: { bar: { value: number; max: number } | undefined; text: string }[] = [];
    const look = (): void => {
      const bar = document.querySelector<HTMLProgressElement>("progress[aria-label=Sync]");
      const text = document.querySelector("[aria-label=Sync] .sync-line > span")?.textContent ?? "";
      const last = shown.at(-1);
      if (last && last.text === text && last.bar?.value === bar?.value && last.bar?.max === bar?.max) return;
      shown.push({ bar: bar ? { value: bar.value, max: bar.max } : undefined, text });
    };
    look();
    const everything = { subtree: true, childList: true, characterData: true, attributeFilter: ["value", "max"] };
    new MutationObserver(look).observe(document.body, everything);
    return shown;
  });
  return { shown: () => handle.jsonValue() };
}

/**
 * How long a page keeps its user waiting: long tasks and gaps between frames, measured in the page.
 *
 * @module
 */
import type { Page } from "@playwright/test";

/** What was measured, in milliseconds. */
export interface Responsiveness {
  /** The longest task that blocked the page; 0 if none took 50 ms. */
  longestTaskMs: number;
  /** How many tasks took 50 ms or more. */
  longTasks: number;
  /** The longest time between two frames. */
  longestFrameGapMs: number;
  /** Frames that were drawn. */
  frames: number;
}

interface Meter {
  result: Responsiveness;
  stop(): void;
}

/** Measures while `action` runs. The page must be visible. */
export async function whileMeasured(page: Page, action: () => Promise<void>): Promise<Responsiveness> {
  const meter = await page.evaluateHandle((): Meter => {
    const result = { longestTaskMs: 0, longTasks: 0, longestFrameGapMs: 0, frames: 0 };
    const observer = new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) {
        result.longTasks += 1;
        result.longestTaskMs = Math.max(result.longestTaskMs, entry.duration);
      }
    });
    observer.observe({ type: "longtask" });
    let frame = 0;
    let last = performance.now();
    const tick = (): void => {
      // Not the time that the frame is given: that may lie before what held it up was over.
      const now = performance.now();
      result.frames += 1;
      result.longestFrameGapMs = Math.max(result.longestFrameGapMs, now - last);
      last = now;
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    const stop = (): void => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
    return { result, stop };
  });
  await action();
  return meter.evaluate(({ result, stop }) => {
    stop();
    return result;
  });
}

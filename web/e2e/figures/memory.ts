/**
 * What a page takes of memory.
 *
 * @module
 */
import type { Page } from "@playwright/test";

/** Memory of the page's scripts after what is not needed any more was let go, in MiB. */
export async function heapMiB(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize / 2 ** 20;
}

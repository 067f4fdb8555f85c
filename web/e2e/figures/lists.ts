/**
 * Many documents on a device: how long until the client has the list, and what a keystroke costs then.
 *
 * @module
 */
import type { Browser } from "@playwright/test";
import { bundle, show } from "../support/bundle.js";
import type { TestServer } from "../support/server.js";
import type {} from "../editors/page.js";

/** Milliseconds. */
export interface ListFigures {
  /** From nothing in memory to the sorted list. */
  readyMs: number;
  /** An edit, until it is on disk and the list and the counts are those after it. */
  keystrokeMs: number;
}

/** Fills a device's store with plain texts of 2 KB and Yjs documents, half and half, and lists them on a page that was just opened. */
export async function measureLists(browser: Browser, server: TestServer, documents: number): Promise<ListFigures> {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  const editor = await bundle("codemirror");
  await show(page, editor);
  const id = await page.evaluate(async (count) => {
    const { client } = window.editorPage;
    const first = await client.queueCreate({ title: "the first", content: "a text" });
    const opening = indexedDB.open("editor");
    const database = await new Promise<IDBDatabase>((resolve) => (opening.onsuccess = () => resolve(opening.result)));
    const filling = database.transaction(["documents", "texts"], "readwrite");
    for (let n = 1; n < count; n += 1) {
      const row = {
        document_id: crypto.randomUUID(),
        version: 1,
        title: `note ${(n * 7919) % count}`,
        deleted: false,
        updated_at: new Date(n).toISOString(),
        updated_by: "ada",
        kind: n % 2 === 0 ? "yjs" : "text",
      };
      filling.objectStore("documents").put(row, row.document_id);
      if (row.kind === "text") filling.objectStore("texts").put({ content: "x".repeat(2048) }, row.document_id);
    }
    await new Promise((resolve) => (filling.oncomplete = resolve));
    database.close();
    return first;
  }, documents);
  await page.close();
  const again = await context.newPage();
  await show(again, editor);
  const figures = await again.evaluate(
    async ([documentId, count]) => {
      const { client } = window.editorPage;
      const began = performance.now();
      const listed = (await client.documents()).length;
      const readyMs = performance.now() - began;
      if (listed !== count) throw new Error(`${listed} documents are listed`);
      const text = (await client.openDocument(documentId)).getText("content");
      const typed = performance.now();
      text.insert(0, "x");
      await client.flush();
      await client.documents();
      await client.status();
      return { readyMs, keystrokeMs: performance.now() - typed };
    },
    [id, documents] as const,
  );
  await context.close();
  return figures;
}

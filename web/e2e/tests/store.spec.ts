/** The store in a real browser: databases of the first format, and lists of very many documents. */
import type { Page } from "@playwright/test";
import { bundle, show, type Bundle } from "../support/bundle.js";
import { expect, test } from "../support/fixtures.js";
import type {} from "../editors/page.js";

/** Fills the store of a page. */
function fill(page: Page, count: number): Promise<void> {
  return page.evaluate(async (documents) => {
    const { client } = window.editorPage;
    const made: Promise<unknown>[] = [];
    for (let n = 0; n < documents; n += 1) {
      const kind = n % 2 === 0 ? "yjs" : "text";
      made.push(client.queueCreate({ title: `note ${n}`, content: `text ${n} ${"x".repeat(2000)}`, kind }));
    }
    await Promise.all(made);
  }, count);
}

/** What a page shows, put short: titles with the beginnings and the lengths of texts, and how long the queue is. */
function shown(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { client } = window.editorPage;
    const all = await Promise.all((await client.documents()).map(({ document_id }) => client.document(document_id)));
    const queued = await client.queued();
    const carried = queued.filter(({ content }) => content !== undefined).length;
    return [...all.map((row) => `${row?.title}: ${row?.content.slice(0, 30)} ${row?.content.length}`), `${queued.length}, ${carried}`];
  });
}

/** Shows a page on another tab of a device. */
async function open(page: Page, editor: Bundle): Promise<Page> {
  await show(page, editor);
  return page;
}

test("a database of the first format, with an old tab open: nothing is lost, and the old tab says that it is old", async ({ device }) => {
  const [former, present] = await Promise.all([bundle("format-1"), bundle("codemirror")]);
  const tab = await open(device.page, former);
  await fill(tab, 60);
  const before = await shown(tab);
  expect(before).toHaveLength(61);
  expect(before.at(-1)).toBe("60, 30");
  const next = await open(await device.context.newPage(), present);
  expect(await shown(next)).toEqual(before);
  await next.evaluate(() => window.editorPage.client.queueCreate({ title: "made later" }));
  const refusal = await tab.evaluate(() =>
    window.editorPage.client.queueCreate({ title: "too late" }).then(String, (error: unknown) => String(error)),
  );
  expect(refusal).toContain("this page is older than its data: reload it");
  expect((await shown(next)).at(-1)).toBe("61, 30");
});

test("a page that is closed in the middle of the upgrade leaves the database as it was", async ({ device }) => {
  const [former, present] = await Promise.all([bundle("format-1"), bundle("codemirror")]);
  const tab = await open(device.page, former);
  await fill(tab, 400);
  const before = await shown(tab);
  await tab.close();
  for (const after of [50, 700]) {
    const doomed = await device.context.newPage();
    const midway = new Promise<void>((resolve) => void doomed.exposeFunction("midway", resolve));
    await doomed.addInitScript((puts) => {
      const { put } = IDBObjectStore.prototype;
      let left = puts;
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...row) {
        if (this.transaction.mode !== "versionchange" || (left -= 1) > 0) return put.apply(this, row);
        // From here on nothing goes on, until the page is gone; what is asked for meanwhile keeps the transaction open.
        const spin = (): void => void (this.get("nothing").onsuccess = spin);
        if (left === 0) {
          spin();
          (window as unknown as { midway: () => void }).midway();
        }
        return {} as IDBRequest<IDBValidKey>;
      } as typeof put;
    }, after);
    const opening = open(doomed, present).catch(() => undefined);
    await midway;
    await doomed.close();
    await opening;
  }
  const still = await open(await device.context.newPage(), former);
  expect(await shown(still)).toEqual(before);
  await still.close();
  const next = await open(await device.context.newPage(), present);
  expect(await shown(next)).toEqual(before);
});

test("10,000 documents: a keystroke reads no other document from the database", async ({ device }) => {
  const page = await open(device.page, await bundle("codemirror"));
  const { listed, others } = await page.evaluate(async () => {
    const { client } = window.editorPage;
    const id = await client.queueCreate({ title: "the first", content: "a text" });
    const opening = indexedDB.open("editor");
    const database = await new Promise<IDBDatabase>((resolve) => (opening.onsuccess = () => resolve(opening.result)));
    const filling = database.transaction(["documents", "texts"], "readwrite");
    for (let n = 1; n < 10_000; n += 1) {
      const [document_id, updated_at] = [crypto.randomUUID(), new Date(n).toISOString()];
      const row = { document_id, version: 1, kind: "text", title: `note ${n}`, deleted: false, updated_at, updated_by: "ada" };
      filling.objectStore("documents").put(row, document_id);
      filling.objectStore("texts").put({ content: "x".repeat(500) }, document_id);
    }
    await new Promise((resolve) => (filling.oncomplete = resolve));
    database.close();
    const listed = (await client.documents()).length;
    const text = (await client.openDocument(id)).getText("content");

    // The rows that are read from here on, but for those of the document itself and the single values.
    const others: string[] = [];
    const { get, getAll } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = function (this: IDBObjectStore, key) {
      if (this.name !== "meta" && !String(key).startsWith(id)) others.push(`${this.name} ${String(key)}`);
      return get.call(this, key);
    };
    IDBObjectStore.prototype.getAll = function (this: IDBObjectStore, query, count) {
      const request = getAll.call(this, query, count);
      request.addEventListener("success", () => {
        for (const row of request.result as { document_id: string }[]) {
          if (row.document_id !== id) others.push(`${this.name} ${row.document_id}`);
        }
      });
      return request;
    };
    text.insert(0, "x");
    await client.flush();
    await Promise.all([client.documents(), client.status(), client.documentStates(), client.conflicts(), client.deadLetters()]);
    return { listed, others };
  });
  expect(listed).toBe(10_000);
  expect(others).toEqual([]);
});

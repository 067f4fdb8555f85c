// Lists and counts of many documents: read once, and then only what changed.
import { expect, test } from "vitest";
import { BatchSyncService, MemoryStore, ROOT, type Store, type Table } from "../src/index.js";

/** Counts the rows that are read of each table. */
function counting(): { store: Store; read: Map<Table, number> } {
  const inner = new MemoryStore();
  const read = new Map<Table, number>();
  const note = (table: Table, rows: number) => read.set(table, (read.get(table) ?? 0) + rows);
  const store: Store = {
    name: inner.name,
    shared: false,
    close: () => inner.close(),
    transaction: (mode, body) =>
      inner.transaction(mode, (tx) =>
        body({
          ...tx,
          get: async (table, key) => {
            note(table, 1);
            return tx.get(table, key);
          },
          all: async (table, prefix) => {
            const rows = await tx.all(table, prefix);
            note(table, rows.length);
            return rows;
          },
        }),
      ),
  };
  return { store, read };
}

async function filled(count: number) {
  const { store, read } = counting();
  await store.transaction("write", async (tx) => {
    for (let n = 0; n < count; n += 1) {
      const document_id = `d${String(n).padStart(5, "0")}`;
      const title = `note ${String((n * 7919) % count).padStart(5, "0")}`;
      const at = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
      await tx.put("documents", document_id, {
        document_id,
        kind: "yjs",
        title,
        version: 1,
        deleted: n % 10 === 9,
        updated_at: at,
        updated_by: "ada",
      });
    }
  });
  return { client: new BatchSyncService({ url: "http://none", store }), read };
}

test("10,000 documents: a keystroke reads its own document again, and no other one", async () => {
  const { client, read } = await filled(10_000);
  const began = performance.now();
  expect(await client.documents()).toHaveLength(9000);
  console.log(`a list of 9,000: ${Math.round(performance.now() - began)} ms`);
  expect(await client.status()).toMatchObject({ documents: 9000, lost: 0 });
  const text = (await client.openDocument("d00000")).getText(ROOT);
  await client.documents();
  read.clear();
  const before = await client.documents();
  text.insert(0, "x");
  await client.flush();
  const after = await client.documents();
  await client.status();
  expect(read.get("documents") ?? 0).toBeLessThan(10);
  // What did not change is the same object, so that nothing of it is drawn again.
  expect(after.filter((row, at) => row !== before[at]).map((row) => row.document_id)).toEqual(["d00000"]);
});

test("a list in pages, by title or by the last change, without texts", async () => {
  const { client } = await filled(100);
  const titles = (rows: { title: string }[]) => rows.map(({ title }) => title);
  const all = titles(await client.documents());
  expect(all).toEqual([...all].sort());
  expect(titles(await client.documents({ offset: 10, limit: 5 }))).toEqual(all.slice(10, 15));
  const newest = await client.documents({ sort: "updated_at", descending: true, limit: 2 });
  expect(newest.map((row) => row.document_id)).toEqual(["d00098", "d00097"]);
  expect(await client.documents({ deleted: true })).toHaveLength(10);
  const id = await client.queueCreate({ title: "a first one", content: "text", kind: "text" });
  const [first] = await client.documents({ limit: 1 });
  expect(first?.document_id).toBe(id);
  expect(first).not.toHaveProperty("content");
});

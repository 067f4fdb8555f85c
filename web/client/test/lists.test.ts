// Lists and counts of many documents: read once, without texts, and then only what changed.
import { expect, test, vi } from "vitest";
import { MemoryStore, ROOT, type DocumentPage, type Store, type Table } from "../src/index.js";
import { putDocument } from "../src/local-documents.js";
import { append } from "../src/queue.js";
import { addRow, textUpdate } from "../src/yjs-rows.js";
import { document, failure, Script, tombstone } from "./support/script.js";

/** A store that notes which rows are read: the keys of each table. */
function counting(): { store: Store; read: Map<Table, string[]> } {
  const inner = new MemoryStore();
  const read = new Map<Table, string[]>();
  const note = (table: Table, ...keys: string[]) => {
    const noted = read.get(table) ?? [];
    for (const key of keys) noted.push(key);
    read.set(table, noted);
  };
  const store: Store = {
    name: inner.name,
    shared: false,
    close: () => inner.close(),
    transaction: (mode, body) =>
      inner.transaction(mode, (tx) =>
        body({
          ...tx,
          get: async (table, key) => {
            note(table, key);
            return tx.get(table, key);
          },
          all: async (table, prefix) => {
            note(table, ...(await tx.keys(table, prefix)));
            return tx.all(table, prefix);
          },
        }),
      ),
  };
  return { store, read };
}

const idOf = (n: number) => `d${String(n).padStart(5, "0")}`;

/** Documents of both kinds with their bodies, each tenth of them deleted; the first ones are also queued. */
async function filled(count: number, queued = 0) {
  const { store, read } = counting();
  const script = new Script();
  const now = script.clock.now();
  await store.transaction("write", async (tx) => {
    for (let n = 0; n < count; n += 1) {
      const kind = n % 2 === 0 ? "yjs" : "text";
      const text = `text of ${n}`;
      const title = `note ${String((n * 7919) % count).padStart(5, "0")}`;
      const updated_at = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
      const row = { document_id: idOf(n), kind, title, version: 1, deleted: n % 10 === 9, updated_at, updated_by: "ada" } as const;
      await putDocument(tx, row, kind === "text" ? text : undefined);
      if (kind === "yjs") await addRow(tx, idOf(n), textUpdate(undefined, text) ?? new Uint8Array());
      if (n >= queued || row.deleted) continue;
      await append(tx, now, { operation: "update", document_id: idOf(n), base_version: 1, title, content: text, yjs: false });
    }
    await tx.put("meta", "cursor", "c0");
  });
  const client = await script.client({ store });
  read.clear();
  /** The keys that were read of other documents than the one named. */
  const others = (id: string, ...tables: Table[]) =>
    tables.flatMap((table) => (read.get(table) ?? []).filter((key) => !key.startsWith(id)));
  return { client, script, store, read, others };
}

const BODIES: Table[] = ["texts", "yjs", "payloads"];

test("10,000 documents: the list reads no text, and a keystroke reads no other document again", async () => {
  const { client, read, others } = await filled(10_000, 2000);
  const began = performance.now();
  expect(await client.documents()).toHaveLength(9000);
  console.log(`a list of 9,000: ${Math.round(performance.now() - began)} ms`);
  expect(await client.status()).toMatchObject({ documents: 9000, lost: 0, queued: 1800 });
  expect((await client.documentStates()).size).toBe(1800);
  expect(BODIES.flatMap((table) => read.get(table) ?? [])).toEqual([]);

  const pages: DocumentPage[] = [];
  const end = client.watchDocuments({ sort: "updated_at", descending: true, limit: 20 }, (page) => pages.push(page));
  await vi.waitFor(() => expect(pages).toHaveLength(1));
  const id = idOf(0);
  const before = await client.documents();
  read.clear();
  const text = (await client.openDocument(id)).getText(ROOT);
  text.insert(0, "x");
  await client.flush();
  const after = await client.documents();
  await Promise.all([client.status(), client.documentStates(), client.conflicts(), client.deadLetters()]);
  await vi.waitFor(() => expect(pages).toHaveLength(2));
  expect(others(id, "documents", "operations", "conflicts", "dead_letters", "marks", ...BODIES)).toEqual([]);
  expect(read.get("documents")?.length).toBeLessThan(10);
  // What did not change is the same object, so that nothing of it is drawn again.
  expect(after.filter((row, at) => row !== before[at]).map((row) => row.document_id)).toEqual([id]);
  expect(pages.map(({ documents: [first], total }) => [first?.document_id, total])).toEqual([
    ["d09998", 9000],
    [id, 9000],
  ]);
  // A page that does not change is not told again.
  await client.queueUpdate(idOf(2), { content: "y" });
  await vi.waitFor(() => expect(pages).toHaveLength(3));
  end();
  await client.queueUpdate(idOf(4), { content: "y" });
  await client.documents();
  expect(pages).toHaveLength(3);
});

test("10,000 documents: syncing a keystroke reads no other document", async () => {
  const { client, script, read, others } = await filled(10_000);
  await script.clock.run(client.sync());
  const id = idOf(0);
  const text = (await client.openDocument(id)).getText(ROOT);
  await client.documents();
  read.clear();
  text.insert(0, "x");
  await client.flush();
  expect((await script.clock.run(client.sync())).status).toBe("synced");
  expect(script.pushed).toEqual([["update"]]);
  await Promise.all([client.status(), client.documents(), client.documentStates()]);
  expect(others(id, "documents", "operations", "marks", ...BODIES)).toEqual([]);
  // Nor its own text more often than it is sent.
  expect(read.get("yjs")?.length).toBeLessThan(20);
});

test("a list in pages, by title or by the last change, without texts", async () => {
  const { client } = await filled(100);
  const titles = (rows: { title: string }[]) => rows.map(({ title }) => title);
  const all = titles(await client.documents());
  expect(all).toEqual([...all].sort());
  expect(titles(await client.documents({ offset: 10, limit: 5 }))).toEqual(all.slice(10, 15));
  expect(titles(await client.documents({ descending: true }))).toEqual([...all].reverse());
  expect(titles(await client.documents({ descending: true, offset: 85, limit: 10 }))).toEqual([...all].reverse().slice(85));
  expect(await client.documents({ offset: 90 })).toEqual([]);
  expect(await client.documents({ descending: true, offset: 95, limit: 5 })).toEqual([]);
  const newest = await client.documents({ sort: "updated_at", descending: true, limit: 2 });
  expect(newest.map((row) => row.document_id)).toEqual(["d00098", "d00097"]);
  expect(await client.documents({ deleted: true })).toHaveLength(10);
  const id = await client.queueCreate({ title: "a first one", content: "text", kind: "text" });
  const [first] = await client.documents({ limit: 1 });
  expect(first?.document_id).toBe(id);
  expect(first).not.toHaveProperty("content");
});

test("lists stay in order through whatever happens, and counts are those of the lists", async () => {
  const { client, script } = await filled(60);
  const lists = [{}, { sort: "updated_at" }, { deleted: true }, { deleted: true, sort: "updated_at" }] as const;
  const check = async () => {
    for (const options of lists) {
      const rows = await client.documents(options);
      const sort = "sort" in options ? options.sort : "title";
      expect(rows.map((row) => row[sort])).toEqual(rows.map((row) => row[sort]).sort());
      expect(new Set(rows.map((row) => row.document_id)).size).toBe(rows.length);
    }
    expect((await client.status()).documents).toBe((await client.documents()).length);
  };
  await check();
  await client.queueUpdate(idOf(3), { title: "zzz" });
  await client.queueUpdate(idOf(4), { title: "aaa" });
  await client.queueDelete(idOf(5));
  await check();
  await client.queueUpdate(idOf(9), { restore: true, title: "back" });
  const made = await client.queueCreate({ title: "made and taken back" });
  await check();
  await client.queueDelete(made);
  const items = [document("other", 1), document(idOf(7), 2, { title: "000" }), tombstone(idOf(8), 2)];
  script.pages = [{ items, next_cursor: "c1", has_more: false }];
  expect((await script.clock.run(client.sync())).status).toBe("synced");
  await check();
  expect((await client.documents())[0]?.title).toBe("000");
  expect((await client.documents()).some(({ document_id }) => document_id === idOf(8))).toBe(false);
  // Many at once.
  const many = Array.from({ length: 300 }, (_, n) => document(`m${n}`, 1, { title: `m ${(n * 7) % 300}` }));
  script.pages = [{ items: many, next_cursor: "c2", has_more: false }];
  await script.clock.run(client.sync());
  await check();
  expect((await client.documents()).length).toBeGreaterThan(350);
});

test("how documents stand: queued, on their way, refused, in conflict, settled", async () => {
  const { client, script } = await filled(6, 2);
  const states = async () => Object.fromEntries(await client.documentStates());
  expect(await states()).toEqual({ d00000: "pending", d00001: "pending" });
  let seen: object = {};
  script.on = async ({ path }) => {
    if (path.endsWith("/batch")) seen = await states();
    return undefined;
  };
  script.judge = ({ document_id }) => {
    const error = { code: "version_conflict", message: "clash", retryable: false };
    return document_id === "d00000" ? failure("invalid") : ({ status: "conflict", error, server: document("d00001", 2) } as object);
  };
  await script.clock.run(client.sync());
  expect(seen).toEqual({ d00000: "syncing", d00001: "syncing" });
  expect(await states()).toEqual({ d00000: "failed", d00001: "conflict" });
  const [conflict] = await client.conflicts();
  await client.resolve(conflict?.client_id ?? "", { choice: "theirs" });
  await client.queueUpdate("d00003", { title: "another" });
  expect(await states()).toEqual({ d00000: "failed", d00003: "pending" });
  const [letter] = await client.deadLetters();
  await client.discardDeadLetter(letter?.client_id ?? "");
  script.judge = () => ({});
  await script.clock.run(client.sync());
  expect(await states()).toEqual({});
});

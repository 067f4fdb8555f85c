// Stores that the client of the first format made: all of it is there in the second, or nothing was changed.
import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { BatchSyncService, IndexedDbStore, ROOT, StoreBlockedError, type Store } from "../src/index.js";
import { FileStore } from "../src/node.js";
import * as old from "./format-1/client.js";
import { FileStore as OldFileStore } from "./format-1/file-store.js";
import { document, failure, Script } from "./support/script.js";

const directories: string[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const path of directories.splice(0)) await rm(path, { recursive: true, force: true });
});

let made = 0;
const newName = () => `upgrade-${(made += 1)}`;

/** The client of the first format, on a store of that format. */
function oldClient(script: Script, store: Store): BatchSyncService {
  const { fetch, clock } = script;
  return new old.BatchSyncService({ url: "http://server", store, fetch, clock, concurrency: 1, batchSize: 50, retries: 1 });
}

/** Of everything that there can be on a device, some. */
async function fill(script: Script, client: BatchSyncService): Promise<void> {
  // With one try of everything there is nothing to wait for.
  const settle = () => client.sync();
  await client.login("ada", "correct horse battery");
  for (const kind of ["text", "yjs"] as const) {
    for (let n = 0; n < 20; n += 1) await client.queueCreate({ title: `${kind} ${n}`, content: `text ${n} of ${kind}`, kind });
  }
  script.pages = [{ items: [document("from-others", 3)], next_cursor: "c1", has_more: false }];
  await settle();
  const rows = await client.documents();
  const idOf = (title: string) => rows.find((row) => row.title === title)?.document_id ?? "";
  await client.queueDelete(idOf("text 1"));
  await client.queueDelete(idOf("yjs 1"));
  await settle();
  // Refused for good, and clashing.
  script.judge = (operation) => {
    const document_id = operation.document_id ?? "";
    if (document_id === idOf("text 2")) return failure("title_too_long");
    const error = { code: "version_conflict", message: "clash", retryable: false };
    const server = document(document_id, 7, { title: "text 3", content: "theirs" });
    return document_id === idOf("text 3") ? ({ status: "conflict", error, server } as object) : {};
  };
  for (const n of [2, 3]) await client.queueUpdate(idOf(`text ${n}`), { content: `mine ${n}` });
  await settle();
  // Sent once, and not answered.
  await client.queueUpdate(idOf("text 4"), { content: "on its way" });
  await client.queueUpdate(idOf("yjs 4"), { title: "on its way" });
  script.on = ({ path }) => (path.endsWith("/batch") ? new Error("no network") : undefined);
  await settle();
  // Never sent.
  await client.queueUpdate(idOf("text 4"), { content: "and further" });
  await client.queueUpdate(idOf("text 5"), { content: "offline" });
  const text = (await client.openDocument(idOf("yjs 5"))).getText(ROOT);
  text.insert(0, "typed offline, ");
  await client.flush();
  await client.queueDelete(idOf("text 6"));
  await client.queueCreate({ title: "new", content: "never sent", kind: "text" });
  await client.queueCreate({ title: "new too", content: "never sent" });
}

/** Everything that a client shows. */
async function shown(client: BatchSyncService): Promise<unknown> {
  const [live, deleted] = [await client.documents(), await client.documents({ deleted: true })];
  const byId = <T extends { document_id: string }>(rows: T[]) => rows.sort((a, b) => (a.document_id < b.document_id ? -1 : 1));
  return {
    live: byId(await Promise.all(live.map(async (row) => ({ ...row, ...(await client.document(row.document_id)) })))),
    deleted: byId(deleted),
    states: [...(await client.documentStates())].sort(),
    queued: await client.queued(),
    conflicts: await client.conflicts(),
    letters: await client.deadLetters(),
    status: await client.status(),
  };
}

/** What is sent when the network is back, without the names that requests have. */
async function sent(script: Script, client: BatchSyncService): Promise<unknown> {
  script.on = () => undefined;
  script.seen.length = 0;
  await client.sync();
  return script.batches.map(({ operations }) => operations);
}

const kinds: { kind: string; make: () => Promise<{ before: () => Promise<Store>; after: () => Promise<Store> }> }[] = [
  {
    kind: "IndexedDB",
    make: async () => {
      const name = newName();
      return { before: () => old.IndexedDbStore.open(name), after: () => IndexedDbStore.open(name) };
    },
  },
  {
    kind: "file",
    make: async () => {
      const path = await mkdtemp(join(tmpdir(), "landfall-upgrade-"));
      directories.push(path);
      return { before: () => OldFileStore.open(path), after: () => FileStore.open(path) };
    },
  },
];

test.each(kinds)("a store of the first format ($kind) has everything, and sends the same", async ({ make }) => {
  const { before, after } = await make();
  const script = new Script();
  const first = await before();
  const former = oldClient(script, first);
  await fill(script, former);
  const expected = (await shown(former)) as { live: unknown[]; queued: unknown[]; conflicts: unknown[]; letters: unknown[] };
  expect(expected.live.length).toBeGreaterThan(35);
  expect([expected.queued.length, expected.conflicts.length, expected.letters.length]).toEqual([8, 1, 1]);
  await former.close();
  await first.close();

  const second = await after();
  const { fetch, clock } = script;
  const client = new BatchSyncService({ url: "http://server", store: second, fetch, clock, concurrency: 1, batchSize: 50, retries: 1 });
  expect(await shown(client)).toEqual(expected);
  // No text is left where lists read.
  const rows = await second.transaction("read", async (tx) => [...(await tx.all("documents")), ...(await tx.all("operations"))]);
  expect(rows.filter((row) => "content" in row || "payload" in row)).toEqual([]);

  // The same queue, sent from the first format.
  const twin = new Script();
  const again = await make();
  const other = await again.before();
  const reference = oldClient(twin, other);
  await fill(twin, reference);
  const titles = (batches: unknown) =>
    (batches as { operation: string; base_version?: number; data?: object }[][]).map((batch) =>
      batch.map(({ operation, base_version, data = {} }) => [operation, base_version, Object.keys(data), (data as { content?: string }).content]),
    );
  expect(titles(await sent(script, client))).toEqual(titles(await sent(twin, reference)));
  // What was deleted can be brought back with its text.
  const [gone] = (await client.documents({ deleted: true })).filter(({ title }) => title === "text 1");
  await client.queueUpdate(gone?.document_id ?? "", { restore: true });
  expect(await client.document(gone?.document_id ?? "")).toMatchObject({ content: "text 1 of text" });
  for (const each of [client, reference]) await each.close();
  for (const store of [second, other]) await store.close();
});

test("an upgrade that is broken off changes nothing, and the next one does it", async () => {
  const name = newName();
  const script = new Script();
  const first = await old.IndexedDbStore.open(name);
  const former = oldClient(script, first);
  await fill(script, former);
  const expected = await shown(former);
  await former.close();
  await first.close();
  for (const after of [3, 60]) {
    const put = IDBObjectStore.prototype.put;
    let left = after;
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...row) {
      // As when the page is closed: what was under way is undone.
      if ((left -= 1) === 0) this.transaction.abort();
      return put.apply(this, row);
    });
    await expect(IndexedDbStore.open(name)).rejects.toThrow();
    expect(left).toBeLessThan(1);
    vi.restoreAllMocks();
    const still = await old.IndexedDbStore.open(name);
    const client = oldClient(script, still);
    expect(await shown(client)).toEqual(expected);
    await client.close();
    await still.close();
  }
  const store = await IndexedDbStore.open(name);
  const client = new BatchSyncService({ url: "http://server", store, fetch: script.fetch, clock: script.clock });
  expect(await shown(client)).toEqual(expected);
  await client.close();
  await store.close();
});

test("a tab that was not reloaded makes way; what it saved is there, and what it cannot save any more it says", async () => {
  const name = newName();
  const script = new Script();
  const tab = oldClient(script, await old.IndexedDbStore.open(name));
  const id = await tab.queueCreate({ title: "note", content: "saved" });
  const doc = await tab.openDocument(id);
  doc.getText(ROOT).insert(5, " at the last moment");
  const unsaved: unknown[] = [];
  tab.on("unsaved", ({ error }) => unsaved.push(error));
  // The save is under way when the page of the new version opens.
  const [store] = await Promise.all([IndexedDbStore.open(name), tab.flush()]);
  const client = new BatchSyncService({ url: "http://server", store, fetch: script.fetch, clock: script.clock });
  expect(await client.document(id)).toMatchObject({ content: "saved at the last moment" });
  doc.getText(ROOT).insert(0, "later ");
  await expect(tab.flush()).rejects.toThrow("reload");
  expect(String(unsaved.at(0))).toContain("this page is older than its data: reload it");
  doc.destroy();
  await client.queueUpdate(id, { title: "renamed" });
  expect(await client.document(id)).toMatchObject({ title: "renamed" });
  await client.close();
  await store.close();
});

test("a tab that is frozen is waited for, and then named; once it is closed the upgrade is done", async () => {
  const name = newName();
  const script = new Script();
  const first = await old.IndexedDbStore.open(name);
  const former = oldClient(script, first);
  const id = await former.queueCreate({ title: "note", content: "kept" });
  await former.close();
  await first.close();
  // It does not react when it is asked to make way.
  const frozen = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open(name);
    opening.onsuccess = () => resolve(opening.result);
  });
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const refused = expect(IndexedDbStore.open(name)).rejects.toThrow(StoreBlockedError);
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
  vi.useRealTimers();
  frozen.close();
  const store = await IndexedDbStore.open(name);
  const client = new BatchSyncService({ url: "http://server", store, fetch: script.fetch, clock: script.clock });
  expect(await client.document(id)).toMatchObject({ title: "note", content: "kept" });
  await client.close();
  await store.close();
});

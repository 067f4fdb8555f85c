// Every store keeps the same promises.
import "fake-indexeddb/auto";
import { appendFile, mkdtemp, open, readFile, rm, stat, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  BatchSyncService,
  IndexedDbStore,
  MemoryStore,
  ROOT,
  StorageFullError,
  StoreInUseError,
  type Store,
  type Tables,
} from "../src/index.js";
import { FileStore, SqliteStore } from "../src/node.js";
import { FORMAT } from "../src/upgrade.js";
import { LeaseLock, WebLock } from "../src/lock.js";
import { TestClock } from "./support/clock.js";
import { Script } from "./support/script.js";
import { drivers, openStore } from "./support/sqlite.js";

/** How long to wait for what happens at all. */
const LONG = { timeout: 30_000 };

let made = 0;
const directories: string[] = [];

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "landfall-store-"));
  directories.push(path);
  return path;
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const path of directories.splice(0)) await rm(path, { recursive: true, force: true });
});

function row(id: string): Tables["documents"] {
  return { document_id: id, kind: "text", version: 1, title: id, deleted: false, updated_at: "", updated_by: "" };
}

const sqlite = await drivers();

const kinds: { kind: string; open: () => Promise<{ store: Store; again?: () => Promise<Store> }> }[] = [
  { kind: "memory", open: async () => ({ store: new MemoryStore() }) },
  {
    kind: "IndexedDB",
    open: async () => {
      const name = `test-${(made += 1)}`;
      return { store: await IndexedDbStore.open(name), again: () => IndexedDbStore.open(name) };
    },
  },
  {
    kind: "file",
    open: async () => {
      const path = await directory();
      return { store: await FileStore.open(path), again: () => FileStore.open(path) };
    },
  },
  ...sqlite.map((driver) => ({
    kind: `SQLite (${driver.name})`,
    open: async () => {
      const path = join(await directory(), "store.sqlite");
      return { store: openStore(driver, path), again: async () => openStore(driver, path) };
    },
  })),
];

describe.each(kinds)("the $kind store", ({ open }) => {
  test("reads what was put, in the order of keys, and what the transaction itself put", async () => {
    const { store } = await open();
    await store.transaction("write", async (tx) => {
      for (const id of ["b/2", "a/1", "b/10", "c/1"]) await tx.put("documents", id, row(id));
      await tx.delete("documents", "c/1");
      expect((await tx.all("documents")).map((each) => each.document_id)).toEqual(["a/1", "b/10", "b/2"]);
    });
    const read = await store.transaction("read", (tx) => tx.all("documents", "b/"));
    expect(read.map((each) => each.document_id)).toEqual(["b/10", "b/2"]);
    expect(await store.transaction("read", (tx) => tx.get("documents", "c/1"))).toBeUndefined();
    await store.close();
  });

  test("counts rows and tells their keys without reading them, with what the transaction itself wrote", async () => {
    const { store } = await open();
    await store.transaction("write", async (tx) => {
      for (const id of ["a/2", "a/1", "b/1"]) await tx.put("documents", id, row(id));
    });
    await store.transaction("write", async (tx) => {
      await tx.put("documents", "a/0", row("a/0"));
      await tx.delete("documents", "a/2");
      expect(await tx.keys("documents", "a/")).toEqual(["a/0", "a/1"]);
      expect(await tx.count("documents", "a/")).toBe(2);
    });
    const [keys, all, some, none] = await store.transaction("read", (tx) =>
      Promise.all([tx.keys("documents"), tx.count("documents"), tx.count("documents", "b/"), tx.count("documents", "c/")]),
    );
    expect(keys).toEqual(["a/0", "a/1", "b/1"]);
    expect([all, some, none]).toEqual([3, 1, 0]);
    await store.close();
  });

  test("keeps bytes as bytes", async () => {
    const { store, again } = await open();
    const update = new Uint8Array([0, 1, 127, 128, 255]);
    await store.transaction("write", (tx) => tx.put("yjs", "k", { document_id: "d", number: 1, update }));
    await store.close();
    const reopened = again ? await again() : store;
    const read = await reopened.transaction("read", (tx) => tx.get("yjs", "k"));
    expect(read?.update).toBeInstanceOf(Uint8Array);
    expect(read?.update).toEqual(update);
    await reopened.close();
  });

  test("writes all of a transaction or nothing", async () => {
    const { store, again } = await open();
    await store.transaction("write", (tx) => tx.put("documents", "kept", row("kept")));
    const failing = store.transaction("write", async (tx) => {
      await tx.put("documents", "lost", row("lost"));
      await tx.delete("documents", "kept");
      throw new RangeError("changed its mind");
    });
    await expect(failing).rejects.toThrow(RangeError);
    const keys = async (of: Store) =>
      (await of.transaction("read", (tx) => tx.all("documents"))).map((each) => each.document_id);
    expect(await keys(store)).toEqual(["kept"]);
    await store.close();
    if (!again) return;
    const reopened = await again();
    expect(await keys(reopened)).toEqual(["kept"]);
    await reopened.close();
  });

  test("runs transactions that read and write one after another", async () => {
    const { store } = await open();
    const count = () =>
      store.transaction("write", async (tx) => {
        const present = (await tx.get("meta", "counter")) as number | undefined;
        await tx.put("meta", "counter", (present ?? 0) + 1);
      });
    await Promise.all(Array.from({ length: 20 }, count));
    expect(await store.transaction("read", (tx) => tx.get("meta", "counter"))).toBe(20);
    await store.close();
  });

  test("hands out copies", async () => {
    const { store } = await open();
    const mine = row("d");
    await store.transaction("write", (tx) => tx.put("documents", "d", mine));
    mine.title = "changed outside";
    expect((await store.transaction("read", (tx) => tx.get("documents", "d")))?.title).toBe("d");
    await store.close();
  });

  test("carries a queue over a restart", async () => {
    const { store, again } = await open();
    if (!again) return;
    const script = new Script();
    const client = await script.client({ store });
    const id = await client.queueCreate({ title: "note", content: "typed " });
    const text = (await client.openDocument(id)).getText(ROOT);
    text.insert(text.length, "and saved");
    await client.flush();
    const queued = await client.queued();
    // Not closed: as if the page had crashed.
    const reopened = store instanceof FileStore || store instanceof SqliteStore ? (await store.close(), await again()) : await again();
    const restarted = new BatchSyncService({ url: "http://server", store: reopened, fetch: script.fetch });
    expect(await restarted.queued()).toEqual(queued);
    expect(await restarted.document(id)).toMatchObject({ content: "typed and saved" });
    expect((await restarted.openDocument(id)).getText(ROOT).toString()).toBe("typed and saved");
    expect((await restarted.sync()).status).toBe("synced");
    expect(script.pushed).toEqual([["create note"]]);
    await client.close();
    await restarted.close();
    await reopened.close();
  });
});

describe("the file store", () => {
  test("forgets a line that was torn by a crash, and goes on after it", async () => {
    const path = await directory();
    const store = await FileStore.open(path);
    await store.transaction("write", (tx) => tx.put("documents", "kept", row("kept")));
    await store.close();
    await appendFile(join(path, "journal.jsonl"), '[{"table":"documents","key":"torn","row":{"docu');
    const reopened = await FileStore.open(path);
    await reopened.transaction("write", (tx) => tx.put("documents", "next", row("next")));
    await reopened.close();
    const third = await FileStore.open(path);
    expect((await third.transaction("read", (tx) => tx.all("documents"))).map((each) => each.title)).toEqual([
      "kept",
      "next",
    ]);
    await third.close();
  });

  test("has no room: a typed error, and what was half written does not stand before the next line", async () => {
    const path = await directory();
    const store = await FileStore.open(path);
    await store.transaction("write", (tx) => tx.put("documents", "kept", row("kept")));
    const handle = await open(join(path, "journal.jsonl"));
    const full = vi
      .spyOn(Object.getPrototypeOf(handle) as FileHandle, "datasync")
      .mockRejectedValueOnce(Object.assign(new Error("no room"), { code: "ENOSPC" }));
    await handle.close();
    await expect(store.transaction("write", (tx) => tx.put("documents", "lost", row("lost")))).rejects.toThrow(
      StorageFullError,
    );
    expect(full).toHaveBeenCalledOnce();
    await store.transaction("write", (tx) => tx.put("documents", "next", row("next")));
    await store.close();
    const reopened = await FileStore.open(path);
    expect((await reopened.transaction("read", (tx) => tx.all("documents"))).map((each) => each.title)).toEqual([
      "kept",
      "next",
    ]);
    await reopened.close();
  });

  test("is written anew when it has grown long", async () => {
    const path = await directory();
    const store = await FileStore.open(path);
    const title = "x".repeat(100_000);
    for (let n = 0; n < 50; n += 1)
      await store.transaction("write", (tx) => tx.put("documents", "d", { ...row("d"), title }));
    await store.close();
    const before = (await stat(join(path, "journal.jsonl"))).size;
    const reopened = await FileStore.open(path);
    await reopened.transaction("write", (tx) => tx.put("documents", "e", row("e")));
    await reopened.close();
    expect((await stat(join(path, "journal.jsonl"))).size).toBeLessThan(before / 10);
    const third = await FileStore.open(path);
    expect((await third.transaction("read", (tx) => tx.all("documents"))).map((each) => each.title)).toEqual([
      title,
      "e",
    ]);
    await third.close();
  });

  test("is one process's at a time; a lock left behind is taken over", async () => {
    const path = await directory();
    const store = await FileStore.open(path);
    await expect(FileStore.open(path)).rejects.toThrow(StoreInUseError);
    await store.close();
    await writeFile(join(path, "lock"), "999999999");
    const reopened = await FileStore.open(path);
    expect(await readFile(join(path, "lock"), "utf8")).toBe(String(process.pid));
    await reopened.close();
  });
});

describe.each(sqlite)("the SQLite store with $name", (driver) => {
  test("is one process's at a time, by a lock that ends with it", async () => {
    const path = join(await directory(), "store.sqlite");
    const store = openStore(driver, path);
    expect(store.name).toBe(path);
    const other = driver.open(path);
    expect(() => SqliteStore.open(other)).toThrow(StoreInUseError);
    other.close();
    await store.close();
    await openStore(driver, path).close();
  });

  test("has no room: a typed error, nothing written, and it goes on where there is room again", async () => {
    const path = join(await directory(), "store.sqlite");
    const database = driver.open(path);
    const store = SqliteStore.open(database);
    await store.transaction("write", (tx) => tx.put("documents", "kept", row("kept")));
    const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
    database.exec(`PRAGMA max_page_count = ${page_count}`);
    const title = "x".repeat(100_000);
    const full = store.transaction("write", (tx) => tx.put("documents", "lost", { ...row("lost"), title }));
    await expect(full).rejects.toThrow(StorageFullError);
    database.exec("PRAGMA max_page_count = 1000000");
    await store.transaction("write", (tx) => tx.put("documents", "next", row("next")));
    expect(await store.transaction("read", (tx) => tx.keys("documents"))).toEqual(["kept", "next"]);
    await store.close();
  });

  test("refuses a database of a later format, and leaves it as it is", async () => {
    const path = join(await directory(), "store.sqlite");
    await openStore(driver, path).close();
    const later = driver.open(path);
    later.exec(`PRAGMA user_version = ${FORMAT + 1}`);
    expect(() => SqliteStore.open(later)).toThrow(`format ${FORMAT + 1}`);
    later.close();
  });

  test("tells keys and counts from an index, without the rows", async () => {
    const path = join(await directory(), "store.sqlite");
    const database = driver.open(path);
    const store = SqliteStore.open(database);
    await store.transaction("write", async (tx) => {
      for (let n = 0; n < 100; n += 1) await tx.put("documents", `${n % 2}/${n}`, row(`${n}`));
    });
    for (const sql of ["SELECT key FROM documents WHERE key >= ? AND key < ? ORDER BY key", "SELECT count(*) FROM documents WHERE key >= ? AND key < ?"]) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all("a", "b") as { detail: string }[];
      expect(plan.map(({ detail }) => detail).join()).toContain("COVERING INDEX");
    }
    expect(await store.transaction("read", (tx) => tx.count("documents", "1/"))).toBe(50);
    await store.close();
  });
});

describe("the IndexedDB store", () => {
  test("has no room: a typed error, nothing written, and everything goes on afterwards", async () => {
    const store = await IndexedDbStore.open(`test-${(made += 1)}`);
    const client = await new Script().client({ store });
    const id = await client.queueCreate({ title: "note", content: "kept" });
    const doc = await client.openDocument(id);
    const unsaved: unknown[] = [];
    client.on("unsaved", ({ error }) => unsaved.push(error));
    const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    await expect(client.queueCreate({ title: "lost" })).rejects.toThrow(StorageFullError);
    doc.getText(ROOT).insert(0, "typed without room, ");
    await expect(client.flush()).rejects.toThrow(StorageFullError);
    expect(unsaved.length).toBeGreaterThan(0);
    expect(await client.queued()).toHaveLength(1);
    full.mockRestore();
    await client.flush();
    expect(await client.document(id)).toMatchObject({ content: "typed without room, kept" });
    await client.close();
    await store.close();
  });

  test("two tabs of one device: only one syncs, and everything is sent once", async () => {
    const name = `test-${(made += 1)}`;
    const stores = [await IndexedDbStore.open(name), await IndexedDbStore.open(name)] as const;
    const script = new Script();
    const [one, two] = [await script.client({ store: stores[0] }), await script.client({ store: stores[1] })];
    for (const client of [one, two, one]) await client.queueCreate({ title: "note", kind: "text" });
    const reports = await script.clock.run(Promise.all([one.sync(), two.sync()]));
    expect(reports.map(({ status }) => status).sort()).toEqual(["busy", "synced"]);
    expect(script.pushed).toEqual([["create note", "create note", "create note"]]);
    expect(await two.queued()).toEqual([]);
    expect((await script.clock.run(two.sync())).status).toBe("synced");
    expect((await one.status()).device_id).toBe((await two.status()).device_id);
    for (const client of [one, two]) await client.close();
    for (const store of stores) await store.close();
  });

  test("opens a connection again that was ended: by the browser, for another page's sake, or by close", async () => {
    const store = await IndexedDbStore.open(`test-${(made += 1)}`);
    const client = await new Script().client({ store });
    const opened = vi.spyOn(indexedDB, "open");
    const connection = vi.spyOn(IDBDatabase.prototype, "transaction");
    await client.queueCreate({ title: "one" });
    const ends: ((database: IDBDatabase) => unknown)[] = [
      (database) => database.onclose?.(new Event("close")),
      (database) => database.onversionchange?.(new Event("versionchange") as IDBVersionChangeEvent),
      // Without a word.
      (database) => database.close(),
      () => store.close(),
    ];
    for (const [n, end] of ends.entries()) {
      await end(connection.mock.contexts.at(-1) as IDBDatabase);
      await client.queueCreate({ title: "another" });
      expect(opened).toHaveBeenCalledTimes(n + 1);
    }
    expect(await client.queued()).toHaveLength(5);
    await client.close();
    await store.close();
  });

  test("makes way for a later version of the page, and then says that this one has to be reloaded", async () => {
    const name = `test-${(made += 1)}`;
    const store = await IndexedDbStore.open(name);
    const client = await new Script().client({ store });
    const later = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open(name, FORMAT + 1);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error ?? new Error("not opened"));
    });
    await expect(client.queueCreate({ title: "late" })).rejects.toThrow("reload");
    expect(await client.sync()).toMatchObject({ status: "failed" });
    later.close();
  });

  test("the browser is asked once to keep what is queued, if it can be asked", async () => {
    const store = await IndexedDbStore.open(`test-${(made += 1)}`);
    const persist = vi.fn(() => Promise.reject(new Error("no")));
    vi.stubGlobal("navigator", { storage: { persist } });
    try {
      const client = await new Script().client({ store });
      expect(persist).not.toHaveBeenCalled();
      for (const title of ["one", "two"]) await client.queueCreate({ title });
      expect(persist).toHaveBeenCalledTimes(1);
      vi.stubGlobal("navigator", undefined);
      const other = await new Script().client({ store });
      await other.queueCreate({ title: "three" });
      for (const each of [client, other]) await each.close();
    } finally {
      vi.unstubAllGlobals();
      await store.close();
    }
  });

  test("two tabs see each other's edits as they are saved", async () => {
    const name = `test-${(made += 1)}`;
    const stores = [await IndexedDbStore.open(name), await IndexedDbStore.open(name)] as const;
    const script = new Script();
    const [one, two] = [await script.client({ store: stores[0] }), await script.client({ store: stores[1] })];
    const id = await one.queueCreate({ title: "note", content: "shared" });
    const here = (await one.openDocument(id)).getText(ROOT);
    const there = (await two.openDocument(id)).getText(ROOT);
    here.insert(0, "one ");
    await one.flush();
    await vi.waitFor(() => expect(there.toString()).toBe("one shared"), LONG);
    there.insert(there.length, " two");
    await two.flush();
    await vi.waitFor(() => expect(here.toString()).toBe("one shared two"), LONG);
    // And what becomes of them: a list that shows them as pending has to ask again.
    const told: string[] = [];
    one.on("changed", ({ document_ids }) => told.push(...document_ids));
    await script.clock.run(two.sync());
    await vi.waitFor(() => expect(told).toContain(id), LONG);
    await one.close();
    await two.close();
    for (const store of stores) await store.close();
  });
});

test("a lease is one's at a time, within a client too, and runs out when its holder is gone", async () => {
  const clock = new TestClock();
  const store = new MemoryStore();
  const [one, two] = [new LeaseLock(store, clock), new LeaseLock(store, clock)];
  let inside = 0;
  const body = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 100_000));
    inside -= 1;
  };
  await clock.run(Promise.all([one.wait("x", body), one.wait("x", body), two.wait("x", body)]));
  await store.transaction("write", (tx) => tx.put("meta", "lease:x", { holder: "gone", until: clock.now() + 30_000 }));
  const started = clock.now();
  await clock.run(one.wait("x", async () => undefined));
  expect(clock.now() - started).toBeGreaterThanOrEqual(30_000);
});

test("many edits of one operation are folded", async () => {
  const store = new MemoryStore();
  const client = await new Script().client({ store });
  const id = await client.queueCreate({ title: "note" });
  const text = (await client.openDocument(id)).getText(ROOT);
  for (let n = 0; n < 200; n += 1) {
    text.insert(text.length, `${n} `);
    await client.flush();
  }
  expect((await store.transaction("read", (tx) => tx.all("yjs"))).length).toBeLessThan(70);
  expect((await client.document(id))?.content).toBe(text.toString());
  expect(await client.queued()).toHaveLength(1);
});

test("where there are Web Locks they are used", async () => {
  const held = new Set<string>();
  const asked: string[] = [];
  const locks = {
    async request(name: string, options: { ifAvailable?: boolean }, body: (lock: unknown) => Promise<unknown>) {
      asked.push(name);
      if (options.ifAvailable && held.has(name)) return body(null);
      held.add(name);
      return body({}).finally(() => held.delete(name));
    },
  } as unknown as LockManager;
  const lock = new WebLock(locks, "notes");
  const inner = await lock.attempt("sync", () => lock.attempt("sync", async () => "twice"));
  expect(inner).toEqual({ result: undefined });
  expect(await lock.attempt("sync", async () => "free again")).toEqual({ result: "free again" });
  expect(new Set(asked)).toEqual(new Set(["landfall:notes:sync"]));
});

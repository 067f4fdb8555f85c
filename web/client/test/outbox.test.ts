// The queue: durable, named once, coalesced, in order, in chunks.
import { describe, expect, test } from "vitest";
import {
  MemoryStore,
  NoSuchDocument,
  ROOT,
  StorageFullError,
  type BatchSyncService,
  type Store,
  type Transaction,
} from "../src/index.js";
import type { Change } from "../src/memory-store.js";
import { failure, Script, tombstone } from "./support/script.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A store without room for anything more, when told so. */
class FullStore extends MemoryStore {
  full = false;
  protected override persist(): Promise<void> {
    return this.full ? Promise.reject(new StorageFullError()) : Promise.resolve();
  }
}

type Step = (client: BatchSyncService, id: string) => Promise<unknown>;
const rename: (title: string) => Step = (title) => (client, id) => client.queueUpdate(id, { title });
const write: (content: string) => Step = (content) => (client, id) => client.queueUpdate(id, { content });
const remove: Step = (client, id) => client.queueDelete(id);
const revive: Step = (client, id) => client.queueUpdate(id, { restore: true });

describe("coalescing", () => {
  const table: { what: string; known: boolean; steps: Step[]; queue: object[] }[] = [
    {
      what: "a create and edits are one create",
      known: false,
      steps: [rename("new"), write("text")],
      queue: [{ operation: "create", title: "new", content: "text" }],
    },
    { what: "a create and a delete are nothing", known: false, steps: [write("text"), remove], queue: [] },
    {
      what: "edits are one update",
      known: true,
      steps: [write("a"), rename("new"), write("b")],
      queue: [{ operation: "update", title: "new", content: "b", base_version: 1 }],
    },
    {
      what: "edits and a delete are a delete",
      known: true,
      steps: [write("a"), remove],
      queue: [{ operation: "delete", base_version: 1 }],
    },
    { what: "what changes nothing is nothing", known: true, steps: [rename("note"), write("first")], queue: [] },
    {
      what: "a delete that is taken back is an edit",
      known: true,
      steps: [remove, revive],
      queue: [{ operation: "update", content: "first", base_version: 1 }],
    },
  ];
  test.each(table)("$what", async ({ known, steps, queue }) => {
    const script = new Script();
    const client = await script.client();
    const id = await client.queueCreate({ title: "note", content: "first", kind: "text" });
    if (known) await script.clock.run(client.sync());
    for (const step of steps) await step(client, id);
    expect(await client.queued()).toMatchObject(queue);
    expect(await client.queued()).toHaveLength(queue.length);
    for (const row of await client.queued()) expect(row).not.toHaveProperty("restore");
  });

  test("never into an operation that was sent once", async () => {
    const script = new Script();
    const client = await script.client({ retries: 1 });
    const id = await client.queueCreate({ title: "sent", kind: "text" });
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("lost") : undefined);
    expect((await script.clock.run(client.sync())).status).toBe("offline");
    await client.queueUpdate(id, { title: "edited" });
    await client.queueUpdate(id, { title: "edited twice" });
    expect(await client.queued()).toMatchObject([
      { operation: "create", title: "sent" },
      { operation: "update", title: "edited twice" },
    ]);
    script.on = () => undefined;
    script.seen.length = 0;
    await script.clock.run(client.sync());
    // In order, and one after the other: the second is made on what became of the first.
    expect(script.pushed).toEqual([["create sent"], ["update edited twice"]]);
    expect(script.batches[1]?.operations[0]).toMatchObject({ base_version: 1 });
  });

  test("a sent create and a delete are both sent", async () => {
    const script = new Script();
    const client = await script.client({ retries: 1 });
    const id = await client.queueCreate({ title: "sent" });
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("lost") : undefined);
    await script.clock.run(client.sync());
    await client.queueDelete(id);
    script.on = () => undefined;
    script.seen.length = 0;
    await script.clock.run(client.sync());
    expect(script.pushed).toEqual([["create sent"], ["delete"]]);
    expect(await client.queued()).toEqual([]);
  });
});

describe("the queue", () => {
  test("is durable before the promise resolves, and untouched when there is no room", async () => {
    const script = new Script();
    const store = new FullStore();
    const client = await script.client({ store });
    const id = await client.queueCreate({ title: "kept", content: "first", kind: "text" });
    const before = await snapshot(store);
    store.full = true;
    await expect(client.queueCreate({ title: "lost" })).rejects.toThrow(StorageFullError);
    await expect(client.queueUpdate(id, { content: "lost" })).rejects.toThrow(StorageFullError);
    await expect(client.queueDelete(id)).rejects.toThrow(StorageFullError);
    expect((await script.clock.run(client.sync())).status).toBe("storage-full");
    expect(await snapshot(store)).toEqual(before);
    store.full = false;
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    expect(script.pushed).toEqual([["create kept"]]);
  });

  test("no room to note an answer: the operation stays, and is sent again as it was", async () => {
    const script = new Script();
    const store = new FullStore();
    const client = await script.client({ store });
    await client.queueCreate({ title: "note" });
    script.on = ({ path }) => void (store.full = path.endsWith("/batch"));
    expect((await script.clock.run(client.sync())).status).toBe("storage-full");
    expect(await client.queued()).toHaveLength(1);
    script.on = () => void (store.full = false);
    store.full = false;
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    expect(script.batches[1]?.operations).toEqual(script.batches[0]?.operations);
  });

  test("names an operation once: UUIDv7, ascending, and the same after a restart and at every try", async () => {
    const script = new Script();
    const store = new MemoryStore();
    const client = await script.client({ store, retries: 2 });
    for (const title of ["a", "b", "c"]) await client.queueCreate({ title });
    const names = (await client.queued()).map((row) => row.client_id);
    expect(names.every((name) => UUID_V7.test(name))).toBe(true);
    expect([...names].sort()).toEqual(names);
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("lost") : undefined);
    await script.clock.run(client.sync());
    const restarted = await script.client({ store });
    script.on = () => undefined;
    await script.clock.run(restarted.sync());
    const device = (await restarted.status()).device_id;
    expect(script.batches.map((batch) => batch.device_id)).toEqual([device]);
    expect(script.batches[0]?.operations.map((row) => row.client_id)).toEqual(names);
  });

  test("every try carries the same operations, byte for byte", async () => {
    const script = new Script();
    const client = await script.client();
    const id = await client.queueCreate({ title: "note", content: "text" });
    let tries = 0;
    script.on = ({ path }) => (path.endsWith("/batch") && (tries += 1) < 3 ? new Error("lost") : undefined);
    const sync = client.sync();
    (await client.openDocument(id)).getText("content").insert(0, "typed meanwhile: ");
    expect((await script.clock.run(sync)).status).toBe("synced");
    const operations = script.batches.slice(0, 3).map((batch) =>
      JSON.stringify(
        batch.operations.map((row) => ({
          ...row,
          data: { ...("data" in row ? row.data : {}), state_vector_b64: "" },
        })),
      ),
    );
    expect(new Set(operations).size).toBe(1);
  });

  test("is chunked by count, within the server's limits", async () => {
    const script = new Script();
    const client = await script.client({ batchSize: 40 });
    script.limits.max_operations = 30;
    for (let n = 0; n < 70; n += 1) await client.queueCreate({ title: `note ${n}`, kind: "text" });
    await script.clock.run(client.sync());
    expect(script.pushed.map((batch) => batch.length)).toEqual([30, 30, 10]);
    expect(script.pushed.flat()).toEqual(Array.from({ length: 70 }, (_, n) => `create note ${n}`));
  });

  test("is chunked by bytes; what is too large alone is sent alone", async () => {
    const script = new Script();
    const client = await script.client();
    script.limits.max_body_bytes = 10_000;
    const sizes = [3000, 3000, 3000, 20_000, 100];
    for (const size of sizes)
      await client.queueCreate({ title: String(size), content: "é".repeat(size / 2), kind: "text" });
    const lengths: number[] = [];
    script.on = ({ path, body }) => {
      if (path.endsWith("/batch")) lengths.push(new TextEncoder().encode(JSON.stringify(body)).length);
      return undefined;
    };
    await script.clock.run(client.sync());
    expect(script.pushed).toEqual([["create 3000", "create 3000"], ["create 3000"], ["create 20000"], ["create 100"]]);
    expect(lengths.filter((length) => length > 10_000)).toHaveLength(1);
  });

  test("operations on one document never overtake each other, with many chunks under way", async () => {
    const script = new Script();
    const store = new MemoryStore();
    const first = await script.client({ store, retries: 1 });
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, n) => first.queueCreate({ title: `${n}`, kind: "text" })),
    );
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("lost") : undefined);
    await script.clock.run(first.sync());
    for (const id of ids) await first.queueUpdate(id, { content: "edited" });
    const underWay = new Set<string>();
    let most = 0;
    script.on = async ({ path, body }) => {
      if (!path.endsWith("/batch")) return undefined;
      const documents = (body as { operations: { document_id: string }[] }).operations.map((row) => row.document_id);
      expect(documents.filter((id) => underWay.has(id))).toEqual([]);
      for (const id of documents) underWay.add(id);
      most = Math.max(most, underWay.size);
      await new Promise<void>((resolve) =>
        script.clock.setTimeout(resolve, 100 * (1 + ((documents[0]?.charCodeAt(35) ?? 0) % 5))),
      );
      for (const id of documents) underWay.delete(id);
      return undefined;
    };
    const second = await script.client({ store, concurrency: 4, batchSize: 2 });
    expect((await script.clock.run(second.sync())).status).toBe("synced");
    expect(most).toBeGreaterThan(2);
    expect(script.pushed.flat()).toHaveLength(24);
    for (const [n, id] of ids.entries()) {
      const kinds = script.batches.flatMap((batch) => batch.operations).filter((row) => row.document_id === id);
      expect(kinds.map((row) => row.operation)).toEqual(["create", "update"]);
      expect(kinds[1], `document ${n}`).toMatchObject({ base_version: 1 });
    }
  });

  test("a document that is not there cannot be changed", async () => {
    const client = await new Script().client();
    const id = await client.queueCreate({ title: "gone" });
    await client.queueDelete(id);
    for (const step of [rename("x"), write("x"), remove])
      await expect(step(client, id)).rejects.toThrow(NoSuchDocument);
  });
});

describe("a key that is typed when another tab has deleted the document", () => {
  /** Two tabs of one device; the first one has a document open. */
  const twoTabs = async (known: boolean) => {
    const script = new Script();
    const store = new MemoryStore();
    const [one, two] = [await script.client({ store }), await script.client({ store })];
    const id = await one.queueCreate({ title: "note", content: "kept" });
    if (known) await script.clock.run(one.sync());
    const doc = await one.openDocument(id);
    await two.queueDelete(id);
    if (known) await script.clock.run(two.sync());
    const other = await one.queueCreate({ title: "other", kind: "text" });
    script.seen.length = 0;
    doc.getText(ROOT).insert(4, ", and typed");
    return { script, one, id, doc, other };
  };

  test("becomes a conflict about the deletion, and holds up nothing else", async () => {
    const { script, one, id, doc, other } = await twoTabs(true);
    doc.destroy();
    script.judge = (operation) =>
      operation.document_id === id ? { ...failure("deleted"), status: "conflict", server: tombstone(id, 2) } : {};
    expect((await script.clock.run(one.sync())).status).toBe("synced");
    expect(script.pushed.flat()).toContain("create other");
    expect(await one.conflicts()).toMatchObject([
      { error: { code: "deleted" }, mine: { content: "kept, and typed", deleted: false }, theirs: { deleted: true } },
    ]);
    await one.queueUpdate(other, { title: "renamed" });
    const [conflict] = await one.conflicts();
    await one.resolve(conflict?.client_id ?? "", { choice: "mine" });
    script.judge = () => ({});
    expect((await script.clock.run(one.sync())).status).toBe("synced");
    expect(script.batches.at(-1)?.operations).toMatchObject([{ document_id: other }, { restore: true, base_version: 2 }]);
    expect(await one.document(id)).toMatchObject({ content: "kept, and typed" });
  });

  test("makes the document anew if the server never knew of it", async () => {
    const { script, one, id, doc } = await twoTabs(false);
    await one.flush();
    doc.getText(ROOT).insert(0, "still ");
    expect((await script.clock.run(one.sync())).status).toBe("synced");
    expect(script.pushed.flat()).toContain("create note");
    expect(await one.document(id)).toMatchObject({ title: "note", content: "still kept, and typed", version: 1 });
  });
});

test("one document whose edit cannot be saved does not keep others from the disk", async () => {
  const store = new PickyStore();
  const client = await new Script().client({ store });
  const ids = [await client.queueCreate({ title: "one" }), await client.queueCreate({ title: "two" })];
  const docs = await Promise.all(ids.map((id) => client.openDocument(id)));
  store.refused = ids[0];
  for (const doc of docs) doc.getText(ROOT).insert(0, "typed");
  await expect(client.flush()).rejects.toThrow("broken");
  expect(await client.document(ids[1] ?? "")).toMatchObject({ content: "typed" });
  store.refused = undefined;
  await client.flush();
  expect(await client.document(ids[0] ?? "")).toMatchObject({ content: "typed" });
});

test("a sync that fails as nobody foresaw says so in its report, and is over", async () => {
  const script = new Script();
  const broken = () => Promise.reject(new TypeError("broken"));
  const client = await script.client({ lock: { attempt: broken, wait: (_name, body) => body() } });
  const ended: unknown[] = [];
  client.on("synced", ({ status }) => ended.push(status));
  expect(await script.clock.run(client.sync())).toMatchObject({ status: "failed", error: { message: "broken" } });
  expect(ended).toEqual(["failed"]);
});

/** A store that fails on one document. */
class PickyStore extends MemoryStore {
  refused: string | undefined;

  protected override persist(changes: readonly Change[]): Promise<void> {
    const isRefused = changes.some(({ key }) => this.refused !== undefined && key.startsWith(this.refused));
    return isRefused ? Promise.reject(new Error("broken")) : Promise.resolve();
  }
}

function snapshot(store: Store): Promise<unknown> {
  const read = async (tx: Transaction) => [await tx.all("operations"), await tx.all("documents"), await tx.all("yjs")];
  return store.transaction("read", read);
}

test("tells of what this tab queues, once it is on disk", async () => {
  const client = await new Script().client();
  const told: string[][] = [];
  const onDisk: Promise<string[]>[] = [];
  client.on("queued", ({ document_ids }) => {
    told.push(document_ids);
    onDisk.push(client.queued().then((rows) => rows.map((row) => row.document_id)));
  });
  const id = await client.queueCreate({ title: "note" });
  await client.queueUpdate(id, { title: "renamed" });
  (await client.openDocument(id)).getText(ROOT).insert(0, "typed");
  await client.flush();
  const other = await client.queueCreate({ title: "other" });
  await client.queueDelete(other);
  expect(told).toEqual([[id], [id], [id], [other], [other]]);
  expect(await Promise.all(onDisk)).toEqual([[id], [id], [id], [id, other], [id]]);
});

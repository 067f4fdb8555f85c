// What harmed texts once, against the real server: rich text under other roots, documents made anew under their id, line ends,
// whole texts on stale versions, and what a small change of a large document costs.
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import {
  BaseUnknown,
  BatchSyncService,
  MemoryStore,
  replaceText,
  ROOT,
  type Fetch,
  type SyncReport,
} from "../src/index.js";
import { TestServer } from "./support/server.js";

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

/** Devices of one new user, all logged in. */
async function devices<N extends string>(...names: N[]): Promise<Record<N, BatchSyncService & { store: MemoryStore }>> {
  const user = `harm-${(users += 1)}`;
  const made: Partial<Record<N, BatchSyncService & { store: MemoryStore }>> = {};
  for (const [n, name] of names.entries()) {
    const store = new MemoryStore();
    const device = new BatchSyncService({ url: server.url, store });
    await (n === 0 ? device.register(user, "correct horse battery") : device.login(user, "correct horse battery"));
    made[name] = Object.assign(device, { store });
  }
  return made as Record<N, BatchSyncService & { store: MemoryStore }>;
}

function well(report: SyncReport): void {
  expect(report).toMatchObject({ status: "synced", again: 0, progress: { failed: 0, skipped: 0 } });
}

const textOf = async (device: BatchSyncService, id: string) => (await device.document(id))?.content;

/** A document as Lexical keeps it: paragraphs under the root `root`. */
async function writeAsLexical(device: BatchSyncService, id: string, words: string): Promise<void> {
  const doc = await device.openDocument(id);
  const paragraph = new Y.XmlText();
  doc.get("root", Y.XmlText).insertEmbed(0, paragraph);
  paragraph.insert(0, words);
  await device.flush();
}

test("mine, of rich text under another root with another history, is kept as a copy", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const document_id = crypto.randomUUID();
  for (const [device, words] of [[phone, "theirs"], [laptop, "mine"]] as const) {
    await device.queueCreate({ document_id, title: "rich" });
    await writeAsLexical(device, document_id, words);
    await device.sync();
  }
  const [conflict] = await laptop.conflicts();
  const settled = await laptop.resolve(conflict?.client_id ?? "", { choice: "mine" });
  expect(settled.copy_id).toBeDefined();
  for (const device of [laptop, phone]) well(await device.sync());
  for (const device of [laptop, phone]) {
    expect((await device.openDocument(document_id)).get("root", Y.XmlText).toString()).toContain("theirs");
    expect((await device.openDocument(settled.copy_id ?? "")).get("root", Y.XmlText).toString()).toContain("mine");
    expect(await textOf(device, settled.copy_id ?? "")).toContain("mine");
  }
});

test("mine, plain, against rich text: neither is lost", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const document_id = crypto.randomUUID();
  await phone.queueCreate({ document_id, title: "rich" });
  await writeAsLexical(phone, document_id, "theirs");
  await phone.sync();
  await laptop.queueCreate({ document_id, title: "plain", content: "mine" });
  await laptop.sync();
  const [conflict] = await laptop.conflicts();
  const { copy_id = "" } = await laptop.resolve(conflict?.client_id ?? "", { choice: "mine" });
  for (const device of [laptop, phone]) well(await device.sync());
  expect(await textOf(phone, copy_id)).toBe("mine");
  expect((await laptop.openDocument(document_id)).get("root", Y.XmlText).toString()).toContain("theirs");
});

test("a whole text for rich text under another root is refused, and nothing is touched", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const id = await laptop.queueCreate({ title: "rich" });
  await writeAsLexical(laptop, id, "words");
  well(await laptop.sync());
  await expect(laptop.queueUpdate(id, { content: "a second root" })).rejects.toThrow("rich text");
  expect(await laptop.queued()).toEqual([]);
  well(await phone.sync());
  expect([...(await phone.openDocument(id)).share.keys()]).not.toContain(ROOT);
});

test("a whole text that was made before others wrote is merged with what they wrote", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const id = await laptop.queueCreate({ title: "list", content: "- [ ] milk\n- [ ] bread\n" });
  well(await laptop.sync());
  well(await phone.sync());
  const read = await phone.document(id);
  await laptop.queueUpdate(id, { content: "- [x] milk\n- [ ] bread\n- [ ] tea\n" });
  well(await laptop.sync());
  well(await phone.sync());
  const base = { base_version: read?.version ?? 0 };
  await phone.queueUpdate(id, { content: "- [x] milk\n- [x] bread\n", ...base });
  expect(await textOf(phone, id)).toBe("- [x] milk\n- [x] bread\n- [ ] tea\n");
  for (const device of [phone, laptop]) well(await device.sync());
  expect(await textOf(laptop, id)).toBe("- [x] milk\n- [x] bread\n- [ ] tea\n");
  // One that nobody was given here cannot be merged, and overwrites nothing.
  const stranger = new BatchSyncService({ url: server.url, store: phone.store });
  await expect(stranger.queueUpdate(id, { content: "all mine", ...base })).rejects.toThrow(BaseUnknown);
});

test("a daily note that was deleted, made anew under its id and settled as mine is settled for good", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const document_id = crypto.randomUUID();
  await phone.queueCreate({ document_id, title: "Monday", content: "old words\n" });
  well(await phone.sync());
  await phone.queueDelete(document_id);
  well(await phone.sync());
  await laptop.queueCreate({ document_id, title: "Monday", content: "new words\n" });
  await laptop.sync();
  const [conflict] = await laptop.conflicts();
  expect(conflict?.error.code).toBe("deleted");
  await laptop.resolve(conflict?.client_id ?? "", { choice: "mine" });
  // Goes on being written, while it is brought back.
  expect(await textOf(laptop, document_id)).toBe("new words\n");
  const text = (await laptop.openDocument(document_id)).getText(ROOT);
  text.insert(text.length, "and more\n");
  for (const device of [laptop, laptop, phone, laptop]) well(await device.sync());
  expect(await laptop.status()).toMatchObject({ queued: 0, conflicts: 0, dead_letters: 0 });
  for (const device of [laptop, phone]) expect(await textOf(device, document_id)).toBe("new words\nand more\n");
  await phone.queueUpdate(document_id, { content: "new words\nand more\nfrom the phone\n" });
  for (const device of [phone, laptop]) well(await device.sync());
  expect(await textOf(laptop, document_id)).toBe("new words\nand more\nfrom the phone\n");
});

test("what was deleted and made anew under its id, with the tombstone never seen, is there once", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const document_id = await laptop.queueCreate({ title: "note", content: "the text\n" });
  for (const device of [laptop, phone]) well(await device.sync());
  const open = await phone.openDocument(document_id);
  const replaced: string[] = [];
  phone.on("replaced", (event) => replaced.push(event.document_id));
  const anew = new Y.Doc();
  anew.getText(ROOT).insert(0, "the text\n");
  const yjs_state_b64 = Buffer.from(Y.encodeStateAsUpdate(anew)).toString("base64");
  const { workspace_id } = await laptop.status();
  const answer = await laptop.call<{ successful: number }>("POST", "/api/v1/documents/batch", {
    workspace_id,
    operations: [
      { operation: "delete", client_id: "1", document_id, base_version: 1 },
      { operation: "create", client_id: "2", document_id, data: { title: "note", yjs_state_b64 } },
    ],
  });
  expect(answer.successful).toBe(2);
  for (const device of [laptop, phone]) well(await device.sync());
  for (const device of [laptop, phone]) expect(await textOf(device, document_id)).toBe("the text\n");
  expect(replaced).toEqual([document_id]);
  expect(open.isDestroyed).toBe(true);
  await phone.queueUpdate(document_id, { content: "the text, edited\n" });
  for (const device of [phone, laptop]) well(await device.sync());
  expect(await textOf(laptop, document_id)).toBe("the text, edited\n");
});

test("what is deleted and made anew here goes on, and meets no conflict", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  for (const isSent of [false, true]) {
    const document_id = await laptop.queueCreate({ title: "note", content: "the text\n" });
    for (const device of [laptop, phone]) well(await device.sync());
    await laptop.queueDelete(document_id);
    if (isSent) well(await laptop.sync());
    await laptop.queueCreate({ document_id, title: "again", content: "the text, anew\n" });
    for (const device of [laptop, phone]) well(await device.sync());
    expect(await laptop.status()).toMatchObject({ conflicts: 0, dead_letters: 0, queued: 0 });
    for (const device of [laptop, phone]) {
      expect(await device.document(document_id)).toMatchObject({ title: "again", content: "the text, anew\n" });
    }
  }
});

test("two editors of a text with CR LF, at once: what was shown, and both edits", async () => {
  const { laptop, phone, tablet } = await devices("laptop", "phone", "tablet");
  const id = await tablet.queueCreate({ title: "note" });
  // As an older client wrote it.
  (await tablet.openDocument(id)).getText(ROOT).insert(0, "one\r\ntwo\r\nlast line\r\n");
  await tablet.flush();
  for (const device of [tablet, laptop, phone]) well(await device.sync());
  const [here, there] = [await laptop.openDocument(id), await phone.openDocument(id)].map((doc) => doc.getText(ROOT));
  if (!here || !there) throw new Error("not open");
  expect(here.toString()).toBe("one\ntwo\nlast line\n");
  // Nothing is written by looking.
  expect([await laptop.queued(), await phone.queued()]).toEqual([[], []]);
  here.insert(here.length, "END typed");
  replaceText(there, `zero\n${there.toString()}`);
  const seen: unknown[] = [];
  there.observe((event) => seen.push(...event.delta));
  for (const device of [laptop, phone, laptop, tablet]) well(await device.sync());
  expect(here.toString()).toBe("zero\none\ntwo\nlast line\nEND typed");
  expect(there.toString()).toBe(here.toString());
  expect(seen, "an editor sees the other's edit, and no line end").toEqual([{ retain: 23 }, { insert: "END typed" }]);
  expect(await textOf(tablet, id)).toBe(here.toString());
  // A line end from a client that knows no better is never seen by an editor either.
  const old = new Y.Doc();
  old.getText(ROOT).insert(0, "x");
  (await tablet.openDocument(id)).getText(ROOT).insert(0, "again\r\n");
  await tablet.flush();
  seen.length = 0;
  for (const device of [tablet, phone]) well(await device.sync());
  expect(there.toString()).toBe("again\nzero\none\ntwo\nlast line\nEND typed");
  expect(seen).toEqual([{ insert: "again\n" }]);
});

test("50 small edits of others to a large document cost a few kilobytes, and fold", async () => {
  const { laptop, phone } = await devices("laptop", "phone");
  const id = await laptop.queueCreate({ title: "large", content: "a line of text\n".repeat(20_000) });
  for (const device of [laptop, phone]) well(await device.sync());
  let received = 0;
  const counting: Fetch = async (input, init) => {
    const response = await fetch(input, init);
    received += (await response.clone().arrayBuffer()).byteLength;
    return response;
  };
  const counted = new BatchSyncService({ url: server.url, store: phone.store, fetch: counting });
  const text = (await laptop.openDocument(id)).getText(ROOT);
  const before = await stored(phone.store, id);
  for (let n = 0; n < 50; n += 1) {
    text.insert((n * 4001) % text.length, "x");
    await laptop.flush();
    well(await laptop.sync());
    well(await counted.sync());
  }
  expect(await textOf(counted, id)).toBe(text.toString());
  expect(received).toBeLessThan(100_000);
  const after = await stored(phone.store, id);
  expect(after.bytes - before.bytes).toBeLessThan(20_000);
  // The sole writer's own rows fold as well.
  for (let n = 0; n < 100; n += 1) {
    text.insert(n, "y");
    await laptop.flush();
    if (n % 2 === 0) well(await laptop.sync());
  }
  expect((await stored(laptop.store, id)).rows).toBeLessThan(140);
  console.log(`50 edits of others: ${received} bytes received, ${after.bytes - before.bytes} stored`);
});

async function stored(store: MemoryStore, id: string): Promise<{ rows: number; bytes: number }> {
  const rows = await store.transaction("read", (tx) => tx.all("yjs", `${id}/`));
  return { rows: rows.length, bytes: rows.reduce((sum, { update }) => sum + update.length, 0) };
}

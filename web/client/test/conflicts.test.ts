// Conflicts with the real server: both sides are kept until somebody chooses, and each choice does what it says. The
// devices keep their data in IndexedDB, as a page does.
import "fake-indexeddb/auto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BatchSyncService,
  IndexedDbStore,
  ResolutionError,
  ROOT,
  type Conflict,
  type DocumentKind,
  type Resolution,
} from "../src/index.js";
import { TestServer } from "./support/server.js";

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  for (const device of devices) await device.close();
  await server.stop();
});

const devices: BatchSyncService[] = [];

/** Two devices of one new user, both logged in. */
async function twoDevices(): Promise<[BatchSyncService, BatchSyncService]> {
  const name = `conflict-${(users += 1)}`;
  const make = async (device: string) => {
    const made = new BatchSyncService({ url: server.url, store: await IndexedDbStore.open(`${name} ${device}`) });
    devices.push(made);
    return made;
  };
  const [laptop, phone] = [await make("laptop"), await make("phone")];
  await laptop.register(name, "correct horse battery");
  await phone.login(name, "correct horse battery");
  return [laptop, phone];
}

interface Clash {
  laptop: BatchSyncService;
  phone: BatchSyncService;
  id: string;
  conflict: Conflict;
}

type Deed = (device: BatchSyncService, id: string) => Promise<unknown>;
const write =
  (content: string): Deed =>
  (device, id) =>
    device.queueUpdate(id, { content });
const remove: Deed = (device, id) => device.queueDelete(id);

/** Two devices that have one document; the phone does something to it and syncs, then the laptop. */
async function clash(kind: DocumentKind, onPhone: Deed, onLaptop: Deed): Promise<Clash> {
  const [laptop, phone] = await twoDevices();
  const id = await laptop.queueCreate({ title: "note", content: "base\n", kind });
  await laptop.sync();
  await phone.sync();
  await onPhone(phone, id);
  expect((await phone.sync()).status).toBe("synced");
  await onLaptop(laptop, id);
  const told: Conflict[] = [];
  laptop.on("conflict", (each) => told.push(each));
  expect((await laptop.sync()).progress).toMatchObject({ failed: 1, errors: [{ document_id: id }] });
  const [conflict] = await laptop.conflicts();
  if (!conflict) throw new Error("there is no conflict");
  expect(told).toEqual([conflict]);
  expect(await laptop.status()).toMatchObject({ queued: 0, conflicts: 1 });
  return { laptop, phone, id, conflict };
}

/** Settles it, syncs both, and tells what each has: titles and texts. */
async function settle({ laptop, phone, conflict }: Clash, resolution: Resolution): Promise<string[]> {
  await laptop.resolve(conflict.client_id, resolution);
  for (const device of [laptop, phone, laptop])
    expect(await device.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
  expect(await laptop.status()).toMatchObject({ queued: 0, conflicts: 0, dead_letters: 0 });
  const contents = async (device: BatchSyncService) => {
    const all = await Promise.all((await device.documents()).map((row) => device.document(row.document_id)));
    return all.map((row) => `${row?.title}: ${row?.content}`).sort();
  };
  expect(await contents(phone)).toEqual(await contents(laptop));
  return contents(laptop);
}

interface Case {
  resolution: Resolution;
  leaves: string[];
}

describe("a plain text that both changed", () => {
  const both = () => clash("text", write("theirs\n"), write("mine\n"));

  test("keeps both sides, the base, and the text with markers", async () => {
    const { laptop, id, conflict } = await both();
    expect(conflict).toMatchObject({
      error: { code: "version_mismatch" },
      mine: { title: "note", content: "mine\n", deleted: false },
      theirs: { version: 2, content: "theirs\n" },
      base: { version: 1, content: "base\n" },
    });
    expect(conflict.merge).toContain("<<<<<<<");
    expect(await laptop.document(id)).toMatchObject({ content: "mine\n" });
    expect(Object.fromEntries(await laptop.documentStates())).toEqual({ [id]: "conflict" });
  });

  test("is not sent again before somebody chose; what is typed meanwhile is part of mine", async () => {
    const conflict = await both();
    await conflict.laptop.queueUpdate(conflict.id, { content: "mine, typed on\n" });
    expect(await conflict.laptop.sync()).toMatchObject({ status: "synced", progress: { total: 1, skipped: 1 } });
    expect(await settle(conflict, { choice: "mine" })).toEqual(["note: mine, typed on\n"]);
  });

  test("a newer version than the one that was seen conflicts again", async () => {
    const conflict = await both();
    await conflict.phone.queueUpdate(conflict.id, { content: "theirs, newer\n" });
    await conflict.phone.sync();
    await conflict.laptop.resolve(conflict.conflict.client_id, { choice: "mine" });
    expect(await conflict.laptop.sync()).toMatchObject({ progress: { failed: 1 } });
    expect(await conflict.laptop.conflicts()).toMatchObject([{ theirs: { content: "theirs, newer\n" } }]);
  });

  test.each<Case>([
    { resolution: { choice: "mine" }, leaves: ["note: mine\n"] },
    { resolution: { choice: "theirs" }, leaves: ["note: theirs\n"] },
    { resolution: { choice: "merged", content: "both\n", title: "ours" }, leaves: ["ours: both\n"] },
    { resolution: { choice: "copy" }, leaves: ["note (copy): mine\n", "note: theirs\n"] },
  ])("settled as $resolution.choice", async ({ resolution, leaves }) => {
    expect(await settle(await both(), resolution)).toEqual(leaves);
  });
});

describe.each<DocumentKind>(["text", "yjs"])("a %s document that they deleted and I changed", (kind) => {
  test.each<Case>([
    { resolution: { choice: "mine" }, leaves: ["note: mine\n"] },
    { resolution: { choice: "theirs" }, leaves: [] },
    { resolution: { choice: "merged", content: "both\n" }, leaves: ["note: both\n"] },
    { resolution: { choice: "copy", title: "kept" }, leaves: ["kept: mine\n"] },
  ])("settled as $resolution.choice", async ({ resolution, leaves }) => {
    const conflict = await clash(kind, remove, write("mine\n"));
    expect(conflict.conflict).toMatchObject({ error: { code: "deleted" }, theirs: { deleted: true } });
    expect(await settle(conflict, resolution)).toEqual(leaves);
  });
});

test("while somebody has to choose, nothing is united behind their back", async () => {
  const { laptop, phone, id } = await clash("yjs", remove, write("mine\n"));
  await phone.queueUpdate(id, { restore: true });
  await phone.queueUpdate(id, { content: "base, restored\n" });
  expect(await phone.sync()).toMatchObject({ status: "synced", progress: { succeeded: 1, failed: 0 } });
  await laptop.pull();
  expect(await laptop.document(id)).toMatchObject({ content: "mine\n" });
  expect(await laptop.conflicts()).toHaveLength(1);
});

describe.each<DocumentKind>(["text", "yjs"])("a %s document that I deleted and they changed", (kind) => {
  test.each<Case>([
    { resolution: { choice: "mine" }, leaves: [] },
    { resolution: { choice: "theirs" }, leaves: ["note: theirs\n"] },
    { resolution: { choice: "merged", content: "both\n" }, leaves: ["note: both\n"] },
  ])("settled as $resolution.choice", async ({ resolution, leaves }) => {
    const conflict = await clash(kind, write("theirs\n"), remove);
    expect(conflict.conflict).toMatchObject({ error: { code: "version_mismatch" }, mine: { deleted: true } });
    expect(await settle(conflict, resolution)).toEqual(leaves);
  });

  test("has nothing to copy, and says so", async () => {
    const { laptop, conflict } = await clash(kind, write("theirs\n"), remove);
    await expect(laptop.resolve(conflict.client_id, { choice: "copy" })).rejects.toThrow(ResolutionError);
    expect(await laptop.conflicts()).toEqual([conflict]);
  });
});

describe("a Yjs document that two devices seeded each on their own", () => {
  /** Both make a document under one id, each with a history of its own. */
  async function seeded(): Promise<Clash> {
    const [laptop, phone] = await twoDevices();
    const id = await laptop.queueCreate({ title: "note", content: "mine\n" });
    await phone.queueCreate({ title: "note", content: "theirs\n", document_id: id });
    await phone.sync();
    await laptop.sync();
    const [conflict] = await laptop.conflicts();
    if (!conflict) throw new Error("there is no conflict");
    expect(conflict.mine).toMatchObject({ content: "mine\n" });
    return { laptop, phone, id, conflict };
  }

  test.each<Case>([
    { resolution: { choice: "mine" }, leaves: ["note: mine\n"] },
    { resolution: { choice: "theirs" }, leaves: ["note: theirs\n"] },
    { resolution: { choice: "merged", content: "both\n" }, leaves: ["note: both\n"] },
    { resolution: { choice: "copy" }, leaves: ["note (copy): mine\n", "note: theirs\n"] },
  ])("settled as $resolution.choice: the text is never doubled", async ({ resolution, leaves }) => {
    expect(await settle(await seeded(), resolution)).toEqual(leaves);
  });

  test("a pull before the push does not unite them either", async () => {
    const [laptop, phone] = await twoDevices();
    const id = await phone.queueCreate({ title: "note", content: "theirs\n" });
    await phone.sync();
    await laptop.queueCreate({ title: "note", content: "mine\n", document_id: id });
    await laptop.pull();
    expect(await laptop.document(id)).toMatchObject({ content: "mine\n" });
    await laptop.sync();
    expect(await laptop.conflicts()).toMatchObject([{ mine: { content: "mine\n" }, theirs: { content: "theirs\n" } }]);
  });

  test("an open editor is told to open it again", async () => {
    const { laptop, conflict, id } = await seeded();
    const open = await laptop.openDocument(id);
    const replaced: string[] = [];
    laptop.on("replaced", ({ document_id }) => replaced.push(document_id));
    await laptop.resolve(conflict.client_id, { choice: "theirs" });
    expect(replaced).toEqual([id]);
    expect(open.isDestroyed).toBe(true);
    expect((await laptop.openDocument(id)).getText(ROOT).toString()).toBe("theirs\n");
  });
});

// Conflicts about titles with the real server: two names for one document, one name for two documents, and a side that
// was changed by one device alone, which no choice may take back.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BatchSyncService, MemoryStore, type Conflict, type DocumentKind, type Resolution } from "../src/index.js";
import { TestServer } from "./support/server.js";

let server: TestServer;
let users = 0;
const devices: BatchSyncService[] = [];

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  for (const device of devices) await device.close();
  await server.stop();
});

/** Two devices of one new user, both logged in. */
async function twoDevices(): Promise<[BatchSyncService, BatchSyncService]> {
  const name = `title-${(users += 1)}`;
  const make = () => {
    const made = new BatchSyncService({ url: server.url, store: new MemoryStore() });
    devices.push(made);
    return made;
  };
  const [laptop, phone] = [make(), make()];
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

type Patch = Parameters<BatchSyncService["queueUpdate"]>[1];

/** Two devices that have one document; the phone changes it and syncs, then the laptop. */
async function clash(kind: DocumentKind, theirs: Patch, mine: Patch): Promise<Clash> {
  const [laptop, phone] = await twoDevices();
  const id = await laptop.queueCreate({ title: "note", content: "base\n", kind });
  await laptop.sync();
  await phone.sync();
  await phone.queueUpdate(id, theirs);
  await phone.sync();
  await laptop.queueUpdate(id, mine);
  await laptop.sync();
  const [conflict] = await laptop.conflicts();
  if (!conflict) throw new Error("there is no conflict");
  return { laptop, phone, id, conflict };
}

/** Settles it, syncs both, and tells what each has: titles and texts. */
async function settle({ laptop, phone, conflict }: Clash, resolution: Resolution): Promise<string[]> {
  await laptop.resolve(conflict.client_id, resolution);
  for (const device of [laptop, phone, laptop])
    expect(await device.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
  expect(await laptop.status()).toMatchObject({ queued: 0, conflicts: 0, dead_letters: 0 });
  const [here, there] = [await contents(laptop), await contents(phone)];
  expect(there).toEqual(here);
  return here;
}

async function contents(device: BatchSyncService): Promise<string[]> {
  const all = await Promise.all((await device.documents()).map((row) => device.document(row.document_id)));
  return all.map((row) => `${row?.title}: ${row?.content}`).sort();
}

interface Case {
  resolution: Resolution;
  leaves: string[];
}

describe.each<DocumentKind>(["text", "yjs"])("a %s document that got two titles", (kind) => {
  const renamed = () => clash(kind, { title: "theirs" }, { title: "mine" });

  test("keeps both, and names the title as what clashes", async () => {
    const { conflict, laptop, id } = await renamed();
    expect(conflict).toMatchObject({
      error: { code: "version_mismatch", pointer: "/operations/0/data/title" },
      mine: { title: "mine" },
      theirs: { title: "theirs" },
      base: { title: "note" },
    });
    expect(await laptop.document(id)).toMatchObject({ title: "mine" });
  });

  test.each<Case>([
    { resolution: { choice: "mine" }, leaves: ["mine: base\n"] },
    { resolution: { choice: "theirs" }, leaves: ["theirs: base\n"] },
    { resolution: { choice: "merged", title: "ours", content: "base\n" }, leaves: ["ours: base\n"] },
    { resolution: { choice: "copy", title: "mine" }, leaves: ["mine: base\n", "theirs: base\n"] },
  ])("settled as $resolution.choice", async ({ resolution, leaves }) => {
    expect(await settle(await renamed(), resolution)).toEqual(leaves);
  });

  test("my title takes no text back that they wrote meanwhile", async () => {
    const both = await clash(kind, { title: "theirs", content: "written on\n" }, { title: "mine" });
    expect(both.conflict.mine).toEqual({ title: "mine", content: "written on\n", deleted: false });
    expect(await both.laptop.document(both.id)).toMatchObject({ title: "mine", content: "written on\n" });
    expect(await settle(both, { choice: "mine" })).toEqual(["mine: written on\n"]);
  });
});

test("my text takes no title back that they gave meanwhile", async () => {
  const both = await clash("text", { title: "renamed", content: "theirs\n" }, { content: "mine\n" });
  expect(await settle(both, { choice: "mine" })).toEqual(["renamed: mine\n"]);
});

test("a title that was begun before this device's own pushes clashes with none of them, but with another's", async () => {
  const [laptop, phone] = await twoDevices();
  const id = await laptop.queueCreate({ title: "" });
  for (const title of ["G", "Gro", "Groceries"]) {
    expect(await laptop.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
    await laptop.queueUpdate(id, { title, base_version: 0 });
  }
  expect(await laptop.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
  await phone.sync();
  await phone.queueUpdate(id, { title: "Shopping" });
  await phone.sync();
  await laptop.pull();
  await laptop.queueUpdate(id, { title: "Groceries, May", base_version: 0 });
  expect(await laptop.sync()).toMatchObject({ status: "synced", progress: { failed: 1 } });
  expect(await laptop.conflicts()).toMatchObject([
    { error: { code: "version_mismatch" }, mine: { title: "Groceries, May" }, theirs: { title: "Shopping" } },
  ]);
});

test("what is typed while the choice is open is part of mine", async () => {
  const both = await clash("text", { title: "theirs", content: "theirs\n" }, { title: "mine" });
  await both.laptop.queueUpdate(both.id, { content: "typed on\n" });
  expect(await settle(both, { choice: "mine" })).toEqual(["mine: typed on\n"]);
});

test("one title for two documents is no clash: both stay", async () => {
  const [laptop, phone] = await twoDevices();
  await laptop.queueCreate({ title: "note", content: "mine\n" });
  await phone.queueCreate({ title: "note", content: "theirs\n" });
  for (const device of [phone, laptop, phone])
    expect(await device.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
  expect(await contents(laptop)).toEqual(["note: mine\n", "note: theirs\n"]);
  expect(await contents(phone)).toEqual(["note: mine\n", "note: theirs\n"]);
});

// The client and the real server, over HTTP: two devices that write, merge, and find each other's words.
import { expect, test, vi } from "vitest";
import * as Y from "yjs";
import { ROOT, type BatchSyncService, type Session } from "../src/index.js";
import { client, devices, expectSynced, server, session, storeOf, texts } from "./support/devices.js";

/** A request about sync runs, as the user of a device. */
async function askRuns(of: BatchSyncService, method: string, path: string): Promise<Response> {
  const { workspace_id } = await of.status();
  const headers = { authorization: `Bearer ${(await session(of)).token}` };
  return fetch(`${server.url}/api/v1/syncs${path}?workspace_id=${workspace_id}`, { method, headers });
}

/** Calls off the newest sync run of a device's user. */
async function callOff(of: BatchSyncService): Promise<void> {
  const { items } = (await (await askRuns(of, "GET", "")).json()) as { items: { sync_id: string }[] };
  expect((await askRuns(of, "POST", `/${items[0]?.sync_id}/cancel`)).status).toBe(200);
}

test("120 documents written offline, then a login: pushed in chunks, pulled by a second device", async () => {
  const laptop = client({ batchSize: 25 });
  for (let n = 0; n < 120; n += 1) {
    await laptop.queueCreate({ title: `note ${n}`, content: `text ${n}`, kind: n % 2 ? "yjs" : "text" });
  }
  expect((await laptop.sync()).status).toBe("auth-needed");
  await laptop.register("offline-writer", "correct horse battery");
  const report = await laptop.sync();
  expectSynced(report);
  expect(report.progress).toMatchObject({ total: 120, succeeded: 120 });

  const phone = client();
  await phone.login("offline-writer", "correct horse battery");
  expectSynced(await phone.sync());
  const pulled = await texts(phone);
  expect(Object.keys(pulled)).toHaveLength(120);
  expect(pulled["note 7"]).toBe("text 7");
  expect(pulled["note 8"]).toBe("text 8");
  expect(pulled).toEqual(await texts(laptop));
});

test("two devices edit one Yjs document offline: both edits survive on both", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "plan", content: "one\ntwo\nthree\n" });
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());

  (await laptop.openDocument(id)).getText(ROOT).insert(0, "from the laptop\n");
  const onPhone = (await phone.openDocument(id)).getText(ROOT);
  onPhone.insert(onPhone.length, "from the phone\n");
  onPhone.delete(4, 4);
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  expectSynced(await laptop.sync());

  const both = "from the laptop\none\nthree\nfrom the phone\n";
  expect(await texts(phone)).toEqual({ plan: both });
  expect(await texts(laptop)).toEqual({ plan: both });
  expect(onPhone.toString()).toBe(both);
});

test("two devices edit different lines of one plain text: the server merges, both take it over", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "list", content: "milk\nbread\neggs\n", kind: "text" });
  await laptop.sync();
  await phone.sync();
  await laptop.queueUpdate(id, { content: "oat milk\nbread\neggs\n" });
  await phone.queueUpdate(id, { content: "milk\nbread\nsix eggs\n" });
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  expectSynced(await laptop.sync());
  expect(await texts(phone)).toEqual({ list: "oat milk\nbread\nsix eggs\n" });
  expect(await texts(laptop)).toEqual(await texts(phone));
});

test("a text typed on a version that was not the newest any more merges by line, or clashes", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "list", content: "milk\nbread\neggs\n", kind: "text" });
  await laptop.sync();
  await phone.sync();
  await phone.queueUpdate(id, { content: "milk\nbread\nsix eggs\n" });
  await phone.sync();
  await laptop.sync();
  // What was on the screen when the typing began was version 1.
  await laptop.queueUpdate(id, { content: "oat milk\nbread\neggs\n", base_version: 1 });
  expectSynced(await laptop.sync());
  await phone.sync();
  for (const device of [laptop, phone])
    expect((await device.document(id))?.content).toBe("oat milk\nbread\nsix eggs\n");
  await laptop.queueUpdate(id, { content: "oat milk\nbread\na dozen eggs\n", base_version: 1 });
  await laptop.sync();
  expect(await laptop.conflicts()).toMatchObject([{ document_id: id, theirs: { content: "oat milk\nbread\nsix eggs\n" } }]);
});

test("what does not fit into an answer is fetched: no document is taken for an empty one", async () => {
  const [laptop, phone] = await devices();
  const numbers = [0, 1, 2, 3];
  const large = (n: number) => `${n} says a line that is long\n`.repeat(110_000);
  const ids: Record<"text" | "yjs", string[]> = { text: [], yjs: [] };
  for (const kind of ["text", "yjs"] as const) {
    for (const n of numbers) ids[kind].push(await laptop.queueCreate({ title: `${kind} ${n}`, content: "one\n", kind }));
  }
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  for (const n of numbers) await phone.queueUpdate(ids.text[n]!, { content: large(n) });
  expectSynced(await phone.sync({ direction: "push" }));
  for (const n of numbers) await phone.queueUpdate(ids.yjs[n]!, { content: `one\n${large(n)}` });
  expectSynced(await phone.sync({ direction: "push" }));

  const conflicts: string[] = [];
  laptop.on("conflict", ({ document_id }) => conflicts.push(document_id));
  for (const n of numbers) {
    await laptop.queueUpdate(ids.text[n]!, { content: "mine\n" });
    await laptop.queueUpdate(ids.yjs[n]!, { content: "mine, one\n" });
  }
  await laptop.sync({ direction: "push" });
  expect(conflicts.toSorted()).toEqual(ids.text.toSorted());
  for (const { document_id, theirs, base } of await laptop.conflicts()) {
    expect(theirs.content).toBe(large(ids.text.indexOf(document_id)));
    expect(base).toMatchObject({ version: 1, content: "one\n" });
  }
  for (const n of numbers) expect((await laptop.document(ids.yjs[n]!))?.content).toBe(`mine, one\n${large(n)}`);
  expect(await laptop.status()).toMatchObject({ queued: 0, dead_letters: 0 });
});

test("another device's change arrives by the server's events", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "plan", content: "base" });
  await laptop.sync();
  await phone.sync();
  const text = (await phone.openDocument(id)).getText(ROOT);
  let pulls = 0;
  phone.on("synced", () => (pulls += 1));
  const end = phone.subscribe();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await laptop.queueUpdate(id, { content: "base, heard" });
  await laptop.sync();
  const isHeard = () => {
    expect(text.toString()).toBe("base, heard");
    expect(phone.isSyncing).toBe(false);
  };
  await vi.waitFor(isHeard, { timeout: 30_000, interval: 20 });
  // Its own change is not news.
  const before = pulls;
  text.insert(0, "and answered: ");
  await phone.sync({ direction: "push" });
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(pulls).toBe(before + 1);
  end();
});

test("a title that waits to be pushed is not replaced by a pull; the other one is in the history", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "plan", content: "base" });
  await laptop.sync();
  await phone.sync();
  await laptop.queueUpdate(id, { title: "mine" });
  await phone.queueUpdate(id, { title: "theirs", content: "base, theirs" });
  await phone.sync();
  await laptop.pull();
  expect(await laptop.document(id)).toMatchObject({ title: "mine", content: "base, theirs" });
});

test("rich text: the server derives its text, and nobody writes plain text into it", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "report" });
  const fragment = (await laptop.openDocument(id)).getXmlFragment(ROOT);
  for (const line of ["first", "second"]) {
    const paragraph = new Y.XmlElement("paragraph");
    paragraph.insert(0, [new Y.XmlText(line)]);
    fragment.push([paragraph]);
  }
  await laptop.flush();
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  expect((await phone.document(id))?.content).toBe("first\nsecond");
  expect((await phone.openDocument(id)).getXmlFragment(ROOT).toString()).toBe(fragment.toString());
  await expect(phone.queueUpdate(id, { content: "plain" })).rejects.toThrow("rich text");
  expect(await phone.queued()).toEqual([]);
});

test("a run that is called off on the server ends, and what is left goes as another one", async () => {
  let batches = 0;
  const [laptop, phone] = await devices({
    batchSize: 5,
    concurrency: 1,
    fetch: async (input, init) => {
      if (input.endsWith("/batch") && (batches += 1) === 3) await callOff(laptop);
      return fetch(input, init);
    },
  });
  for (let n = 0; n < 20; n += 1) await laptop.queueCreate({ title: `note ${n}` });
  expect((await laptop.sync()).status).toBe("cancelled");
  expect(await laptop.status()).toMatchObject({ queued: 10, dead_letters: 0 });
  expectSynced(await laptop.resume());
  await phone.sync();
  expect(await phone.documents()).toHaveLength(20);
});

test("clients of two workspaces share one session, and one of them alone uses its refresh token", async () => {
  const [home] = await devices();
  const made = await fetch(`${server.url}/api/v1/workspaces`, {
    method: "POST",
    headers: { authorization: `Bearer ${await home.accessToken()}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Team notes" }),
  });
  const { workspace_id: workspaceId } = (await made.json()) as { workspace_id: string };
  const team = client({ workspaceId, token: (refresh) => home.accessToken(refresh) });
  await home.queueCreate({ title: "mine" });
  await team.queueCreate({ title: "ours" });
  // Both meet a 401: a refresh token that is used twice would end the session for both.
  await storeOf(home).transaction("write", async (tx) => {
    await tx.put("meta", "session", { ...((await tx.get("meta", "session")) as Session), access_token: "expired" });
  });
  for (const report of await Promise.all([team.sync(), home.sync()])) expectSynced(report);
  expect((await session(home)).token).not.toBe("expired");
  expect(Object.keys(await texts(team))).toEqual(["ours"]);
  expect(Object.keys(await texts(home))).toEqual(["mine"]);
  await home.logout();
  expect((await team.sync()).status).toBe("auth-needed");
});

test("sync runs are told to the server, for its history", async () => {
  const [laptop] = await devices();
  for (const title of ["a", "b", "c"]) await laptop.queueCreate({ title });
  await laptop.sync();
  const answer = await askRuns(laptop, "GET", "");
  expect(await answer.json()).toMatchObject({
    items: [
      {
        status: "completed",
        total: 3,
        succeeded: 3,
        direction: "both",
        device_id: (await laptop.status()).device_id,
      },
    ],
  });
});

test("atomic: one operation that conflicts keeps all others from being applied", async () => {
  const [laptop, phone] = await devices();
  const document_id = crypto.randomUUID();
  await phone.queueCreate({ document_id, title: "taken", kind: "text" });
  expectSynced(await phone.sync());
  for (const title of ["a", "b"]) await laptop.queueCreate({ title, kind: "text" });
  await laptop.queueCreate({ document_id, title: "mine", kind: "text" });
  const report = await laptop.sync({ atomic: true, direction: "push" });
  expect(report).toMatchObject({ status: "synced", progress: { succeeded: 0, failed: 1, skipped: 2 } });
  expect(await laptop.status()).toMatchObject({ queued: 2, conflicts: 1 });
  await phone.sync();
  expect(Object.keys(await texts(phone))).toEqual(["taken"]);
  // Without what clashed, the rest goes.
  expectSynced(await laptop.sync({ atomic: true }));
  await phone.sync();
  expect(Object.keys(await texts(phone)).sort()).toEqual(["a", "b", "taken"]);
});

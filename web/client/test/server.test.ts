// The client and the real server, over HTTP.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import {
  BatchSyncService,
  MemoryStore,
  ROOT,
  type ClientOptions,
  type Session,
  type SyncReport,
} from "../src/index.js";
import { losing, TestServer } from "./support/server.js";

let server: TestServer;
let users = 0;
const quick = { baseMs: 20, capMs: 200 };

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

function client(options: Partial<ClientOptions> = {}): BatchSyncService {
  const store = new MemoryStore();
  const made = new BatchSyncService({ url: server.url, store, backoff: quick, ...options });
  stores.set(made, store);
  return made;
}

/** Two devices of one new user, both logged in. */
async function devices(options: Partial<ClientOptions> = {}): Promise<[BatchSyncService, BatchSyncService]> {
  const name = `user-${(users += 1)}`;
  const [laptop, phone] = [client(options), client()];
  await laptop.register(name, "correct horse battery");
  await phone.login(name, "correct horse battery");
  return [laptop, phone];
}

function expectSynced(report: SyncReport): void {
  expect(report.error).toBeUndefined();
  expect(report.status).toBe("synced");
  expect(report.progress).toMatchObject({ failed: 0, skipped: 0, percentage: 100, errors: [] });
}

const stores = new WeakMap<BatchSyncService, MemoryStore>();

async function session(of: BatchSyncService): Promise<{ token: string }> {
  const row = await stores.get(of)?.transaction("read", (tx) => tx.get("meta", "session"));
  return { token: (row as Session).access_token };
}

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

async function texts(of: BatchSyncService): Promise<Record<string, string>> {
  const all = await Promise.all((await of.documents()).map(({ document_id }) => of.document(document_id)));
  return Object.fromEntries(all.map((document) => [document?.title ?? "", document?.content ?? ""]));
}

describe("against the server", () => {
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

  test("an edit made while the answer to the one before was lost merges with what others wrote", async () => {
    let lose = false;
    const [laptop, phone] = await devices({ fetch: losing((path) => lose && path.endsWith("/batch")), retries: 1 });
    const id = await laptop.queueCreate({ title: "list", content: "a\nb\nc\nd\ne\n", kind: "text" });
    await laptop.sync();
    await phone.sync();
    await phone.queueUpdate(id, { content: "a\nb\nc\nd\nE\n" });
    await phone.sync();
    await laptop.queueUpdate(id, { content: "A\nb\nc\nd\ne\n" });
    lose = true;
    expect((await laptop.sync({ direction: "push" })).status).toBe("offline");
    lose = false;
    await laptop.queueUpdate(id, { content: "A\nb\nC\nd\ne\n" });
    expectSynced(await laptop.sync());
    expect(await texts(laptop)).toEqual({ list: "A\nb\nC\nd\nE\n" });
    await phone.sync();
    expect(await texts(phone)).toEqual({ list: "A\nb\nC\nd\nE\n" });
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

  test("a lost answer to a merge of Yjs states: what others wrote still arrives", async () => {
    let lose = false;
    const [laptop, phone] = await devices({ fetch: losing((path) => lose && path.endsWith("/batch")), retries: 1 });
    const id = await laptop.queueCreate({ title: "plan", content: "base" });
    await laptop.sync();
    await phone.sync();
    await phone.queueUpdate(id, { content: "base, from the phone" });
    await phone.sync();
    await laptop.queueUpdate(id, { content: "from the laptop: base" });
    lose = true;
    expect((await laptop.sync()).status).toBe("offline");
    lose = false;
    expectSynced(await laptop.sync());
    expect(await texts(laptop)).toEqual({ plan: "from the laptop: base, from the phone" });
    expectSynced(await phone.sync());
    expect(await texts(phone)).toEqual(await texts(laptop));
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

  test("an edit that leans on a dead letter is widened to all that the server lacks", async () => {
    const [laptop, phone] = await devices();
    const id = await laptop.queueCreate({ title: "plan", content: "base" });
    await laptop.sync();
    // The server refuses a title with a NUL character, and with it the edit that came along.
    const text = (await laptop.openDocument(id)).getText(ROOT);
    text.insert(4, ", refused");
    await laptop.flush();
    await laptop.queueUpdate(id, { title: "no\0title" });
    expect(await laptop.sync()).toMatchObject({ progress: { failed: 1 } });
    // Retried as it was, it is refused again; what was queued behind it is not.
    expect(await laptop.retryDeadLetters()).toBe(1);
    text.insert(text.length, ", and widened");
    await laptop.flush();
    await laptop.queueUpdate(id, { title: "plan" });
    const answers: string[] = [];
    laptop.on("result", (result) => answers.push(result.error?.code ?? result.status));
    expect((await laptop.sync()).status).toBe("synced");
    expect(answers).toEqual(["invalid", "yjs_missing_dependencies", "success"]);
    expect(await laptop.deadLetters()).toHaveLength(1);
    await phone.sync();
    expect(await texts(phone)).toEqual({ plan: "base, refused, and widened" });
  });

  test("a text that was refused as too long is taken once it is shortened, with all that was queued behind it", async () => {
    const small = await TestServer.start({ LANDFALL_MAX_CONTENT_BYTES: "4000", LANDFALL_MAX_YJS_BYTES: "5000" });
    const made = client({ url: small.url });
    await made.register("shortener", "correct horse battery");
    const id = await made.queueCreate({ title: "plan", content: "base" });
    await made.sync();
    const text = (await made.openDocument(id)).getText(ROOT);
    text.insert(4, "x".repeat(6000));
    expect(await made.sync()).toMatchObject({ progress: { failed: 1 } });
    const [letter] = await made.deadLetters();
    expect(letter).toMatchObject({ error: { code: "too_large" }, operation: { operation: "update" } });
    await made.retryDeadLetters();
    text.insert(0, "also ");
    expect(await made.sync()).toMatchObject({ progress: { failed: 2 } });
    expect(await made.deadLetters()).toHaveLength(2);

    text.delete(9, 6000);
    await made.flush();
    expect(await made.queued()).toMatchObject([{ operation: "update", sent: false, attempts: 0 }]);
    expect(await made.sync()).toMatchObject({ progress: { total: 1, succeeded: 1 } });
    expect(await made.status()).toMatchObject({ queued: 0, dead_letters: 0 });
    const other = client({ url: small.url });
    await other.login("shortener", "correct horse battery");
    await other.sync();
    expect(await texts(other)).toEqual({ plan: "also base" });
    for (const device of [made, other]) await device.close();
    await small.stop();
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

  test("a deletion does not follow a merge that nobody saw: somebody is asked", async () => {
    let remove: (() => Promise<void>) | undefined;
    const [laptop, phone] = await devices({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (input.endsWith("/batch")) await remove?.();
        return response;
      },
    });
    const id = await laptop.queueCreate({ title: "plan", content: "base" });
    await laptop.sync();
    await phone.sync();
    await phone.queueUpdate(id, { content: "base, and something important" });
    await phone.sync();
    await laptop.queueUpdate(id, { content: "mine: base" });
    remove = async () => {
      remove = undefined;
      await laptop.queueDelete(id);
    };
    await laptop.sync();
    expect(await laptop.conflicts()).toMatchObject([{ error: { code: "version_mismatch" }, mine: { deleted: true } }]);
    expect((await laptop.conflicts())[0]?.theirs.content).toBe("mine: base, and something important");
  });

  test.each(["yjs", "text"] as const)(
    "a %s document that one device deleted is brought back by the other, and edited on",
    async (kind) => {
      const [laptop, phone] = await devices();
      const id = await laptop.queueCreate({ title: "plan", content: "base\n", kind });
      await laptop.sync();
      await phone.sync();
      await laptop.queueDelete(id);
      await laptop.sync();
      expectSynced(await phone.sync());
      expect(await phone.documents()).toEqual([]);
      await phone.queueUpdate(id, { restore: true });
      await phone.queueUpdate(id, { content: "base\nrestored\n" });
      expectSynced(await phone.sync());
      expectSynced(await laptop.sync());
      expect(await texts(laptop)).toEqual({ plan: "base\nrestored\n" });
      await laptop.queueUpdate(id, { content: "base, edited on\nrestored\n" });
      expectSynced(await laptop.sync());
      expectSynced(await phone.sync());
      expect(await texts(phone)).toEqual({ plan: "base, edited on\nrestored\n" });
    },
  );

  test("a mass deletion that one device refuses is undone on the other", async () => {
    const [laptop, phone] = await devices();
    for (let n = 0; n < 25; n += 1)
      await laptop.queueCreate({ title: `note ${n}`, content: `text ${n}`, kind: n % 2 === 0 ? "yjs" : "text" });
    expectSynced(await laptop.sync());
    expectSynced(await phone.sync());
    const before = await texts(laptop);
    for (const { document_id } of await phone.documents()) await phone.queueDelete(document_id);
    expectSynced(await phone.sync({ allowMassDelete: true }));
    expect(await laptop.sync()).toMatchObject({ status: "guarded", guard: { side: "device", deletions: 25 } });
    expect(await laptop.takeBackDeletions()).toBe(25);
    expectSynced(await laptop.sync());
    expectSynced(await phone.sync());
    expect(await texts(phone)).toEqual(before);
    expect(await texts(laptop)).toEqual(before);
  });

  test("what is typed after another device's deletion was taken in is kept as a conflict, and can be kept", async () => {
    const [laptop, phone] = await devices();
    const id = await laptop.queueCreate({ title: "plan", content: "base" });
    await laptop.sync();
    await phone.sync();
    const text = (await laptop.openDocument(id)).getText(ROOT);
    await phone.queueDelete(id);
    await phone.sync();
    await laptop.sync();
    expect(await laptop.documents()).toEqual([]);
    text.insert(4, ", typed late");
    text.doc?.destroy();
    await laptop.queueCreate({ title: "other" });
    expect(await laptop.sync()).toMatchObject({ status: "synced", progress: { succeeded: 1, failed: 1 } });
    const [conflict] = await laptop.conflicts();
    expect(conflict).toMatchObject({ error: { code: "deleted" }, mine: { content: "base, typed late", deleted: false } });
    await laptop.resolve(conflict?.client_id ?? "", { choice: "mine" });
    expectSynced(await laptop.sync());
    expectSynced(await phone.sync());
    expect(await texts(phone)).toEqual({ plan: "base, typed late", other: "" });
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
    await stores.get(home)?.transaction("write", async (tx) => {
      await tx.put("meta", "session", { ...((await tx.get("meta", "session")) as Session), access_token: "expired" });
    });
    for (const report of await Promise.all([team.sync(), home.sync()])) expectSynced(report);
    expect((await session(home)).token).not.toBe("expired");
    expect(Object.keys(await texts(team))).toEqual(["ours"]);
    expect(Object.keys(await texts(home))).toEqual(["mine"]);
    await home.logout();
    expect((await team.sync()).status).toBe("auth-needed");
  });

  test("an access token that expires is refreshed; after a logout somebody has to log in", async () => {
    const strict = await TestServer.start({ LANDFALL_ACCESS_TOKEN_S: "5" });
    try {
      const laptop = client({ url: strict.url });
      await laptop.register("ada", "correct horse battery");
      const first = await session(laptop);
      await laptop.queueCreate({ title: "note" });
      await vi.waitFor(
        async () => {
          const answer = await fetch(`${strict.url}/api/v1/workspaces`, {
            headers: { authorization: `Bearer ${first.token}` },
          });
          expect(answer.status).toBe(401);
        },
        { timeout: 90_000, interval: 250 },
      );
      expectSynced(await laptop.sync());
      expect((await session(laptop)).token).not.toBe(first.token);
      await laptop.logout();
      await laptop.queueCreate({ title: "written while logged out" });
      expect((await laptop.sync()).status).toBe("auth-needed");
      await laptop.login("ada", "correct horse battery");
      expectSynced(await laptop.sync());
    } finally {
      await strict.stop();
    }
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

  test("lost answers: everything is sent again and applied once", async () => {
    let calls = 0;
    const [laptop, phone] = await devices({
      fetch: losing((path) => path.endsWith("/batch") && (calls += 1) % 2 === 1),
      batchSize: 10,
      concurrency: 1,
    });
    let replayed = 0;
    laptop.on("result", (result) => (replayed += result.replayed ? 1 : 0));
    for (let n = 0; n < 40; n += 1) await laptop.queueCreate({ title: `note ${n}`, content: `text ${n}` });
    expectSynced(await laptop.sync());
    expect(replayed).toBeGreaterThan(0);
    expectSynced(await phone.sync());
    const documents = await phone.documents();
    expect(documents).toHaveLength(40);
    expect(documents.every((document) => document.version === 1)).toBe(true);
    expect(await texts(phone)).toEqual(await texts(laptop));
  });

  test("killed and restarted in the middle of 500 documents: nothing lost, nothing doubled", async () => {
    const [laptop, phone] = await devices({ retries: 2, batchSize: 20 });
    for (let n = 0; n < 500; n += 1)
      await laptop.queueCreate({ title: `note ${n}`, content: `text ${n}`, kind: "text" });
    let restarted: Promise<void> | undefined;
    laptop.on("progress", ({ succeeded }) => {
      if (succeeded > 100) restarted ??= server.kill().then(() => server.restart());
    });
    let report = await laptop.sync();
    await restarted;
    expect(restarted).toBeDefined();
    for (let tries = 0; report.status !== "synced" && tries < 20; tries += 1) report = await laptop.resume();
    expect(report.status).toBe("synced");
    expect(await laptop.status()).toMatchObject({ queued: 0, dead_letters: 0, conflicts: 0, documents: 500 });
    expectSynced(await phone.sync());
    expect(await texts(phone)).toEqual(await texts(laptop));
    expect((await phone.documents()).length).toBe(500);
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
});

// Taking in what others wrote: pages, deletions, expired cursors, events.
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { MemoryStore, ROOT, type BatchSyncService, type WireDocument } from "../src/index.js";
import { TestClock } from "./support/clock.js";
import { readEvents, type ServerEvent } from "../src/events-stream.js";
import { document, json, problem, Script, tombstone, WORKSPACE } from "./support/script.js";

const ids = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => `d${String(n + from).padStart(3, "0")}`);

/** Puts pages into the script's feed. */
function feed(script: Script, ...pages: WireDocument[][]): void {
  script.pages = pages.map((items, n) => ({ items, next_cursor: `c${n + 1}`, has_more: n + 1 < pages.length }));
}

async function titles(client: BatchSyncService): Promise<string[]> {
  return (await client.documents()).map((row) => row.title);
}

describe("the feed", () => {
  test("is read page by page from where it was read to", async () => {
    const script = new Script();
    const client = await script.client();
    feed(
      script,
      ids(2).map((id) => document(id, 1)),
      ids(1, 2).map((id) => document(id, 1)),
    );
    const changed: string[] = [];
    client.on("changed", ({ document_ids }) => changed.push(...document_ids));
    expect(await script.clock.run(client.sync())).toMatchObject({ status: "synced", pulled: 3 });
    expect(changed).toEqual(ids(3));
    await script.clock.run(client.sync());
    expect(script.seen.map(({ query }) => query.get("cursor"))).toEqual([null, "c1", "c2"]);
    expect(script.seen.every(({ query }) => query.get("workspace_id") === WORKSPACE)).toBe(true);
  });

  test("comes along with a push", async () => {
    const script = new Script();
    const client = await script.client();
    await client.queueCreate({ title: "mine" });
    feed(script, [document("d000", 1)]);
    await script.clock.run(client.sync());
    expect(script.batches[0]).toMatchObject({ cursor: null });
    expect(script.seen.at(-1)?.query.get("cursor")).toBe("c1");
    expect(await titles(client)).toEqual(["d000", "mine"]);
  });

  test("never goes back to an older version", async () => {
    const script = new Script();
    const client = await script.client();
    feed(script, [document("d000", 5, { content: "new" })], [document("d000", 4, { content: "old" })]);
    await script.clock.run(client.sync());
    expect(await client.document("d000")).toMatchObject({ version: 5, content: "new" });
  });

  test("does not overwrite a plain text that is edited here; the newer one is fetched when nothing is pending", async () => {
    const script = new Script();
    const client = await script.client({ retries: 1 });
    feed(script, [document("d000", 1)]);
    await script.clock.run(client.sync());
    await client.queueUpdate("d000", { content: "mine" });
    feed(script, [document("d000", 2, { content: "theirs" })]);
    await script.clock.run(client.pull());
    expect(await client.document("d000")).toMatchObject({ version: 1, content: "mine" });
    script.judge = () => ({ unchanged: true, version: 2 });
    script.on = ({ path }) => (path.endsWith("/d000") ? json(document("d000", 2, { content: "theirs" })) : undefined);
    await script.clock.run(client.sync());
    expect(script.batches[0]?.operations).toMatchObject([{ base_version: 1 }]);
    expect(await client.document("d000")).toMatchObject({ version: 2, content: "theirs" });
  });

  test("a deletion under local edits waits for the server's word", async () => {
    const script = new Script();
    const client = await script.client();
    feed(script, [document("d000", 1)]);
    await script.clock.run(client.sync());
    await client.queueUpdate("d000", { content: "mine" });
    feed(script, [tombstone("d000", 2)]);
    await script.clock.run(client.pull());
    expect(await client.document("d000")).toMatchObject({ content: "mine" });
  });
});

describe("the guard against mass deletion", () => {
  test("holds deletions back until somebody agrees; everything else is taken in", async () => {
    const script = new Script();
    const client = await script.client();
    feed(
      script,
      ids(40).map((id) => document(id, 1)),
    );
    await script.clock.run(client.sync());
    feed(
      script,
      ids(15).map((id) => tombstone(id, 2)),
      [...ids(10, 15).map((id) => tombstone(id, 2)), document("new", 1)],
    );
    const report = await script.clock.run(client.sync());
    expect(report).toMatchObject({ status: "guarded", guard: { side: "device", deletions: 25, documents: 41 } });
    expect(await titles(client)).toHaveLength(41);
    // A page that was read earlier and comes late changes nothing about it.
    feed(script, [document("d000", 1)]);
    expect((await script.clock.run(client.sync())).status).toBe("guarded");
    expect((await script.clock.run(client.sync({ allowMassDelete: true }))).status).toBe("synced");
    expect(await titles(client)).toHaveLength(16);
  });

  test("can be answered with no: the documents stay, and are brought back on the server", async () => {
    const script = new Script();
    const client = await script.client();
    feed(
      script,
      ids(30).map((id) => document(id, 1)),
    );
    await script.clock.run(client.sync());
    feed(
      script,
      ids(25).map((id) => tombstone(id, 2)),
    );
    expect((await script.clock.run(client.sync())).guard).toMatchObject({ side: "device", deletions: 25 });
    // Edited meanwhile: the server's answer to that edit asks about this one.
    await client.queueUpdate("d000", { title: "edited" });
    expect(await client.takeBackDeletions()).toBe(24);
    expect(await titles(client)).toHaveLength(30);
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    const operations = script.batches.flatMap((batch) => batch.operations);
    expect(operations).toHaveLength(25);
    expect(operations.filter((row) => "restore" in row && row.restore)).toHaveLength(24);
    expect(operations.at(1)).toMatchObject({ base_version: 2, data: { content: "text of d001" } });
  });

  test("a few deletions pass", async () => {
    const script = new Script();
    const client = await script.client();
    feed(
      script,
      ids(40).map((id) => document(id, 1)),
    );
    await script.clock.run(client.sync());
    feed(
      script,
      ids(20).map((id) => tombstone(id, 2)),
    );
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    expect(await titles(client)).toHaveLength(20);
  });
});

test("an expired cursor: everything is pulled anew, and what is not told of any more is kept and offered", async () => {
  const script = new Script();
  const client = await script.client();
  feed(
    script,
    ids(6).map((id) => document(id, 1)),
  );
  await script.clock.run(client.sync());
  const mine = await client.queueCreate({ title: "mine" });
  script.on = ({ path, query, body }) => {
    const cursor = path.endsWith("/batch") ? (body as { cursor?: string | null }).cursor : query.get("cursor");
    return cursor === "c1" ? problem(410, "cursor_expired") : undefined;
  };
  const fresh = [ids(3).map((id) => document(id, 1)), [document("d004", 2, { title: "changed" }), document(mine, 1)]];
  script.pages = fresh.map((items, n) => ({ items, next_cursor: `fresh${n}`, has_more: n === 0 }));
  expect((await script.clock.run(client.sync())).status).toBe("synced");
  expect(await titles(client)).toEqual(["changed", "d000", "d001", "d002", "d003", "d005", "mine"]);
  expect(await client.status()).toMatchObject({ queued: 0, dead_letters: 0, lost: 2 });
  expect((await client.lostDocuments()).map(({ title }) => title)).toEqual(["d003", "d005"]);
  script.seen.length = 0;
  expect(await client.sendAgain()).toBe(2);
  await script.clock.run(client.sync());
  expect(script.pushed).toEqual([["create d003", "create d005"]]);
  expect(await client.status()).toMatchObject({ queued: 0, lost: 0 });
  expect(await client.document("d003")).toMatchObject({ version: 1, content: "text of d003" });
});

test("a deleted document can be brought back until the server has forgotten it; then it is forgotten here", async () => {
  const script = new Script();
  const store = new MemoryStore();
  const client = await script.client({ store });
  feed(script, [document("d000", 1), document("d001", 1)]);
  await script.clock.run(client.sync());
  feed(script, [tombstone("d000", 2), tombstone("d001", 2)]);
  await script.clock.run(client.sync());
  await client.queueUpdate("d000", { restore: true });
  await script.clock.run(client.sync());
  expect(script.batches[0]?.operations).toMatchObject([
    { restore: true, base_version: 2, data: { content: "text of d000" } },
  ]);
  expect(await titles(client)).toEqual(["d000"]);
  const known = async () =>
    (await store.transaction("read", (tx) => tx.all("documents"))).map((row) => row.document_id);
  await script.clock.pass(89 * 24 * 3600 * 1000);
  await script.clock.run(client.sync());
  expect(await known()).toEqual(["d000", "d001"]);
  await script.clock.pass(2 * 24 * 3600 * 1000);
  await script.clock.run(client.sync());
  expect(await known()).toEqual(["d000"]);
});

test("a document that was deleted and made anew elsewhere has the new text, not both", async () => {
  const script = new Script();
  const client = await script.client();
  const yjs = (version: number, text: string) => {
    const doc = new Y.Doc();
    doc.getText(ROOT).insert(0, text);
    const state = Y.encodeStateAsUpdate(doc);
    return document("d000", version, {
      content: text,
      yjs_state_b64: Buffer.from(state).toString("base64"),
      state_vector_b64: Buffer.from(Y.encodeStateVector(doc)).toString("base64"),
    });
  };
  feed(script, [yjs(1, "old")]);
  await script.clock.run(client.sync());
  feed(script, [tombstone("d000", 2)]);
  await script.clock.run(client.sync());
  feed(script, [yjs(3, "new")]);
  await script.clock.run(client.sync());
  expect(await client.document("d000")).toMatchObject({ version: 3, content: "new" });
});

test("pulling anew, interrupted: a push meanwhile does not read the feed, which would leave out what it wrote", async () => {
  const script = new Script();
  const client = await script.client({ retries: 1 });
  feed(
    script,
    ids(6).map((id) => document(id, 1)),
  );
  await script.clock.run(client.sync());
  let away = false;
  script.on = ({ path, query }) => {
    if (!path.endsWith("/changes")) return undefined;
    if (query.get("cursor") === "c1") return problem(410, "cursor_expired");
    if (away) return new Error("away");
    away = true;
    return json({ items: [document("d000", 1)], next_cursor: "fresh", has_more: true });
  };
  expect((await script.clock.run(client.sync())).status).toBe("offline");
  await client.queueUpdate("d005", { content: "mine" });
  script.on = () => undefined;
  script.pages = [
    { items: ids(5, 1).map((id) => document(id, id === "d005" ? 2 : 1)), next_cursor: "end", has_more: false },
  ];
  expect((await script.clock.run(client.sync())).status).toBe("synced");
  expect(script.batches[0]).not.toHaveProperty("cursor");
  expect(await titles(client)).toEqual(ids(6));
});

describe("server events", () => {
  const change = (id: string, version: number, cursor: string) =>
    `event: change\nid: ${cursor}\ndata: ${JSON.stringify({ document_id: id, version, deleted: false, cursor })}\n\n`;

  /** A stream whose end the test holds. */
  function stream(): { response: Response; write: (text: string) => void; end: () => void } {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) });
    return {
      response: new Response(body, { headers: { "content-type": "text/event-stream" } }),
      write: (text) => controller?.enqueue(new TextEncoder().encode(text)),
      end: () => controller?.close(),
    };
  }

  test("a change is pulled; this device's own is not; a lost stream resumes from the last event", async () => {
    const script = new Script();
    const client = await script.client();
    feed(script, [document("d000", 1)]);
    await script.clock.run(client.sync());
    script.seen.length = 0;
    const streams = [stream(), stream()];
    const resumed: (string | null)[] = [];
    let opened = 0;
    const { fetch } = script;
    script.on = ({ path }) => {
      if (!path.endsWith("/events")) return undefined;
      opened += 1;
      return streams[opened - 1]?.response ?? new Promise(() => undefined);
    };
    const watched = await clientOver(client, script, async (input, init) => {
      if (input.includes("/events")) resumed.push(new Headers(init?.headers).get("last-event-id"));
      return fetch(input, init);
    });
    const end = watched.subscribe();
    await script.clock.pass(10);
    streams[0]?.write(": heartbeat\n\n" + change("d000", 1, "c1"));
    await script.clock.pass(10);
    expect(script.seen.filter(({ path }) => path.endsWith("/changes"))).toHaveLength(0);
    script.pages = [
      { items: [document("d000", 2, { content: "from the phone" })], next_cursor: "c9", has_more: false },
    ];
    streams[0]?.write(change("d000", 2, "c9"));
    await script.clock.pass(10);
    expect(await watched.document("d000")).toMatchObject({ version: 2, content: "from the phone" });
    streams[0]?.end();
    await script.clock.pass(2000);
    feed(script, [document("d001", 1)]);
    streams[1]?.write('event: pull\ndata: {"reason":"far_behind"}\n\n');
    await script.clock.pass(10);
    expect(await titles(watched)).toEqual(["d000", "d001"]);
    expect(resumed).toEqual(["c1", "c9"]);
    end();
  });

  test("where something in between answers instead of the stream, it pulls, and tries again", async () => {
    const script = new Script();
    const client = await script.client();
    let opened = 0;
    script.on = ({ path }) => (path.endsWith("/events") ? ((opened += 1), json({})) : undefined);
    const end = client.subscribe();
    await script.clock.pass(3_500);
    end();
    expect(opened).toBe(3);
    expect(script.seen.filter(({ path }) => path.endsWith("/changes"))).toHaveLength(3);
  });

  test("a server without a stream is polled", async () => {
    const script = new Script();
    const client = await script.client({ pollMs: 5000 });
    script.on = ({ path }) => (path.endsWith("/events") ? problem(404, "not_found") : undefined);
    const end = client.subscribe();
    await script.clock.pass(14_000);
    end();
    await script.clock.pass(60_000);
    expect(script.seen.filter(({ path }) => path.endsWith("/changes")).map(({ at }) => at)).toEqual([0, 5000, 10_000]);
  });

  test("the stream is read as it is written, wherever it is cut", async () => {
    const text =
      'id: 1\n\n: comment\nevent: change\r\ndata: {"a":\r\ndata: "é"}\r\n\r\nevent: none\n\ndata:x\rid\r\rdata: never ended';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const events: ServerEvent[] = [];
      for await (const event of readEvents(body, new TestClock())) events.push(event);
      expect(events, `cut into pieces of ${size}`).toEqual([
        { event: "message", data: "", id: "1" },
        { event: "change", data: '{"a":\n"é"}', id: undefined },
        { event: "message", data: "x", id: "" },
      ]);
    }
  });
});

/** Another client of the same state, with a fetch of its own. */
async function clientOver(of: BatchSyncService, script: Script, fetch: Script["fetch"]): Promise<BatchSyncService> {
  const store = new MemoryStore();
  const made = await script.client({ store, fetch });
  feed(
    script,
    (await of.documents()).map((row) => document(row.document_id, row.version)),
  );
  await script.clock.run(made.sync());
  script.seen.length = 0;
  return made;
}

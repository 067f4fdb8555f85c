// Which version a change is based on: what others made is never overwritten unseen, and nobody clashes with themselves.
import { describe, expect, test } from "vitest";
import type { BatchSyncService, DocumentKind, WireDocument } from "../src/index.js";
import { document, Script } from "./support/script.js";

test("queued operations take the new version as their base", async () => {
  const script = new Script();
  const client = await script.client();
  const id = await client.queueCreate({ title: "note", kind: "text" });
  script.on = async ({ path }) => {
    if (path.endsWith("/batch") && script.batches.length === 1)
      await client.queueUpdate(id, { content: "typed meanwhile" });
    return undefined;
  };
  script.judge = (operation) => (operation.operation === "create" ? { version: 41 } : {});
  await script.clock.run(client.sync());
  expect(script.batches[1]?.operations).toMatchObject([{ operation: "update", base_version: 41 }]);
  expect(await client.document(id)).toMatchObject({ version: 42, content: "typed meanwhile" });
});

const feed = (script: Script, item: WireDocument) =>
  void script.pages.push({ items: [item], next_cursor: `c${item.version}`, has_more: false });

/** The base of a title that was begun on a version. */
const baseOf = async (script: Script, client: BatchSyncService, id: string, begun: number) => {
  await client.queueUpdate(id, { title: `title ${script.batches.length}`, base_version: begun });
  await script.clock.run(client.sync());
  const sent = script.batches.at(-1)?.operations[0];
  return sent && "base_version" in sent ? sent.base_version : undefined;
};

describe.each<DocumentKind>(["text", "yjs"])("a change of a %s document that was begun before a newer version", (kind) => {
  const synced = async () => {
    const script = new Script();
    const client = await script.client();
    const id = await client.queueCreate({ title: "note", kind });
    await script.clock.run(client.sync());
    return { script, client, id };
  };
  const theirs = (id: string, version: number) =>
    document(id, version, kind === "yjs" ? { state_vector_b64: "AA==" } : {});

  test("does not clash with what this device pushed meanwhile, the creation included", async () => {
    const { script, client, id } = await synced();
    expect(await baseOf(script, client, id, 0)).toBe(1);
    expect(await baseOf(script, client, id, 1)).toBe(2);
    expect(await baseOf(script, client, id, 1)).toBe(3);
  });

  test("does not count as seen what others made meanwhile", async () => {
    const { script, client, id } = await synced();
    expect(await baseOf(script, client, id, 1)).toBe(1);
    feed(script, theirs(id, 3));
    await script.clock.run(client.pull());
    script.judge = () => ({ version: 10 });
    expect(await baseOf(script, client, id, 0)).toBe(1);
  });

  test("counts as seen what others made before", async () => {
    const { script, client, id } = await synced();
    feed(script, theirs(id, 3));
    await script.clock.run(client.pull());
    expect(await baseOf(script, client, id, 3)).toBe(3);
    expect(await baseOf(script, client, id, 3)).toBe(4);
  });

  test("counts what the server merged as made by others", async () => {
    const { script, client, id } = await synced();
    script.judge = () => ({ merged: true, version: 5, server: theirs(id, 5) });
    expect(await baseOf(script, client, id, 1)).toBe(1);
    script.judge = () => ({});
    expect(await baseOf(script, client, id, 1)).toBe(1);
  });

  test("knows what the feed tells of a push as its own, once the lost answer is told again", async () => {
    const { script, client, id } = await synced();
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("lost") : undefined);
    expect(await baseOf(script, client, id, 1)).toBe(1);
    script.on = () => undefined;
    feed(script, { ...theirs(id, 2), title: "title 1" });
    await script.clock.run(client.pull());
    await script.clock.run(client.sync());
    expect(await client.queued()).toEqual([]);
    expect(await baseOf(script, client, id, 1)).toBe(2);
  });
});

test("a title behind a merged edit keeps its base, since a new title of theirs was not seen", async () => {
  const script = new Script();
  const client = await script.client();
  const id = await client.queueCreate({ title: "note" });
  await script.clock.run(client.sync());
  await client.queueUpdate(id, { content: "mine" });
  script.on = async ({ path }) => {
    if (path.endsWith("/batch") && script.batches.length === 2) await client.queueUpdate(id, { title: "my title" });
    return undefined;
  };
  script.judge = () =>
    script.batches.length === 2
      ? { merged: true, version: 5, server: document(id, 5, { title: "their title", state_vector_b64: "AA==" }) }
      : {};
  await script.clock.run(client.sync());
  expect(script.batches[2]?.operations).toMatchObject([{ base_version: 1, data: { title: "my title" } }]);
});

test("a merge that the queue has not seen: the old base stays, so that the server merges again", async () => {
  const script = new Script();
  const client = await script.client();
  const id = await client.queueCreate({ title: "note", kind: "text" });
  await script.clock.run(client.sync());
  await client.queueUpdate(id, { content: "mine" });
  script.on = async ({ path }) => {
    if (path.endsWith("/batch") && script.batches.length === 2)
      await client.queueUpdate(id, { content: "mine, and more" });
    return undefined;
  };
  script.judge = () => ({
    merged: true,
    version: script.batches.length + 5,
    server: document(id, script.batches.length + 5, { content: "merged" }),
  });
  await script.clock.run(client.sync());
  expect(script.batches.slice(1).map(({ operations: [row] }) => row)).toMatchObject([
    { base_version: 1 },
    { base_version: 1, data: { content: "mine, and more" } },
  ]);
  expect(await client.document(id)).toMatchObject({ content: "merged", version: 8 });
});

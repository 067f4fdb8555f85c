// The client and the real server: answers that are lost, changes that are refused, sessions and servers that end.
import { expect, test, vi } from "vitest";
import { ROOT } from "../src/index.js";
import { client, devices, expectSynced, server, session, texts } from "./support/devices.js";
import { losing, TestServer } from "./support/server.js";

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

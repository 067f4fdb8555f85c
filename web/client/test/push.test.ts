// What a push does when the server, the network or an operation is not well.
import { describe, expect, test } from "vitest";
import { MemoryStore, OtherAccountError, type BatchSyncService, type Progress } from "../src/index.js";
import { document, failure, json, problem, Script, type Turn } from "./support/script.js";

async function queue(client: BatchSyncService, titles: string[]): Promise<string[]> {
  return Promise.all(titles.map((title) => client.queueCreate({ title, kind: "text" })));
}

/** Syncs for longer than an operation has that fails alone, while others get through. */
async function patience(script: Script, client: BatchSyncService): Promise<void> {
  for (let n = 0; n < 8; n += 1) {
    await script.clock.pass(120_000);
    await queue(client, [`other ${n}`]);
    await script.clock.run(client.sync());
  }
}

const titles = (count: number) => Array.from({ length: count }, (_, n) => `note ${n}`);

describe("a chunk that fails as a whole is halved down to the operation at fault", () => {
  const table: { what: string; answer: () => Turn | Promise<Turn>; code: string; isFinal?: true }[] = [
    { what: "413", answer: () => problem(413, "payload_too_large"), code: "payload_too_large", isFinal: true },
    { what: "500", answer: () => problem(500, "internal"), code: "internal" },
    { what: "503 timeout", answer: () => problem(503, "timeout", { "retry-after": "1" }), code: "timeout" },
    { what: "no answer in time", answer: () => new Promise<Turn>(() => undefined), code: "timeout" },
  ];
  test.each(table)("$what", async ({ answer, code, isFinal }) => {
    const script = new Script();
    const client = await script.client();
    await queue(client, [...titles(5), "poison", ...titles(6)]);
    script.on = ({ path, body }) =>
      path.endsWith("/batch") && JSON.stringify(body).includes("poison") ? answer() : undefined;
    const report = await script.clock.run(client.sync());
    expect(report.status).toBe("synced");
    expect(script.pushed.map((batch) => batch.length).slice(0, 3)).toEqual([12, 6, 3]);
    if (!isFinal) {
      // It may be its fault, or not: it is tried for longer, and holds up nobody meanwhile.
      expect(report).toMatchObject({ again: 1, progress: { total: 12, succeeded: 11, failed: 0, errors: [{ code }] } });
      expect(await client.queued()).toMatchObject([{ title: "poison", attempts: 1 }]);
      await patience(script, client);
    } else expect(report.progress).toMatchObject({ total: 12, succeeded: 11, failed: 1 });
    expect(await client.queued()).toEqual([]);
    expect(await client.deadLetters()).toMatchObject([{ operation: { title: "poison" }, error: { code } }]);
  });

  test("a server that is down is not an operation's fault: nothing is set aside", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, titles(8));
    script.on = () => problem(503, "unavailable");
    const report = await script.clock.run(client.sync());
    expect(report.status).toBe("offline");
    expect(await client.status()).toMatchObject({ queued: 8, dead_letters: 0 });
  });
});

describe("tries", () => {
  const table: { what: string; answer: () => Turn; waits: number[]; status: string }[] = [
    {
      what: "no network: 3 tries, 1 s and 2 s apart at most",
      answer: () => new Error("away"),
      waits: [999, 1998],
      status: "offline",
    },
    {
      what: "429 obeys Retry-After",
      answer: () => problem(429, "rate_limited", { "retry-after": "7" }),
      waits: [7000, 7000],
      status: "rate-limited",
    },
    {
      what: "503 obeys Retry-After",
      answer: () => problem(503, "busy", { "retry-after": "3" }),
      waits: [3000, 3000],
      status: "offline",
    },
    {
      what: "a page that some network answers with",
      answer: () => new Response("<html>log in</html>"),
      waits: [999, 1998],
      status: "offline",
    },
    { what: "403 is not retried", answer: () => problem(403, "forbidden"), waits: [], status: "refused" },
    { what: "404 is not retried", answer: () => problem(404, "not_found"), waits: [], status: "refused" },
  ];
  test.each(table)("$what", async ({ answer, waits, status }) => {
    const script = new Script();
    const client = await script.client();
    await queue(client, ["note"]);
    script.on = ({ path }) => (path.endsWith("/limits") ? undefined : answer());
    expect((await script.clock.run(client.sync())).status).toBe(status);
    const times = script.seen.filter(({ path }) => path.endsWith("/batch")).map(({ at }) => at);
    expect(times.slice(1).map((at, n) => at - (times[n] ?? 0))).toEqual(waits);
    expect(await client.status()).toMatchObject({ queued: 1, dead_letters: 0 });
  });

  test("the wait doubles up to a minute", async () => {
    const script = new Script();
    const client = await script.client({ retries: 9 });
    await queue(client, ["note"]);
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("away") : undefined);
    await script.clock.run(client.sync());
    const times = script.seen.filter(({ path }) => path.endsWith("/batch")).map(({ at }) => at);
    const waits = times.slice(1).map((at, n) => Math.round((at - (times[n] ?? 0)) / 1000));
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test("an operation whose failure may pass is tried 3 times, with waits; the rest goes on", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, ["shaky", "fine"]);
    script.judge = (operation) =>
      "data" in operation && operation.data.title === "shaky" ? failure("transient", true) : {};
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    expect(script.pushed).toEqual([["create shaky", "create fine"], ["create shaky"], ["create shaky"]]);
    expect(await client.queued()).toMatchObject([{ title: "shaky", attempts: 3 }]);
    await patience(script, client);
    expect(await client.deadLetters()).toMatchObject([{ error: { code: "transient", retryable: true } }]);
  });

  test("one that passes at the second try leaves no trace", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, ["shaky"]);
    script.judge = () => (script.batches.length < 2 ? failure("transient", true) : {});
    const report = await script.clock.run(client.sync());
    expect(report.progress).toMatchObject({ succeeded: 1, failed: 0, errors: [{ code: "transient", retry_count: 0 }] });
    expect(await client.status()).toMatchObject({ queued: 0, dead_letters: 0 });
  });
});

describe("dead letters", () => {
  async function withLetter(): Promise<{ script: Script; client: BatchSyncService; id: string; name: string }> {
    const script = new Script();
    const client = await script.client();
    const id = await client.queueCreate({ title: "bad", content: "kept", kind: "text" });
    await queue(client, ["good"]);
    script.judge = (operation) => ("data" in operation && operation.data.title === "bad" ? failure("invalid") : {});
    await script.clock.run(client.sync());
    const [letter] = await client.deadLetters();
    script.seen.length = 0;
    return { script, client, id, name: letter?.client_id ?? "" };
  }

  test("are never retried by themselves, and hold up nobody", async () => {
    const { script, client } = await withLetter();
    expect(await client.status()).toMatchObject({ queued: 0, dead_letters: 1 });
    await script.clock.run(client.sync());
    expect(script.pushed).toEqual([]);
  });

  test("can be retried by hand, under the same name", async () => {
    const { script, client, name } = await withLetter();
    script.judge = () => ({});
    expect(await client.retryDeadLetters()).toBe(1);
    await script.clock.run(client.sync());
    expect(script.batches[0]?.operations[0]?.client_id).toBe(name);
    expect(await client.status()).toMatchObject({ queued: 0, dead_letters: 0 });
  });

  test("can be exported, with everything that they carry", async () => {
    const { client } = await withLetter();
    const letters: unknown = JSON.parse(await client.exportDeadLetters());
    expect(letters).toMatchObject([
      { error: { code: "invalid" }, operation: { title: "bad" }, document: { content: "kept" } },
    ]);
  });

  test("of a creation: an edit mends it, as a new operation", async () => {
    const { script, client, id, name } = await withLetter();
    await client.queueUpdate(id, { title: "mended" });
    expect(await client.status()).toMatchObject({ queued: 1, dead_letters: 0 });
    await script.clock.run(client.sync());
    expect(script.batches[0]?.operations).toMatchObject([
      { operation: "create", data: { title: "mended", content: "kept" } },
    ]);
    expect(script.batches[0]?.operations[0]?.client_id).not.toBe(name);
  });

  test("of a creation can be given up, and the document with it", async () => {
    const { client, id, name } = await withLetter();
    await client.discardDeadLetter(name);
    expect(await client.document(id)).toBeUndefined();
    expect(await client.status()).toMatchObject({ queued: 0, dead_letters: 0, documents: 1 });
  });

  test("of an edit that may have been carried out: another edit leaves it as it is", async () => {
    const script = new Script();
    const client = await script.client();
    const [id = ""] = await queue(client, ["note"]);
    await script.clock.run(client.sync());
    await client.queueUpdate(id, { content: "perhaps" });
    script.judge = ({ operation }) => (operation === "update" ? failure("transient", true) : {});
    await patience(script, client);
    const [letter] = await client.deadLetters();
    expect(letter).toBeDefined();
    await client.queueUpdate(id, { content: "later" });
    expect(await client.deadLetters()).toEqual([letter]);
    expect(await client.queued()).toMatchObject([{ content: "later" }]);
  });

  test("of an edit can be given up: the document becomes the server's again", async () => {
    const script = new Script();
    const client = await script.client();
    const [id = ""] = await queue(client, ["note"]);
    await script.clock.run(client.sync());
    await client.queueUpdate(id, { content: "refused" });
    script.judge = () => failure("too_large");
    await script.clock.run(client.sync());
    await client.discardDeadLetter((await client.deadLetters())[0]?.client_id ?? "");
    script.on = ({ path }) =>
      path.endsWith(id) ? json(document(id, 1, { title: "note", content: "theirs" })) : undefined;
    await script.clock.run(client.sync());
    expect(await client.document(id)).toMatchObject({ title: "note", content: "theirs", version: 1 });
  });
});

describe("login", () => {
  const expired = (token: string | undefined): Turn =>
    token === "access-1" ? problem(401, "unauthorized") : undefined;

  test("a 401 is refreshed once, and the push goes on", async () => {
    const script = new Script();
    const client = await script.client({ concurrency: 4, batchSize: 1 });
    await queue(client, titles(6));
    script.on = ({ path, token }) =>
      path.endsWith("/refresh") ? json({ access_token: "access-2", refresh_token: "refresh-2" }) : expired(token);
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    const refreshes = script.seen.filter(({ path }) => path.endsWith("/refresh"));
    expect(refreshes.map(({ body }) => body)).toEqual([{ refresh_token: "refresh-1" }]);
  });

  test("two clients of one store use the refresh token once", async () => {
    const script = new Script();
    const store = new MemoryStore();
    const [one, two] = [await script.client({ store }), await script.client({ store })];
    script.on = ({ path, token }) =>
      path.endsWith("/refresh") ? json({ access_token: "access-2", refresh_token: "refresh-2" }) : expired(token);
    // Not of the same lock, so that both run: the one syncs, the other listens.
    const end = two.subscribe();
    expect((await script.clock.run(one.sync())).status).toBe("synced");
    end();
    expect(script.seen.filter(({ path }) => path.endsWith("/refresh"))).toHaveLength(1);
  });

  test("if that is refused somebody has to log in; the queue stays and goes on after it", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, titles(3));
    let asked = 0;
    client.on("auth-needed", () => (asked += 1));
    script.on = ({ path, token }) => (path.endsWith("/refresh") ? problem(401, "unauthorized") : expired(token));
    expect((await script.clock.run(client.sync())).status).toBe("auth-needed");
    expect(asked).toBe(1);
    expect(await client.status()).toMatchObject({ queued: 3, dead_letters: 0 });
    script.on = () => undefined;
    await client.login("ada", "correct horse battery");
    expect((await script.clock.run(client.sync())).status).toBe("synced");
  });

  test("a store belongs to the account that logged in first, whether anything is queued or not", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, ["ada's"]);
    await client.logout();
    expect((await client.sync()).status).toBe("auth-needed");
    await expect(client.login("grace", "correct horse battery")).rejects.toThrow("documents of ada");
    // The server has names in lower case.
    await client.login("Ada", "correct horse battery");
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    expect(await client.status()).toMatchObject({ username: "ada", queued: 0 });
    script.seen.length = 0;
    await expect(client.login("grace", "correct horse battery")).rejects.toThrow(OtherAccountError);
    expect(script.seen).toEqual([]);
  });

  test("tokens of an outside identity provider are asked for anew after a 401", async () => {
    const script = new Script();
    const asked: boolean[] = [];
    let current = "access-1";
    const token = async (refresh: boolean) => {
      asked.push(refresh);
      return (current = refresh ? "access-2" : current);
    };
    const client = await script.client({ token, workspaceId: "550e8400-e29b-41d4-a716-446655440000" });
    await queue(client, ["note"]);
    script.on = (request) => expired(request.token);
    expect((await script.clock.run(client.sync({ direction: "push" }))).status).toBe("synced");
    expect(asked.filter((refresh) => refresh)).toHaveLength(1);
  });
});

describe("progress", () => {
  test("is told at each step and at least each half second, and adds up", async () => {
    const script = new Script();
    const client = await script.client({ batchSize: 10 });
    await queue(client, titles(30));
    script.on = ({ path }) =>
      path.endsWith("/batch")
        ? new Promise((resolve) => script.clock.setTimeout(() => resolve(undefined), 2000))
        : undefined;
    const told: { at: number; progress: Progress }[] = [];
    client.on("progress", (progress) => told.push({ at: script.clock.now(), progress }));
    const report = await script.clock.run(client.sync());
    const gaps = told.slice(1).map(({ at }, n) => at - (told[n]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(500);
    for (const { progress } of told) {
      expect(progress.processed).toBe(progress.succeeded + progress.failed + progress.skipped);
      expect(progress.total).toBe(30);
    }
    expect(told.some(({ progress }) => progress.percentage === 33.3)).toBe(true);
    const half = told.find(({ progress }) => progress.processed === 20)?.progress;
    expect(half?.estimated_completion).toBe(new Date(Date.parse(half?.started_at ?? "") + 6000).toISOString());
    expect(half?.current_operation).toContain("batch");
    expect(report.progress).toMatchObject({ processed: 30, percentage: 100 });
    expect(client.progress).toEqual(report.progress);
  });

  test("cancelled between batches; resumed from where it stood", async () => {
    const script = new Script();
    const client = await script.client({ batchSize: 10 });
    await queue(client, titles(30));
    const unlisten = client.on("progress", ({ processed }) => void (processed === 10 && client.cancel()));
    const report = await script.clock.run(client.sync());
    expect(report.status).toBe("cancelled");
    expect(report.progress).toMatchObject({ total: 30, processed: 10 });
    expect(await client.status()).toMatchObject({ queued: 20 });
    unlisten();
    expect((await script.clock.run(client.resume())).status).toBe("synced");
    expect(script.pushed.flat()).toEqual(titles(30).map((title) => `create ${title}`));
  });

  test("a cancel ends a wait between tries at once", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, ["note"]);
    script.on = ({ path }) => (path.endsWith("/batch") ? problem(503, "busy", { "retry-after": "300" }) : undefined);
    const sync = client.sync();
    script.clock.setTimeout(() => void client.cancel(), 100);
    const started = script.clock.now();
    expect((await script.clock.run(sync)).status).toBe("cancelled");
    expect(script.clock.now() - started).toBeLessThan(1000);
  });

  test("while one is under way the next waits, is shared, and pushes what was queued meanwhile", async () => {
    const script = new Script();
    const client = await script.client();
    let later: Promise<unknown> | undefined;
    script.on = async ({ path }) => {
      if (path.endsWith("/changes") && !later) {
        await queue(client, ["meanwhile"]);
        const [one, two] = [client.sync(), client.sync()];
        expect(one).toBe(two);
        later = one;
      }
      return undefined;
    };
    await queue(client, ["note"]);
    await script.clock.run(client.sync());
    await script.clock.run(later ?? Promise.reject(new Error("it was never asked")));
    expect(script.pushed).toEqual([["create note"], ["create meanwhile"]]);
    expect(client.isSyncing).toBe(false);
  });
});

describe("the guard against mass deletion", () => {
  const table: { documents: number; deletions: number; stops: boolean }[] = [
    { documents: 60, deletions: 21, stops: true },
    { documents: 60, deletions: 20, stops: false },
    { documents: 100, deletions: 25, stops: false },
    { documents: 100, deletions: 26, stops: true },
  ];
  test.each(table)("$deletions of $documents pushed: stops $stops", async ({ documents, deletions, stops }) => {
    const script = new Script();
    const client = await script.client();
    const ids = await queue(client, titles(documents));
    await script.clock.run(client.sync());
    script.seen.length = 0;
    for (const id of ids.slice(0, deletions)) await client.queueDelete(id);
    const report = await script.clock.run(client.sync());
    expect(report.status).toBe(stops ? "guarded" : "synced");
    if (!stops) return;
    expect(report.guard).toMatchObject({ side: "server", deletions, documents });
    expect(script.batches).toEqual([]);
    expect((await script.clock.run(client.sync({ allowMassDelete: true }))).status).toBe("synced");
    expect(await client.status()).toMatchObject({ queued: 0, documents: documents - deletions });
  });

  test("can be answered with no: what was never sent is dropped, what was sent is followed by a restoration", async () => {
    const script = new Script();
    const client = await script.client({ retries: 1 });
    const [sent = "", ...ids] = await queue(client, titles(30));
    await script.clock.run(client.sync());
    await client.queueDelete(sent);
    script.on = ({ path }) => (path.endsWith("/batch") ? new Error("the answer was lost") : undefined);
    await script.clock.run(client.sync());
    script.on = () => undefined;
    for (const id of ids.slice(0, 25)) await client.queueDelete(id);
    expect((await script.clock.run(client.sync())).guard).toMatchObject({ side: "server", deletions: 26 });
    script.seen.length = 0;
    expect(await client.takeBackDeletions()).toBe(26);
    expect((await client.documents()).map(({ title }) => title).sort()).toEqual(titles(30).sort());
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    const operations = script.batches.flatMap((batch) => batch.operations);
    expect(operations.filter(({ operation }) => operation === "delete")).toMatchObject([{ document_id: sent }]);
    const restored = operations.filter((row) => "restore" in row && row.restore);
    expect(restored).toMatchObject([{ document_id: sent }]);
    expect(await client.takeBackDeletions()).toBe(0);
  });
});

test("a dry run asks, and changes nothing", async () => {
  const script = new Script();
  const client = await script.client({ batchSize: 2 });
  const [id = ""] = await queue(client, titles(3));
  script.judge = (operation) => ("data" in operation && operation.data.title === "note 1" ? failure("invalid") : {});
  const before = await client.queued();
  const report = await script.clock.run(client.sync({ dryRun: true }));
  expect(report.results.map(({ status }) => status)).toEqual(["success", "error", "success"]);
  expect(report.progress).toMatchObject({ total: 3, succeeded: 2, failed: 1 });
  expect(script.batches.every((batch) => batch.dry_run && batch.cursor === undefined)).toBe(true);
  expect(await client.queued()).toEqual(before);
  await client.queueUpdate(id, { title: "still coalesces" });
  expect(await client.queued()).toHaveLength(3);
});

test("one of two clients of a store syncs at a time", async () => {
  const script = new Script();
  const store = new MemoryStore();
  const [one, two] = [await script.client({ store }), await script.client({ store })];
  await queue(one, ["note"]);
  const [first, second] = await script.clock.run(Promise.all([one.sync(), two.sync()]));
  expect([first?.status, second?.status].sort()).toEqual(["busy", "synced"]);
  expect(script.pushed).toEqual([["create note"]]);
  expect((await script.clock.run(two.sync())).status).toBe("synced");
});

describe("atomic", () => {
  test("everything that is queued goes in one request, above the size of a batch too", async () => {
    const script = new Script();
    const client = await script.client({ batchSize: 5 });
    await queue(client, titles(12));
    expect(await script.clock.run(client.sync({ atomic: true }))).toMatchObject({ status: "synced", pulled: 0 });
    expect(script.batches).toMatchObject([{ atomic: true, operations: { length: 12 } }]);
    expect(await client.queued()).toEqual([]);
  });

  test("above the limits of a request nothing is sent, and the error says so", async () => {
    const script = new Script();
    script.limits.max_operations = 11;
    const client = await script.client();
    await queue(client, titles(12));
    const before = await client.queued();
    const report = await script.clock.run(client.sync({ atomic: true }));
    expect(report).toMatchObject({ status: "refused", error: { name: "AtomicLimitError" } });
    expect(String(report.error)).toContain("only 11 of 12");
    expect(script.batches).toEqual([]);
    expect(await client.queued()).toEqual(before);
  });

  test("is never halved", async () => {
    const script = new Script();
    const client = await script.client();
    await queue(client, titles(4));
    script.on = ({ path }) => (path.endsWith("/batch") ? problem(413, "payload_too_large") : undefined);
    expect((await script.clock.run(client.sync({ atomic: true }))).status).toBe("refused");
    script.on = ({ path }) => (path.endsWith("/batch") ? problem(500, "internal") : undefined);
    expect((await script.clock.run(client.sync({ atomic: true }))).status).toBe("offline");
    expect(new Set(script.pushed.map((batch) => batch.length))).toEqual(new Set([4]));
    expect(await client.status()).toMatchObject({ queued: 4, dead_letters: 0 });
  });
});

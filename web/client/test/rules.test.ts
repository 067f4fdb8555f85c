// The rules that every client keeps: the cases of tests/client_rules, which the folder client is tested against as well.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { replaceText, ROOT, shown, type BatchSyncService, type SyncReport } from "../src/index.js";
import { firstSize, sizeAfter, type BatchSize, type SentBatch } from "../src/batch-size.js";
import { mergeTexts } from "../src/merge.js";
import { document, failure, problem, Script, tombstone, type Turn } from "./support/script.js";

interface Answer {
  status: number;
  content_type: string;
  body: unknown;
}

/** The cases of a rule that this client can be in. A key that is not among `keys` is one that nobody looks at. */
function casesOf<T>(file: string, keys: readonly string[]): (T & { name: string })[] {
  const path = new URL(`../../../tests/client_rules/${file}.json`, import.meta.url);
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Record<string, unknown>[] };
  const known = ["name", "only", "why", ...keys];
  for (const each of cases) expect(known, JSON.stringify(each)).toEqual(expect.arrayContaining(Object.keys(each)));
  expect(new Set(cases.map(({ name }) => name)).size, "names are unique").toBe(cases.length);
  for (const each of cases) if (each["only"] !== undefined) expect(each["why"]).toMatch(/\w/);
  return cases.filter(({ only }) => only === undefined || only === "typescript") as (T & { name: string })[];
}

describe("answers.json", () => {
  const cases = casesOf<{ operations: number; answer: Answer; outcome: string }>("answers", [
    "operations",
    "answer",
    "outcome",
  ]);

  test.each(cases)("$name: $outcome", async ({ operations, answer, outcome }) => {
    const script = new Script();
    const client = await script.client();
    for (let n = 0; n < operations; n += 1) await client.queueCreate({ title: `note ${n}`, kind: "text" });
    script.on = ({ path, body }): Turn => {
      if (path.endsWith("/refresh")) return problem(401, "unauthorized");
      if (!path.endsWith("/batch")) return undefined;
      const sent = (body as { operations: { client_id: string }[] }).operations;
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      const filled = text.replaceAll("$0", sent[0]?.client_id ?? "");
      const headers = { "content-type": answer.content_type };
      return new Response(answer.status === 204 ? null : filled, { status: answer.status, headers });
    };
    const report = await script.clock.run(client.sync());
    expect(await outcomeOf(script, client, report, operations)).toBe(outcome);
  });

  async function outcomeOf(script: Script, client: BatchSyncService, report: SyncReport, operations: number) {
    const { queued, dead_letters } = await client.status();
    const sizes = script.batches.map((batch) => batch.operations.length);
    const isWhole = sizes.every((size) => size === operations);
    if (!isWhole) return sizes[1] === operations / 2 ? "split" : `batches of ${sizes.join()}`;
    if (queued === 0) return dead_letters === 0 ? "settled" : "dead_letter";
    expect({ queued, dead_letters }).toEqual({ queued: operations, dead_letters: 0 });
    if (report.status === "synced" && report.again === operations) return "failed_alone";
    if (report.status === "auth-needed") return "log_in";
    const tries = script.batches.length;
    if (report.status === "refused" || report.status === "cancelled") return tries === 1 ? "refused" : `tried ${tries} times`;
    if (report.status !== "offline" && report.status !== "rate-limited") return report.status;
    expect(tries).toBe(3);
    return String(report.error).startsWith("RequestRefused") ? "later" : "unreachable";
  }
});

describe("retry_after.json", () => {
  type Case = { retry_after: string; date?: string; now: string } & {
    wait_s?: number;
    end_s?: number;
    end?: true;
    none?: true;
  };
  const keys = ["retry_after", "date", "now", "wait_s", "end_s", "end", "none"];
  const answers = [
    { what: "the server", refuse: (headers: Record<string, string>) => problem(429, "rate_limited", headers) },
    { what: "a gateway", refuse: (headers: Record<string, string>) => new Response("busy", { status: 503, headers }) },
  ];
  describe.each(answers)("of $what", ({ refuse }) => {
    test.each(casesOf<Case>("retry_after", keys))("$name", async (row) => {
      const script = new Script(Date.parse(row.now));
      const client = await script.client();
      await client.queueCreate({ title: "note", kind: "text" });
      const headers = { "retry-after": row.retry_after, ...(row.date === undefined ? {} : { date: row.date }) };
      script.on = ({ path }) => (path.endsWith("/batch") && script.batches.length < 2 ? refuse(headers) : undefined);
      const began = script.clock.now();
      const report = await script.clock.run(client.sync());
      const times = script.seen.filter(({ path }) => path.endsWith("/batch")).map(({ at }) => at);
      if (row.wait_s !== undefined || row.none) {
        expect(report.status).toBe("synced");
        const waited = ((times[1] ?? NaN) - (times[0] ?? NaN)) / 1000;
        expect(waited).toBeGreaterThanOrEqual(row.wait_s ?? 0);
        expect(waited).toBeLessThanOrEqual((row.wait_s ?? 0) + 60);
      } else {
        expect(report.status).toMatch(/rate-limited|offline/);
        expect(times).toHaveLength(1);
        expect(script.clock.now() - began, "nothing was waited for").toBeLessThan(1000);
        const asked = (Date.parse(report.retry_at ?? "") - began) / 1000;
        if (row.end_s === undefined) expect(asked).toBeGreaterThan(24 * 3600);
        else expect(Math.round(asked)).toBe(row.end_s);
        expect(await client.status()).toMatchObject({ queued: 1, dead_letters: 0 });
      }
    });
  });
});

describe("dead_letters.json", () => {
  const keys = ["tries", "over_s", "others", "outcome"];
  const cases = casesOf<{ tries: number; over_s: number; others: boolean; outcome: string }>("dead_letters", keys);
  test.each(cases)("$name: $outcome", async ({ tries, over_s, others, outcome }) => {
    const script = new Script();
    const client = await script.client({ retries: 1 });
    await client.queueCreate({ title: "shaky", kind: "text" });
    script.judge = (operation) =>
      "data" in operation && operation.data.title === "shaky" ? failure("transient", true) : {};
    for (let n = 0; n < tries; n += 1) {
      if (n > 0) await script.clock.pass(Math.ceil((over_s * 1000) / (tries - 1)));
      if (others) await client.queueCreate({ title: `other ${n}`, kind: "text" });
      expect(await client.deadLetters(), `before try ${n + 1}`).toEqual([]);
      const { status, again } = await script.clock.run(client.sync());
      expect(status).toBe("synced");
      if (n < tries - 1) expect(again).toBe(1);
    }
    const { queued, dead_letters } = await client.status();
    expect({ queued, dead_letters }).toEqual(
      outcome === "queued" ? { queued: 1, dead_letters: 0 } : { queued: 0, dead_letters: 1 },
    );
  });
});

describe("streams.json", () => {
  test.each(casesOf<{ silent_s: number; outcome: string }>("streams", ["silent_s", "outcome"]))(
    "$name: $outcome",
    async ({ silent_s, outcome }) => {
      const script = new Script();
      const client = await script.client();
      let opened = 0;
      script.on = ({ path }): Turn => {
        if (!path.endsWith("/events")) return undefined;
        opened += 1;
        const body = new ReadableStream({ start: (made) => made.enqueue(new TextEncoder().encode(": hello\n\n")) });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      };
      const end = client.subscribe();
      // Up to a second more is the wait before the next try.
      await script.clock.pass(silent_s * 1000 + (outcome === "reconnect" ? 1000 : 0));
      expect(opened).toBe(outcome === "reconnect" ? 2 : 1);
      end();
      await client.close();
    },
  );
});

describe("merges.json", () => {
  type Case = { base: string; mine: string; theirs: string; merged?: string; merged_other?: string; clash?: true };
  const keys = ["base", "mine", "theirs", "merged", "merged_other", "order", "clash"];
  const cases = casesOf<Case>("merges", keys);
  test.each(cases)("$name", ({ base, mine, theirs, merged, merged_other, clash }) => {
    for (const [one, other] of [
      [mine, theirs],
      [theirs, mine],
    ] as const) {
      const made = mergeTexts(base, one, other);
      expect(made.clashes).toBe(clash ?? false);
      expect(clash ? [one] : [merged, merged_other]).toContain(made.text);
    }
  });
});

describe("line_ends.json", () => {
  type Case = { kind: "yjs" | "text"; stored: string; shown: string; wanted?: string; after: string };
  const keys = ["kind", "stored", "shown", "wanted", "after", "file", "file_after"];
  test.each(casesOf<Case>("line_ends", keys))("$name", async ({ kind, stored, shown: visible, wanted, after }) => {
    const script = new Script();
    const client = await script.client();
    const state = new Y.Doc();
    state.getText(ROOT).insert(0, stored);
    const yjs = {
      yjs_state_b64: Buffer.from(Y.encodeStateAsUpdate(state)).toString("base64"),
      state_vector_b64: Buffer.from(Y.encodeStateVector(state)).toString("base64"),
    };
    const told = document("d", 1, { content: stored, ...(kind === "yjs" ? yjs : {}) });
    script.pages = [{ items: [told], next_cursor: "c1", has_more: false }];
    await script.clock.run(client.sync());
    if (kind === "yjs") {
      const text = (await client.openDocument("d")).getText(ROOT);
      expect(text.toString()).toBe(visible);
      if (wanted !== undefined) replaceText(text, wanted);
      await client.flush();
    } else {
      expect(shown((await client.document("d"))?.content ?? "")).toBe(visible);
      if (wanted !== undefined) await client.queueUpdate("d", { content: wanted });
    }
    expect((await client.document("d"))?.content).toBe(after);
    expect(await client.queued()).toHaveLength(wanted === undefined ? 0 : 1);
    // The server, with what is sent, has the same.
    await script.clock.run(client.sync());
    const data = script.batches.at(-1)?.operations[0] as { data?: { yjs_state_b64?: string; content?: string } } | undefined;
    const sent = data?.data?.yjs_state_b64;
    if (sent !== undefined) Y.applyUpdate(state, Buffer.from(sent, "base64"));
    expect(kind === "yjs" ? state.getText(ROOT).toString() : (data?.data?.content ?? stored)).toBe(after);
  });
});

describe("restore.json", () => {
  type Case = { local: string; version: number; server: string; server_version?: number; outcome: string };
  const keys = ["local", "version", "server", "server_version", "outcome"];
  test.each(casesOf<Case>("restore", keys))("$name: $outcome", async (row) => {
    const script = new Script();
    const client = await script.client();
    const id = "d";
    const others = [document("other", 1)];
    if (row.version > 0) {
      script.pages = [{ items: [document(id, row.version), ...others], next_cursor: "old", has_more: false }];
      await script.clock.run(client.sync());
    } else await client.queueCreate({ document_id: id, title: "mine", content: `text of ${id}`, kind: "text" });
    // The server is restored: it knows no cursor of before, and has what its backup had.
    const isThere = row.server !== "absent";
    const there = row.server_version ?? 0;
    script.on = ({ path, query }) =>
      path.endsWith("/changes") && query.get("cursor") === "old" ? problem(410, "cursor_expired") : undefined;
    script.judge = ({ operation, document_id, ...sent }) => {
      if (document_id !== id || operation === "create") return {};
      const base = "base_version" in sent ? (sent.base_version ?? 0) : 0;
      if (operation === "delete" && !isThere) return { unchanged: true };
      if (!isThere) return { ...failure("not_found"), version: undefined as never };
      return base > there ? { ...failure("invalid_base_version"), version: there } : { version: base + 1 };
    };
    if (row.local === "edited" && row.version > 0) await client.queueUpdate(id, { content: "edited" });
    if (row.local === "deleted") await client.queueDelete(id);
    const told = row.server === "tombstone" ? [tombstone(id, there)] : isThere ? [document(id, there, { title: "theirs" })] : [];
    script.pages = [{ items: [...told, ...others], next_cursor: "new", has_more: false }];
    expect((await script.clock.run(client.sync())).status).toBe("synced");
    await script.clock.run(client.sync());
    const { lost, queued, dead_letters } = await client.status();
    expect({ queued, dead_letters }).toEqual({ queued: 0, dead_letters: 0 });
    const found = await client.document(id);
    const outcome = () => {
      if (lost > 0) return "offered";
      if (!found) return row.local === "deleted" ? "kept" : "deleted";
      if (script.pushed.flat().includes("create mine")) return "pushed";
      return found.version > row.version ? "pulled" : "kept";
    };
    expect(outcome()).toBe(row.outcome);
    if (row.outcome !== "offered") return;
    expect(found?.content).toBe(row.local === "edited" ? "edited" : `text of ${id}`);
    script.judge = () => ({});
    await client.sendAgain();
    await script.clock.run(client.sync());
    expect(script.batches.at(-1)?.operations).toMatchObject([
      { operation: isThere ? "update" : "create", document_id: id, data: { content: found?.content } },
    ]);
    expect(await client.status()).toMatchObject({ lost: 0, queued: 0, dead_letters: 0 });
  });
});

describe("mass_deletion.json", () => {
  type Counts = "documents" | "deleted_here" | "deleted_elsewhere" | "edited_here" | "edited_elsewhere";
  type Case = Record<Counts, number> & { asks: boolean };
  const keys = ["documents", "deleted_here", "deleted_elsewhere", "edited_here", "edited_elsewhere", "asks"];
  test.each(casesOf<Case>("mass_deletion", keys))("$name", async (row) => {
    const script = new Script();
    const client = await script.client();
    const ids = Array.from({ length: row.documents }, (_, n) => `d${String(n).padStart(3, "0")}`);
    script.pages = [{ items: ids.map((id) => document(id, 1)), next_cursor: "c1", has_more: false }];
    await script.clock.run(client.sync());
    script.seen.length = 0;
    const left = [...ids];
    for (const id of left.splice(0, row.deleted_here)) await client.queueDelete(id);
    const gone = left.splice(0, row.deleted_elsewhere).map((id) => tombstone(id, 2));
    const mine = left.splice(0, row.edited_here);
    for (const id of mine) await client.queueUpdate(id, { content: "edited here" });
    const theirs = left.splice(0, row.edited_elsewhere);
    const edited = theirs.map((id) => document(id, 2, { content: "edited elsewhere" }));
    script.pages = [{ items: [...gone, ...edited], next_cursor: "c2", has_more: false }];
    const report = await script.clock.run(client.sync());
    expect(report.status).toBe(row.asks ? "guarded" : "synced");
    const sent = script.batches.flatMap(({ operations }) => operations);
    expect(sent.filter(({ operation }) => operation === "delete")).toHaveLength(row.asks ? 0 : row.deleted_here);
    expect(sent.filter(({ operation }) => operation === "update")).toHaveLength(row.edited_here);
    for (const id of theirs) expect(await client.document(id)).toMatchObject({ content: "edited elsewhere" });
    expect(await client.status()).toMatchObject({
      queued: row.asks ? row.deleted_here : 0,
      documents: row.documents - row.deleted_here - (row.asks ? 0 : row.deleted_elsewhere),
    });
    // The answer, either way.
    expect((await script.clock.run(client.sync({ allowMassDelete: true }))).status).toBe("synced");
    const { documents, queued } = await client.status();
    expect({ documents, queued }).toEqual({ documents: row.documents - row.deleted_here - row.deleted_elsewhere, queued: 0 });
  });
});

describe("batch_size.json", () => {
  type Line = { bytes_per_s: number; latency_ms: number; then_bytes_per_s?: number };
  type Case = { most?: BatchSize; sent?: SentBatch[]; next?: BatchSize } & {
    line?: Line;
    document_bytes?: number;
    batches?: number;
    settles?: { least: number; most: number };
  };
  const MOST = { operations: 100, bytes: 16 * 1024 * 1024 };
  const keys = ["most", "sent", "next", "line", "document_bytes", "batches", "settles"];
  test.each(casesOf<Case>("batch_size", keys))("$name", ({ most = MOST, sent = [], next, settles, ...row }) => {
    let size = firstSize(most);
    for (const batch of sent) size = sizeAfter(size, batch, most);
    if (next) expect(size).toEqual(next);
    if (!settles || !row.line) return expect(next).toBeDefined();
    const { line, document_bytes = 0, batches = 0 } = row;
    let operations = 0;
    for (let batch = 0; batch < batches; batch += 1) {
      operations = Math.max(1, Math.min(size.operations, Math.floor(size.bytes / document_bytes)));
      const speed = batch * 2 >= batches ? (line.then_bytes_per_s ?? line.bytes_per_s) : line.bytes_per_s;
      const bytes = operations * document_bytes;
      const ms = line.latency_ms + Math.floor((bytes * 1000) / speed);
      size = sizeAfter(size, { operations, bytes, ms, latency_ms: line.latency_ms }, MOST);
    }
    expect(operations).toBeGreaterThanOrEqual(settles.least);
    expect(operations).toBeLessThanOrEqual(settles.most);
  });
});

// The rules that every client keeps: the cases of tests/client_rules, which the folder client is tested against as well.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BatchSyncService, SyncReport } from "../src/index.js";
import { failure, problem, Script, type Turn } from "./support/script.js";

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

// Batches fit the line: the real server behind a slow proxy.
import { afterAll, beforeAll, expect, test } from "vitest";
import { BatchSyncService, MemoryStore, type BatchRequest, type Fetch } from "../src/index.js";
import { TestServer } from "./support/server.js";
import { SlowLine } from "./support/slow-line.js";

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

/** A device that wrote documents offline, behind a line; and what its batches are. */
async function writer(line: SlowLine, documents: number, characters: number) {
  const batches: { operations: number; bytes: number; ms: number }[] = [];
  const measured: Fetch = async (input, init) => {
    const began = Date.now();
    const response = await fetch(input, init);
    const body = await response.arrayBuffer();
    if (input.endsWith("/batch")) {
      const sent = String(init?.body);
      const { operations } = JSON.parse(sent) as BatchRequest;
      batches.push({ operations: operations.length, bytes: sent.length, ms: Date.now() - began });
    }
    return new Response(body, response);
  };
  const client = new BatchSyncService({ url: line.url, store: new MemoryStore(), fetch: measured });
  await client.register(`slow-${(users += 1)}`, "correct horse battery");
  for (let n = 0; n < documents; n += 1) {
    await client.queueCreate({ title: `note ${n}`, content: "x".repeat(characters), kind: "text" });
  }
  return { client, batches };
}

test("on a slow line batches are small, answered in time, and progress never stands still", async () => {
  const line = await SlowLine.open(server.url, 16_000, 300);
  const { client, batches } = await writer(line, 60, 2000);
  const told: number[] = [];
  client.on("progress", () => told.push(Date.now()));
  const report = await client.sync({ direction: "push" });
  line.close();
  expect(report).toMatchObject({ status: "synced", progress: { succeeded: 60 } });
  // Four batches are on the line at once, so that each is a quarter of what fits into a second, or the least there is.
  for (const { bytes } of batches.slice(8)) expect(bytes).toBeLessThan(5 * 2300);
  expect(Math.max(...batches.map(({ ms }) => ms))).toBeLessThan(20_000);
  const gaps = told.slice(1).map((at, n) => at - (told[n] ?? at));
  expect(gaps.filter((gap) => gap > 1000)).toEqual([]);
});

test("on a fast line batches grow to what the server takes", async () => {
  const line = await SlowLine.open(server.url, 100_000_000, 0);
  const { client, batches } = await writer(line, 1000, 100);
  const report = await client.sync({ direction: "push" });
  line.close();
  expect(report).toMatchObject({ status: "synced", progress: { succeeded: 1000 } });
  const sizes = batches.map(({ operations }) => operations);
  expect(sizes[0]).toBe(10);
  expect(Math.max(...sizes)).toBeGreaterThan(40);
  expect(batches.length).toBeLessThan(60);
});

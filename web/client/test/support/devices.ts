// The real server for the tests of a file, and devices of its users.
import { afterAll, beforeAll, expect } from "vitest";
import { BatchSyncService, MemoryStore, type ClientOptions, type Session, type SyncReport } from "../../src/index.js";
import { TestServer } from "./server.js";

/** The server of this file's tests; each test has a user of its own. */
export let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const stores = new WeakMap<BatchSyncService, MemoryStore>();
const quick = { baseMs: 20, capMs: 200 };
let users = 0;

/** A device that nobody has logged in. */
export function client(options: Partial<ClientOptions> = {}): BatchSyncService {
  const store = new MemoryStore();
  const made = new BatchSyncService({ url: server.url, store, backoff: quick, ...options });
  stores.set(made, store);
  return made;
}

/** Two devices of one new user, both logged in. */
export async function devices(options: Partial<ClientOptions> = {}): Promise<[BatchSyncService, BatchSyncService]> {
  const name = `user-${(users += 1)}`;
  const [laptop, phone] = [client(options), client()];
  await laptop.register(name, "correct horse battery");
  await phone.login(name, "correct horse battery");
  return [laptop, phone];
}

/** What a device keeps. */
export function storeOf(of: BatchSyncService): MemoryStore {
  const store = stores.get(of);
  if (!store) throw new Error("no device of these tests");
  return store;
}

/** What proves to the server who a device's user is. */
export async function session(of: BatchSyncService): Promise<{ token: string }> {
  const row = await storeOf(of).transaction("read", (tx) => tx.get("meta", "session"));
  return { token: (row as Session).access_token };
}

/** Everything was sent and taken. */
export function expectSynced(report: SyncReport): void {
  expect(report.error).toBeUndefined();
  expect(report.status).toBe("synced");
  expect(report.progress).toMatchObject({ failed: 0, skipped: 0, percentage: 100, errors: [] });
}

/** The texts of all documents by title. */
export async function texts(of: BatchSyncService): Promise<Record<string, string>> {
  const all = await Promise.all((await of.documents()).map(({ document_id }) => of.document(document_id)));
  return Object.fromEntries(all.map((document) => [document?.title ?? "", document?.content ?? ""]));
}

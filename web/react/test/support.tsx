// What the tests of the hooks share: a page, clients of a real server, and an end to all of them.
import "fake-indexeddb/auto";
import { BatchSyncService, IndexedDbStore, type ClientOptions } from "@landfall/client";
import { cleanup, configure } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterAll, afterEach, beforeAll } from "vitest";
import { SyncProvider, type SyncProviderProps } from "../src/index.js";
import { TestServer } from "../../client/test/support/server.js";

// A machine that builds something else meanwhile is slow.
configure({ asyncUtilTimeout: 30_000 });

export const PASSWORD = "correct horse battery";

/** A server for the tests of a file, with these settings. */
export function useServer(settings: Record<string, string> = {}): { readonly server: TestServer } {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await TestServer.start(settings);
  });
  afterAll(() => server?.stop());
  return {
    get server() {
      if (!server) throw new Error("the server was not started");
      return server;
    },
  };
}

const made: { client: BatchSyncService; store: IndexedDbStore }[] = [];
let names = 0;

afterEach(async () => {
  cleanup();
  // Documents are closed in the task after the last component went.
  await new Promise((resolve) => setTimeout(resolve));
  for (const { client, store } of made.splice(0)) {
    await client.close();
    await store.close();
  }
});

/** A name that nobody else has. */
export function newName(): string {
  return `user-${process.pid}-${(names += 1)}`;
}

/** A client with an IndexedDB store of its own, or, as a second tab, with that of another client. */
export async function newClient(
  url: string,
  options: Partial<ClientOptions> = {},
  storeName = newName(),
): Promise<BatchSyncService> {
  const store = await IndexedDbStore.open(storeName);
  const client = new BatchSyncService({ url, store, backoff: { baseMs: 20, capMs: 100 }, ...options });
  made.push({ client, store });
  return client;
}

/** Two devices of a new user, both logged in. */
export async function devices(url: string): Promise<[BatchSyncService, BatchSyncService]> {
  const name = newName();
  const [laptop, phone] = [await newClient(url), await newClient(url)];
  await laptop.register(name, PASSWORD);
  await phone.login(name, PASSWORD);
  return [laptop, phone];
}

/** What stands around the components of a test; in strict mode, which mounts everything twice. */
export function within(props: Omit<SyncProviderProps, "children">) {
  return function Within({ children }: { children?: ReactNode }) {
    return (
      <StrictMode>
        <SyncProvider {...props}>{children}</SyncProvider>
      </StrictMode>
    );
  };
}

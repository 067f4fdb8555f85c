/**
 * A store of this device, open, and the client that works on it.
 *
 * @module
 */
import { BatchSyncService, IndexedDbStore } from "@landfall/client";
import { accountName, sharedStore, type SharedStore } from "./accounts.ts";

/** An open store with its client. */
export interface Place {
  /** The store's name. */
  store: string;
  client: BatchSyncService;
  /** What the workspace is, if it is not the account's own. */
  shared?: SharedStore;
  /** The client of the account's own store; the same as `client` unless the workspace is another one. */
  home: BatchSyncService;
  /** The stores of both. */
  opened: IndexedDbStore[];
}

/** Opens a store, and makes its client. The server is the one that the page came from. */
export async function openPlace(store: string): Promise<Place> {
  const opened = await openStore(store);
  const shared = sharedStore(store);
  if (!shared) {
    const client = new BatchSyncService({ url: "", store: opened });
    return { store, client, home: client, opened: [opened] };
  }
  const { username, workspace_id: workspaceId } = shared;
  const homeStore = await openStore(shared.home);
  const home = new BatchSyncService({ url: "", store: homeStore });
  // Nobody logs in here, so that only the account's own store holds its refresh token.
  await opened.transaction("write", (tx) => tx.put("meta", "username", username));
  const token = (refresh: boolean): Promise<string | undefined> => home.accessToken(refresh);
  const client = new BatchSyncService({ url: "", store: opened, workspaceId, token });
  return { store, shared, home, client, opened: [opened, homeStore] };
}

/** Opens a store. Its owner's name was once kept as it was typed; everything else has it in lower case. */
async function openStore(name: string): Promise<IndexedDbStore> {
  const store = await IndexedDbStore.open(name);
  await store.transaction("write", async (tx) => {
    const owner = await tx.get("meta", "username");
    if (typeof owner === "string") await tx.put("meta", "username", accountName(owner));
  });
  return store;
}

/** Removes a store and everything in it from this device. */
export async function removeStore(name: string): Promise<void> {
  const store = await IndexedDbStore.open(name);
  await store.transaction("write", (tx) => tx.clear());
  await store.close();
  // What another tab still has open is empty already.
  indexedDB.deleteDatabase(name);
}

/** Ends the use of a place; what was typed is on disk when the promise resolves. */
export async function closePlace({ client, home, opened }: Place): Promise<void> {
  await client.close();
  if (home !== client) await home.close();
  for (const store of opened) await store.close();
}

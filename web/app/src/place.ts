/**
 * A store of this device, open, and the client that works on it.
 *
 * @module
 */
import { BatchSyncService, IndexedDbStore } from "@landfall/client";

/** An open store with its client. */
export interface Place {
  /** The store's name. */
  store: string;
  client: BatchSyncService;
}

/** Opens a store, and makes its client. The server is the one that the page came from. */
export async function openPlace(store: string): Promise<Place> {
  return { store, client: new BatchSyncService({ url: "", store: await IndexedDbStore.open(store) }) };
}

/** Ends the use of a place; what was typed is on disk when the promise resolves. */
export async function closePlace({ client }: Place): Promise<void> {
  await client.close();
}

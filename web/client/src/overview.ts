/**
 * What there is on this device, counted.
 *
 * @module
 */
import type { Engine } from "./engine.js";
import { deviceId } from "./identity.js";
import { countDocuments } from "./local-documents.js";
import { getMeta } from "./store.js";

/** What there is on this device. */
export interface Status {
  device_id: string;
  username?: string;
  logged_in: boolean;
  workspace_id?: string;
  /** Queued operations. */
  queued: number;
  conflicts: number;
  dead_letters: number;
  /** Live documents. */
  documents: number;
  /** Documents that the server has lost, and that wait for somebody's word: see `lostDocuments`. */
  lost: number;
  /** When everything was last in sync, RFC 3339. */
  synced_at?: string;
}

/**
 * Counts what there is. Writes only where this device has no name yet.
 *
 * @param hasTokens whether an outside identity provider gives the tokens, so that nobody need log in here
 */
export async function readStatus(
  { store, clock, workspaceId }: Engine,
  hasTokens: boolean,
): Promise<Status> {
  const device_id =
    (await store.transaction("read", (tx) => getMeta(tx, "device_id"))) ??
    (await store.transaction("write", (tx) => deviceId(tx, clock.now())));
  return store.transaction("read", async (tx) => {
    const username = await getMeta(tx, "username");
    const workspace_id = workspaceId ?? (await getMeta(tx, "workspace_id"));
    const synced_at = await getMeta(tx, "synced_at");
    const { live, lost } = await countDocuments(tx);
    return {
      device_id,
      ...(username === undefined ? {} : { username }),
      logged_in: hasTokens || (await getMeta(tx, "session")) !== undefined,
      ...(workspace_id === undefined ? {} : { workspace_id }),
      queued: await tx.count("operations"),
      conflicts: await tx.count("conflicts"),
      dead_letters: await tx.count("dead_letters"),
      documents: live,
      lost,
      ...(synced_at === undefined ? {} : { synced_at }),
    };
  });
}

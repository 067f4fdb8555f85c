/**
 * What the parts of a sync share.
 *
 * @module
 */
import type { Api } from "./api.js";
import type { Pace } from "./batch-size.js";
import type { Backoff, Clock } from "./clock.js";
import type { Emitter } from "./emitter.js";
import type { MassDeletion } from "./errors.js";
import type { Live } from "./live/link.js";
import type { Lock } from "./lock.js";
import type { Conflict, DeadLetter } from "./model.js";
import type { Progress } from "./progress.js";
import type { Store } from "./store.js";
import type { OperationResult } from "./wire.js";

/** What a client tells of. */
export interface SyncEvents {
  /** How far the sync is: at each step, and at least each half second while it runs. */
  progress: Progress;
  /** The server's answer to one operation. */
  result: OperationResult;
  /** Both sides of a clash; see `resolve`. */
  conflict: Conflict;
  /** An operation that was refused for good, or failed too often. */
  "dead-letter": DeadLetter;
  /** Somebody has to log in; the queue stays. */
  "auth-needed": Record<string, never>;
  /** A sync is over. */
  synced: SyncReport;
  /**
   * Work of this tab was queued, and is on disk: documents made, changed, deleted, or brought back to the queue. `live` says
   * that it is on its way already, so that no sync is needed.
   */
  queued: { document_ids: string[]; live: boolean };
  /** The server answered after it could not be reached, or cannot be reached any more. Told of changes only. */
  reachable: { reachable: boolean };
  /** Documents that other devices, other tabs or an answer of the server changed. */
  changed: { document_ids: string[] };
  /** An open `Y.Doc` was destroyed, since the document begins anew from another state: open it again. */
  replaced: { document_id: string };
  /** An edit could not be saved; it is kept in memory, and tried again with the next edit and with `flush`. */
  unsaved: { document_id: string; error: unknown };
}

/** How a sync ended. */
export type SyncStatus =
  /** Everything was answered and taken in; conflicts and dead letters may be left to settle. */
  | "synced"
  /** It was cancelled; what is left goes on with `resume`. */
  | "cancelled"
  /** Somebody has to log in. */
  | "auth-needed"
  /** The server cannot be reached, or is not well. */
  | "offline"
  /** The user is over the quota; later. */
  | "rate-limited"
  /** Too many documents would be deleted; see `guard`. */
  | "guarded"
  /** The device has no room left. */
  | "storage-full"
  /** Another tab is syncing. */
  | "busy"
  /** The server refused it as a whole; see `error`. */
  | "refused"
  /** Something went wrong here that nobody foresaw; see `error`. */
  | "failed";

/** What a sync did. */
export interface SyncReport {
  /** How it ended. */
  status: SyncStatus;
  /** Which way it went. */
  direction: "push" | "pull" | "both";
  /** How far it came. */
  progress: Progress;
  /** Documents taken in. */
  pulled: number;
  /** Of a dry run: what the server would have answered. */
  results: OperationResult[];
  /** Operations that failed and stay queued, to be tried again later. */
  again: number;
  /** When the server wants to be asked again, RFC 3339, where that is too long to wait for. */
  retry_at?: string;
  /** With `guarded`: what would have been deleted. */
  guard?: MassDeletion;
  /** Why it ended early. */
  error?: unknown;
}

/** Where a sync has to stop. */
export class Stop extends Error {
  /** How the sync ends. */
  readonly status: Exclude<SyncStatus, "synced">;
  constructor(status: Exclude<SyncStatus, "synced">, options?: ErrorOptions) {
    super(status, options);
    this.status = status;
  }
}

/** What the parts of a sync share. */
export interface Engine {
  store: Store;
  api: Api;
  clock: Clock;
  /** Lets one client of the store sync at a time. */
  lock: Lock;
  /** The workspace that was chosen, if one was. */
  workspaceId: string | undefined;
  events: Emitter<SyncEvents>;
  backoff: Backoff;
  /** How large chunks are. */
  pace: Pace;
  /** Chunks under way at once. */
  concurrency: number;
  /** How often anything is tried. */
  tries: number;
  /** Live editing, once a document has a provider. */
  live: Live | undefined;
}

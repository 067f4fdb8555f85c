/**
 * What a client is made of, and what a new document is.
 *
 * @module
 */
import type { Fetch } from "./api.js";
import type { Backoff, Clock } from "./clock.js";
import type { SocketMaker } from "./live/line.js";
import type { Lock } from "./lock.js";
import type { DocumentKind } from "./model.js";
import type { Store } from "./store.js";

/** What a client is made of. Only `url` and `store` have to be given. */
export interface ClientOptions {
  /** Where the server is, without `/api`; empty for the page's own. */
  url: string;
  /** Where everything is kept. */
  store: Store;
  /** The workspace; without it the one that the login came with. */
  workspaceId?: string;
  /** Operations of a chunk, 1 to 100; when absent, as many as take about a second on the line there is. */
  batchSize?: number;
  /** Chunks under way at once; 4. */
  concurrency?: number;
  /** How often anything is tried; 3. */
  retries?: number;
  /** Waits between tries. */
  backoff?: Partial<Backoff>;
  /** How long an answer may take, in milliseconds; 40 s, since the server itself gives up after 30. */
  timeoutMs?: number;
  /** Between two pulls where the server has no stream of events, in milliseconds; 30 s. */
  pollMs?: number;
  /** Access tokens of an outside identity provider, instead of `login`; asked with `true` after a 401. */
  token?: (refresh: boolean) => Promise<string | undefined>;
  /** In the place of the global `fetch`. */
  fetch?: Fetch;
  /** In the place of the global `WebSocket`, for live editing; in Node before 22 that of the package `ws`. */
  webSocket?: SocketMaker;
  /** In the place of the machine's time. */
  clock?: Clock;
  /** In the place of Web Locks or a lease in the store. */
  lock?: Lock;
}

/** A new document. */
export interface NewDocument {
  title: string;
  /** Its first text. */
  content?: string;
  /** How its text merges; `yjs`. */
  kind?: DocumentKind;
  /** Its id, a UUID; made when absent. */
  document_id?: string;
}

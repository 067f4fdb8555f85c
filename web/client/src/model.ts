/**
 * What the client keeps: queued operations, documents, conflicts, dead letters. Plain records, as they lie in a store;
 * nothing here knows a network, a clock or Yjs.
 *
 * @module
 */
import type { BaseVersion, Limits, OperationError, WireData, WireDocument } from "./wire.js";

/** What an operation does. */
export type OperationKind = "create" | "update" | "delete";

/** How a document's text merges: by character with Yjs, or as a plain text by line. */
export type DocumentKind = "yjs" | "text";

/** One intent of the user, waiting for a final answer. */
export interface QueuedOperation {
  /** Place in the queue, ascending; the key. */
  position: number;
  /** Permanent name (UUIDv7), made when it was queued. */
  client_id: string;
  operation: OperationKind;
  document_id: string;
  /** The version that the editor last saw; moves on when an earlier operation on the document succeeds. */
  base_version?: number;
  /** Revive the document if it is deleted. */
  restore?: true;
  /** What is here has another history than what it revives: no Yjs edit goes along. See `LocalDocument.anew`. */
  anew?: true;
  /** Its edits were made while the document was edited live: they merge as Yjs merges them, and go over the socket if it lasts. */
  live?: true;
  title?: string;
  /** A plain text. Yjs edits lie in their own rows, tagged with `client_id`. */
  content?: string;
  /** Whether Yjs edits belong to it. */
  yjs: boolean;
  /** Set when it is first sent: from then on nothing coalesces into it, and each retry carries exactly this. */
  payload?: WireData;
  /** Whether it was sent once. */
  sent: boolean;
  /** Failed tries since it was queued or retried by hand. */
  attempts: number;
  /** When the first of them failed, in milliseconds since the epoch. */
  failing_since?: number;
  /** When it was queued, RFC 3339. */
  queued_at: string;
}

/** What an operation carries. */
export type Payload = Pick<QueuedOperation, "content" | "payload">;

/** An operation as it lies in the queue: without what it carries. */
export interface OperationRow extends Omit<QueuedOperation, keyof Payload> {
  /** Whether it carries anything but Yjs edits. */
  carries?: true;
}

/** A document as this device has it, with what is queued already applied. Its text lies apart. */
export interface LocalDocument {
  document_id: string;
  kind: DocumentKind;
  /** The server's version that this device last took in; 0 before the first push. */
  version: number;
  /** The newest version that came from elsewhere, as far as it was taken in; what is newer is this device's own. */
  foreign_version?: number;
  title: string;
  deleted: boolean;
  /** RFC 3339. */
  updated_at: string;
  /** Who changed it last; empty if that was this device and the server has not heard of it. */
  updated_by: string;
  /** The server's history is to take the place of the one here, and to get the text here as an edit. */
  anew?: true;
  /**
   * The server has lost it, as after a restore from a backup: the version that the server has, 0 if none. It waits for
   * somebody's word, or for the next edit.
   */
  lost?: number;
  /** What was edited or seen live since `version` has made newer ones, of which only a pull tells the numbers. */
  ahead?: true;
  /** A newer version that was not taken in, because local edits of a plain text were pending. */
  newer_version?: number;
}

/** A Yjs update of a document: a base state, or an edit that is part of a queued operation. */
export interface YjsRow {
  document_id: string;
  /** Ascending within the document. With `document_id` the key. */
  number: number;
  update: Uint8Array;
  /** The `client_id` of the unsent or unanswered operation that carries this edit; absent once it is the server's. */
  operation?: string;
}

/** An operation that clashes with what the server has. Both sides are here; nothing was overwritten. */
export interface Conflict {
  /** The operation's name; the key. */
  client_id: string;
  document_id: string;
  operation: QueuedOperation;
  error: OperationError;
  /** This device's side. `content` is absent for a deletion. */
  mine: { title: string; content?: string; deleted: boolean };
  /** The server's side, whole. */
  theirs: WireDocument;
  /** What both began with, if the server still has it. */
  base?: BaseVersion;
  /** A plain text with conflict markers around what clashes. */
  merge?: string;
  /** RFC 3339. */
  detected_at: string;
}

/** An operation that was refused for good, or failed too often. It holds up nobody, and is never dropped. */
export interface DeadLetter {
  /** The operation's name; the key. */
  client_id: string;
  document_id: string;
  operation: QueuedOperation;
  error: { code: string; message: string; retryable: boolean };
  /** RFC 3339. */
  buried_at: string;
}

/** A login: tokens and the workspace that it came with. */
export interface Session {
  username: string;
  access_token: string;
  refresh_token: string;
}

/** The single values that a store keeps. */
export interface MetaValues {
  /** Made once for this installation. */
  device_id: string;
  workspace_id: string;
  /** Where the feed was read to. */
  cursor: string;
  /** The last number given out; positions and Yjs rows count on from it. */
  counter: number;
  session: Session;
  /** Whose store it is, in lower case; stays after a logout. */
  username: string;
  limits: Limits;
  /** Which client syncs now, where there are no Web Locks, and until when (milliseconds since the epoch). */
  [lease: `lease:${string}`]: { holder: string; until: number };
  /** Deletions that were pulled and not yet applied: document ids with the version of the tombstone. */
  held_deletions: Record<string, number>;
  /** Set while everything is pulled anew: the documents that were not seen yet, with the versions that are here. */
  unseen: Record<string, number>;
  /** When the server last took an operation, in milliseconds since the epoch. */
  accepted_at: number;
  /** The format of a store that has no other place to say so. */
  format: number;
  /** When everything was last in sync, RFC 3339. */
  synced_at: string;
  /** When documents that were deleted long ago were last looked for, in milliseconds since the epoch. */
  forgotten_at: number;
}

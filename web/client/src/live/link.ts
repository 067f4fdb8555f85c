/**
 * What a client asks of its live editing, if it has any; a client without providers carries none of it.
 *
 * @module
 */
import type { QueueEntry } from "../queue.js";
import type { SavedEdit } from "../outbox.js";

/** Live editing, as the client sees it. */
export interface Live {
  /**
   * Resolves when all that came live and is on the screen is stored.
   *
   * @throws what the store says
   */
  stored(): Promise<void>;
  /** Whether edits of the document that are saved now are to go live. */
  accepts(documentId: string): boolean;
  /** An edit of an open document is on disk; whether it goes live. */
  edited(documentId: string, saved: SavedEdit): boolean;
  /** Whether an operation is on its way, so that no batch need take it along. */
  carries(operation: QueueEntry): boolean;
  /** Resolves when what came is stored and, before a push, what is on its way has arrived, or after a while. */
  drained(direction?: string): Promise<void>;
  /** Whether a change of the document is known or will be: then its pull can wait, and comes by itself. */
  defers(documentId: string): boolean;
  /** The events end, and will be told again: no pull is needed for those that were put off. */
  forgetPull(): void;
  /** Nobody is logged in any more: it ends until somebody is. */
  loginNeeded(): void;
  /** Ends it. */
  close(): Promise<void>;
}

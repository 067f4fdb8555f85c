/**
 * Storing what comes in live: it is on the screen already, and a pull would bring it again, so that many keys are stored
 * together.
 *
 * @module
 */
import * as Y from "yjs";
import type { Engine } from "../engine.js";
import { takeLive } from "./ledger.js";

/** Others are told of changes, and keys stored, at most this often, in milliseconds. */
const PAUSE_MS = 100;

/** Stores updates, some of them together. */
export class Intake {
  readonly #engine: Engine;
  readonly #tellChanged: (documentIds: string[]) => void;
  readonly #waiting = new Map<string, Uint8Array[]>();
  readonly #changed = new Set<string>();
  #storing: Promise<void> = Promise.resolve();
  #timer: unknown;

  constructor(engine: Engine, tellChanged: (documentIds: string[]) => void) {
    this.#engine = engine;
    this.#tellChanged = tellChanged;
  }

  /** Adds an update to what is to be stored soon. */
  add(documentId: string, update: Uint8Array): void {
    this.#waiting.set(documentId, [...(this.#waiting.get(documentId) ?? []), update]);
    this.tell(documentId);
  }

  /** Tells soon that a document changed. */
  tell(documentId: string): void {
    this.#changed.add(documentId);
    this.#timer ??= this.#engine.clock.setTimeout(() => {
      this.#timer = undefined;
      const changed = [...this.#changed];
      this.#changed.clear();
      this.flush().then(
        () => this.#tellChanged(changed),
        // It waits on, for the next key or the next edit here, which says that nothing can be stored.
        (error: unknown) => console.error(error),
      );
    }, PAUSE_MS);
  }

  /** Forgets what waits: the document begins anew. */
  drop(documentId: string): void {
    this.#waiting.delete(documentId);
  }

  /**
   * Resolves when all that was added is stored. Nothing that leans on it may be stored before.
   *
   * @throws what the store says; it waits on then
   */
  flush(): Promise<void> {
    return (this.#storing = this.#storing.catch(() => undefined).then(() => this.#store()));
  }

  async #store(): Promise<void> {
    const waiting = [...this.#waiting];
    if (waiting.length === 0) return;
    this.#waiting.clear();
    try {
      await this.#engine.store.transaction("write", async (tx) => {
        for (const [id, updates] of waiting) await takeLive(tx, id, Y.mergeUpdates(updates));
      });
    } catch (error) {
      for (const [id, updates] of waiting) this.#waiting.set(id, [...updates, ...(this.#waiting.get(id) ?? [])]);
      throw error;
    }
  }
}

/**
 * The documents of this device without their texts, in memory: lists and counts need not read the store anew with each
 * keystroke.
 *
 * @module
 */
import type { LocalDocument } from "./model.js";
import type { Store } from "./store.js";

/** A document in a list: everything but its text. */
export type DocumentSummary = Omit<LocalDocument, "content">;

/** What a list is to hold, and in which order. */
export interface ListOptions {
  /** The deleted documents that can still be brought back, instead of the live ones. */
  deleted?: boolean;
  /** By title, or by the time of the last change; by title when absent. */
  sort?: "title" | "updated_at";
  /** From the end. */
  descending?: boolean;
  /** As many of the first ones are left out. */
  offset?: number;
  /** As many at most. */
  limit?: number;
}

/** Reads all documents once, and later only those that changed. */
export class DocumentIndex {
  readonly #store: Store;
  #rows: Map<string, DocumentSummary> | undefined;
  #stale = new Set<string>();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Notes that documents changed. */
  note(documentIds: readonly string[]): void {
    for (const id of documentIds) this.#stale.add(id);
  }

  /** A part of the list. A row that did not change is the same object as before. */
  async list(options: ListOptions = {}): Promise<DocumentSummary[]> {
    const { deleted = false, sort = "title", descending = false, offset = 0, limit = Infinity } = options;
    const rows = [...(await this.#current()).values()].filter((row) => row.deleted === deleted);
    const sign = descending ? -1 : 1;
    rows.sort((a, b) => (a[sort] < b[sort] ? -sign : a[sort] > b[sort] ? sign : 0));
    return rows.slice(offset, offset + limit);
  }

  /** How many documents are live, and how many of them the server has lost. */
  async counts(): Promise<{ documents: number; lost: number }> {
    let [documents, lost] = [0, 0];
    for (const row of (await this.#current()).values()) {
      if (row.deleted) continue;
      documents += 1;
      if (row.lost !== undefined) lost += 1;
    }
    return { documents, lost };
  }

  /** The rows as they are now; one reading at a time. */
  #current(): Promise<Map<string, DocumentSummary>> {
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  async #read(): Promise<Map<string, DocumentSummary>> {
    const stale = [...this.#stale];
    this.#stale.clear();
    const known = this.#rows;
    if (known && stale.length === 0) return known;
    try {
      return (this.#rows = await this.#store.transaction("read", async (tx) => {
        if (!known) return new Map((await tx.all("documents")).map((row) => [row.document_id, summaryOf(row)]));
        for (const id of stale) {
          const row = await tx.get("documents", id);
          if (row) known.set(id, summaryOf(row));
          else known.delete(id);
        }
        return known;
      }));
    } catch (error) {
      this.note(stale);
      throw error;
    }
  }
}

function summaryOf({ content: _content, ...row }: LocalDocument): DocumentSummary {
  return row;
}

/**
 * The documents of this device without their texts, in memory, and how each stands: lists need not read the store anew with each
 * keystroke.
 *
 * @module
 */
import type { LocalDocument } from "./model.js";
import { OBSERVED, type ObservedTable } from "./observed-store.js";
import type { Store, Transaction } from "./store.js";

/** A document in a list: everything but its text. */
export type DocumentSummary = LocalDocument;

/** How a document stands. */
export type DocumentState = "synced" | "pending" | "syncing" | "conflict" | "failed";

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

/** A part of a list. */
export interface DocumentPage {
  /** A row that did not change is the same object as before. */
  documents: DocumentSummary[];
  /** How many there are in the whole list. */
  total: number;
}

/** From as many changes on, lists are sorted anew instead of mended. */
const MANY = 200;

/** Reads all documents once, and later only those that changed. */
export class DocumentIndex {
  readonly #store: Store;
  #rows: Map<string, DocumentSummary> | undefined;
  /** The rows in order, by what the list holds and how it is sorted. */
  readonly #orders = new Map<string, { deleted: boolean; order: Order }>();
  /** Whether the last operation of a document was sent, where one is queued. */
  readonly #queued = new Map<string, boolean>();
  readonly #conflicts = new Set<string>();
  readonly #letters = new Set<string>();
  #stale = noIds();
  #reading: Promise<unknown> = Promise.resolve();
  readonly #watchers = new Set<() => void>();
  #isAnnounced = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Notes that documents changed, and perhaps how they stand. */
  note(documentIds: Iterable<string>): void {
    for (const id of documentIds) for (const table of OBSERVED) this.#stale[table].add(id);
    this.#announce();
  }

  /** Notes which documents the rows of a table were written of. */
  noteWritten(table: ObservedTable, documentIds: Iterable<string>): void {
    for (const id of documentIds) this.#stale[table].add(id);
    this.#announce();
  }

  /** Notes that everything may be another. */
  reset(): void {
    this.#rows = undefined;
    this.#announce();
  }

  /** A part of the list. */
  async list(options: ListOptions = {}): Promise<DocumentSummary[]> {
    return (await this.page(options)).documents;
  }

  /** A part of the list, and how long the whole is. */
  async page({ deleted = false, sort = "title", descending = false, offset = 0, limit = Infinity }: ListOptions): Promise<DocumentPage> {
    await this.#current();
    const rows = this.#order(deleted, sort).rows;
    const { length } = rows;
    const end = Math.min(length, offset + limit);
    if (!descending) return { documents: rows.slice(offset, end), total: length };
    return { documents: rows.slice(length - end, Math.max(0, length - offset)).reverse(), total: length };
  }

  /** Calls a listener with a part of the list, and again whenever it is another one; the returned function ends that. */
  watch(options: ListOptions, listener: (page: DocumentPage) => void): () => void {
    let shown: DocumentPage | undefined;
    const look = async (): Promise<void> => {
      const page = await this.page(options);
      if (!this.#watchers.has(watcher) || (shown && isSame(shown, page))) return;
      shown = page;
      listener(page);
    };
    const watcher = () => void look().catch((error: unknown) => console.error(error));
    this.#watchers.add(watcher);
    watcher();
    return () => void this.#watchers.delete(watcher);
  }

  /** How each document that is not in sync stands, by id. */
  async states(isSyncing: boolean): Promise<Map<string, DocumentState>> {
    await this.#current();
    const states = new Map<string, DocumentState>();
    for (const [id, isSent] of this.#queued) states.set(id, isSent && isSyncing ? "syncing" : "pending");
    for (const id of this.#letters) states.set(id, "failed");
    for (const id of this.#conflicts) states.set(id, "conflict");
    return states;
  }

  #announce(): void {
    if (this.#isAnnounced || this.#watchers.size === 0) return;
    this.#isAnnounced = true;
    queueMicrotask(() => {
      this.#isAnnounced = false;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Brings the rows up to date; one reading at a time. */
  #current(): Promise<void> {
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  async #read(): Promise<void> {
    const stale = this.#stale;
    const isLoaded = this.#rows !== undefined;
    if (isLoaded && OBSERVED.every((table) => stale[table].size === 0)) return;
    this.#stale = noIds();
    try {
      await this.#store.transaction("read", (tx) => (isLoaded ? this.#renew(tx, stale) : this.#load(tx, stale)));
    } catch (error) {
      for (const table of OBSERVED) this.noteWritten(table, stale[table]);
      throw error;
    }
  }

  async #load(tx: Transaction, { operations }: StaleIds): Promise<void> {
    const [rows, queued, conflicts, letters] = await Promise.all([
      tx.all("documents"),
      tx.keys("operations"),
      tx.keys("conflicts"),
      tx.keys("dead_letters"),
    ]);
    this.#orders.clear();
    for (const known of [this.#queued, this.#conflicts, this.#letters]) known.clear();
    // What was sent before this page was opened is not on its way.
    for (const key of queued) this.#queued.set(documentOf(key), false);
    for (const key of conflicts) this.#conflicts.add(documentOf(key));
    for (const key of letters) this.#letters.add(documentOf(key));
    this.#rows = new Map(rows.map((row) => [row.document_id, row]));
    await this.#renew(tx, { ...noIds(), operations });
  }

  async #renew(tx: Transaction, stale: StaleIds): Promise<void> {
    if (stale.documents.size > MANY) this.#orders.clear();
    const each = (table: ObservedTable, look: (id: string) => Promise<void>) => [...stale[table]].map(look);
    const mark = (ids: Set<string>, table: "conflicts" | "dead_letters") =>
      each(table, async (id) => void ((await tx.count(table, `${id}/`)) > 0 ? ids.add(id) : ids.delete(id)));
    await Promise.all([
      ...each("documents", async (id) => this.#set(id, await tx.get("documents", id))),
      ...each("operations", async (id) => {
        const last = (await tx.all("operations", `${id}/`)).at(-1);
        if (last) this.#queued.set(id, last.sent);
        else this.#queued.delete(id);
      }),
      ...mark(this.#conflicts, "conflicts"),
      ...mark(this.#letters, "dead_letters"),
    ]);
  }

  #set(id: string, row: DocumentSummary | undefined): void {
    const known = this.#rows?.get(id);
    if (known && row && isSameRow(known, row)) return;
    for (const { deleted, order } of this.#orders.values()) {
      if (known?.deleted === deleted) order.remove(known);
      if (row?.deleted === deleted) order.add(row);
    }
    if (row) this.#rows?.set(id, row);
    else this.#rows?.delete(id);
  }

  #order(deleted: boolean, sort: "title" | "updated_at"): Order {
    const key = `${deleted} ${sort}`;
    const present = this.#orders.get(key);
    if (present) return present.order;
    const order = new Order(sort, [...(this.#rows?.values() ?? [])].filter((row) => row.deleted === deleted));
    this.#orders.set(key, { deleted, order });
    return order;
  }
}

/** Rows in the order of one of their values; those with the same one in the order of their ids. */
class Order {
  readonly rows: DocumentSummary[];
  readonly #sort: "title" | "updated_at";

  constructor(sort: "title" | "updated_at", rows: DocumentSummary[]) {
    this.#sort = sort;
    this.rows = rows.sort((a, b) => this.#compare(a, b));
  }

  add(row: DocumentSummary): void {
    this.rows.splice(this.#place(row), 0, row);
  }

  remove(row: DocumentSummary): void {
    const place = this.#place(row);
    if (this.rows[place] === row) this.rows.splice(place, 1);
  }

  #place(row: DocumentSummary): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.rows[middle];
      if (other && this.#compare(other, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(a: DocumentSummary, b: DocumentSummary): number {
    const sort = this.#sort;
    if (a[sort] !== b[sort]) return a[sort] < b[sort] ? -1 : 1;
    return a.document_id < b.document_id ? -1 : a.document_id > b.document_id ? 1 : 0;
  }
}

type StaleIds = Record<ObservedTable, Set<string>>;

function noIds(): StaleIds {
  return { documents: new Set(), operations: new Set(), conflicts: new Set(), dead_letters: new Set() };
}

/** The document that a key of a queue belongs to. */
function documentOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/"));
}

function isSame(one: DocumentPage, other: DocumentPage): boolean {
  const { documents, total } = one;
  return total === other.total && documents.length === other.documents.length && documents.every((row, n) => row === other.documents[n]);
}

function isSameRow(one: DocumentSummary, other: DocumentSummary): boolean {
  const keys = Object.keys(one) as (keyof DocumentSummary)[];
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

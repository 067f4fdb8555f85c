/**
 * A store in memory: for tests, and for pages that must leave nothing behind. It is lost with the page.
 *
 * @module
 */
import { TABLES, type Store, type Table, type Tables, type Transaction } from "./store.js";

/** One write of a transaction; no `row` is a removal. */
export interface Change {
  table: Table;
  key: string;
  row?: Tables[Table];
}

/** Keeps its tables in memory. Transactions run one after another, and undo their writes if they fail. */
export class MemoryStore implements Store {
  readonly name: string;
  readonly shared = false;
  readonly #tables = new Map<Table, SortedRows>(TABLES.map((table) => [table, new SortedRows()]));
  #last: Promise<unknown> = Promise.resolve();

  /** @param name tells the store from others of the same process */
  constructor(name = "memory") {
    this.name = name;
  }

  transaction<R>(_mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R> {
    const run = this.#last.then(() => this.#run(body));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async close(): Promise<void> {
    await this.#last;
  }

  /** Makes the writes of a transaction durable, before they can be seen. A subclass overrides it. */
  protected persist(_changes: readonly Change[]): Promise<void> {
    return Promise.resolve();
  }

  /** Puts writes in force. */
  protected apply(changes: Iterable<Change>): void {
    for (const { table, key, row } of changes) {
      if (row === undefined) this.#tables.get(table)?.delete(key);
      else this.#tables.get(table)?.set(key, row);
    }
  }

  /** Every row, as the writes that would make them. */
  protected *rows(): Generator<Change> {
    for (const [table, rows] of this.#tables) for (const [key, row] of rows.from("")) yield { table, key, row };
  }

  async #run<R>(body: (tx: Transaction) => Promise<R>): Promise<R> {
    const written = new Map(TABLES.map((table) => [table, new Map<string, Change>()]));
    const note = (change: Change) => written.get(change.table)?.set(change.key, change);
    const keysOf = (table: Table, prefix: string): string[] => {
      const keys = new Set(this.#tables.get(table)?.keys(prefix));
      for (const { key, row } of written.get(table)?.values() ?? []) {
        if (row === undefined) keys.delete(key);
        else if (key.startsWith(prefix)) keys.add(key);
      }
      return written.get(table)?.size ? [...keys].sort() : [...keys];
    };
    const tx: Transaction = {
      get: async <T extends Table>(table: T, key: string) => {
        const change = written.get(table)?.get(key);
        return copy(change ? change.row : this.#tables.get(table)?.get(key)) as Tables[T] | undefined;
      },
      all: async <T extends Table>(table: T, prefix = "") => {
        const rows = new Map(this.#tables.get(table)?.from(prefix));
        let isSorted = true;
        for (const { key, row } of written.get(table)?.values() ?? []) {
          if (!key.startsWith(prefix)) continue;
          if (row === undefined) rows.delete(key);
          else {
            isSorted &&= rows.has(key);
            rows.set(key, row);
          }
        }
        const sorted = isSorted ? [...rows] : [...rows].sort(([one], [other]) => (one < other ? -1 : 1));
        return sorted.map(([, row]) => copy(row)) as Tables[T][];
      },
      keys: async (table, prefix = "") => keysOf(table, prefix),
      count: async (table, prefix = "") => keysOf(table, prefix).length,
      put: async (table, key, row) => void note({ table, key, row: copy(row) as Tables[Table] }),
      delete: async (table, key) => void note({ table, key }),
      clear: async () => {
        for (const changes of written.values()) changes.clear();
        for (const { table, key } of this.rows()) note({ table, key });
      },
    };
    const result = await body(tx);
    const changes = [...written.values()].flatMap((table) => [...table.values()]);
    if (changes.length > 0) {
      await this.persist(changes);
      this.apply(changes);
    }
    return result;
  }
}

/** Rows in the order of their keys, so that those of one document are found without a look at all others. */
class SortedRows {
  readonly #rows = new Map<string, Tables[Table]>();
  readonly #keys: string[] = [];

  get(key: string): Tables[Table] | undefined {
    return this.#rows.get(key);
  }

  set(key: string, row: Tables[Table]): void {
    if (!this.#rows.has(key)) this.#keys.splice(this.#at(key), 0, key);
    this.#rows.set(key, row);
  }

  delete(key: string): void {
    if (this.#rows.delete(key)) this.#keys.splice(this.#at(key), 1);
  }

  /** The rows whose key begins with `prefix`. */
  *from(prefix: string): Generator<[string, Tables[Table]]> {
    for (const key of this.keys(prefix)) {
      const row = this.#rows.get(key);
      if (row !== undefined) yield [key, row];
    }
  }

  /** The keys that begin with `prefix`. */
  *keys(prefix: string): Generator<string> {
    for (let at = this.#at(prefix); at < this.#keys.length; at += 1) {
      const key = this.#keys[at];
      if (key === undefined || !key.startsWith(prefix)) return;
      yield key;
    }
  }

  /** Where a key stands, or would. */
  #at(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is handed out or taken in is nobody else's to change. */
function copy<T>(row: T): T {
  return row === undefined ? row : structuredClone(row);
}

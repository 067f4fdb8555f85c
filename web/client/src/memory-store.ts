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
  readonly #tables = new Map<Table, Map<string, Tables[Table]>>(TABLES.map((table) => [table, new Map()]));
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
    for (const [table, rows] of this.#tables) for (const [key, row] of rows) yield { table, key, row };
  }

  async #run<R>(body: (tx: Transaction) => Promise<R>): Promise<R> {
    const written = new Map<string, Change>();
    const note = (change: Change) => written.set(`${change.table} ${change.key}`, change);
    const read = (table: Table, key: string) => {
      const change = written.get(`${table} ${key}`);
      return change ? change.row : this.#tables.get(table)?.get(key);
    };
    const tx: Transaction = {
      get: async <T extends Table>(table: T, key: string) => copy(read(table, key)) as Tables[T] | undefined,
      all: async <T extends Table>(table: T, prefix = "") => {
        const keys = new Set(this.#tables.get(table)?.keys());
        for (const change of written.values()) if (change.table === table) keys.add(change.key);
        const rows = [...keys]
          .filter((key) => key.startsWith(prefix))
          .sort()
          .map((key) => read(table, key));
        return rows.filter((row) => row !== undefined).map(copy) as Tables[T][];
      },
      put: async (table, key, row) => void note({ table, key, row: copy(row) as Tables[Table] }),
      delete: async (table, key) => void note({ table, key }),
    };
    const result = await body(tx);
    const changes = [...written.values()];
    if (changes.length > 0) {
      await this.persist(changes);
      this.apply(changes);
    }
    return result;
  }
}

/** What is handed out or taken in is nobody else's to change. */
function copy<T>(row: T): T {
  return row === undefined ? row : structuredClone(row);
}

/**
 * A store that reports which documents were written of, so that what is shown of them is read again, and of nothing else.
 *
 * @module
 */
import type { Store, Table, Transaction } from "./store.js";

/** The tables that lists depend on. Their keys are a document's id, or begin with it. */
export const OBSERVED = ["documents", "operations", "conflicts", "dead_letters"] as const;

/** One of them. */
export type ObservedTable = (typeof OBSERVED)[number];

/** Who is told, once a transaction is durable. */
export interface Observer {
  /** Rows of these documents were put or removed. */
  noteWritten(table: ObservedTable, documentIds: Iterable<string>): void;
  /** Everything was removed. */
  reset(): void;
}

/** The same store, with an observer of its writes. */
export function observed(store: Store, observer: Observer): Store {
  return {
    name: store.name,
    shared: store.shared,
    close: () => store.close(),
    async transaction(mode, body) {
      if (mode === "read") return store.transaction(mode, body);
      const written = new Map<ObservedTable, Set<string>>();
      let isCleared = false;
      const note = (table: Table, key: string): void => {
        if (!isObserved(table)) return;
        const ids = written.get(table) ?? new Set();
        const end = key.lastIndexOf("/");
        written.set(table, ids.add(table === "documents" || end < 0 ? key : key.slice(0, end)));
      };
      const watching = (tx: Transaction): Transaction => ({
        ...tx,
        put: (table, key, row) => {
          note(table, key);
          return tx.put(table, key, row);
        },
        delete: (table, key) => {
          note(table, key);
          return tx.delete(table, key);
        },
        clear: () => {
          isCleared = true;
          return tx.clear();
        },
      });
      const result = await store.transaction(mode, (tx) => body(watching(tx)));
      if (isCleared) observer.reset();
      for (const [table, ids] of written) observer.noteWritten(table, ids);
      return result;
    },
  };
}

function isObserved(table: Table): table is ObservedTable {
  return (OBSERVED as readonly Table[]).includes(table);
}

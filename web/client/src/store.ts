/**
 * The one interface behind which the outbox lies: IndexedDB in browsers, a file in Node, memory in tests.
 *
 * A store must never know what its rows mean.
 *
 * @module
 */
import type { Conflict, DeadLetter, LocalDocument, MetaValues, OperationRow, Payload, YjsRow } from "./model.js";

/**
 * The tables and their rows. Keys are given explicitly, so that a store need not know where they stand. What is long lies apart
 * from what lists and counts need: `texts`, `payloads` and `yjs` are only read for a document that is opened or synced.
 */
export interface Tables {
  operations: OperationRow;
  /** What operations carry, under their keys. */
  payloads: Payload;
  documents: LocalDocument;
  /** The texts of plain texts, under their documents' ids. */
  texts: { content: string };
  /** Which documents have something in common: `deleted/<id>` and the like, so that those are found and counted by their keys. */
  marks: { at: string };
  yjs: YjsRow;
  conflicts: Conflict;
  dead_letters: DeadLetter;
  meta: MetaValues[keyof MetaValues];
}

/** The name of a table. */
export type Table = keyof Tables;

/** All tables, for stores that make them. */
export const TABLES: readonly Table[] = [
  "operations",
  "payloads",
  "documents",
  "texts",
  "marks",
  "yjs",
  "conflicts",
  "dead_letters",
  "meta",
];

/** What can be done inside a transaction. Keys sort as strings. */
export interface Transaction {
  /** The row under a key. */
  get<T extends Table>(table: T, key: string): Promise<Tables[T] | undefined>;
  /** All rows whose key begins with `prefix`, in the order of their keys. */
  all<T extends Table>(table: T, prefix?: string): Promise<Tables[T][]>;
  /** All keys that begin with `prefix`, in their order; no row is read. */
  keys(table: Table, prefix?: string): Promise<string[]>;
  /** How many rows have a key that begins with `prefix`; none of them is read. */
  count(table: Table, prefix?: string): Promise<number>;
  /** Puts a row; it is durable when the transaction is. */
  put<T extends Table>(table: T, key: string, row: Tables[T]): Promise<void>;
  /** Removes a row, if there is one. */
  delete(table: Table, key: string): Promise<void>;
  /** Removes everything. */
  clear(): Promise<void>;
}

/** A durable set of tables. */
export interface Store {
  /** Tells this store from others on the same device; locks are named after it. */
  readonly name: string;
  /** Whether other tabs may use it at the same time. */
  readonly shared: boolean;
  /**
   * Runs `body` alone: all of its writes are durable when the promise resolves, or none is. `body` awaits nothing but
   * its transaction.
   *
   * @throws {@link StorageFullError} if there is no room; nothing was written then.
   */
  transaction<R>(mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R>;
  /** Ends the use of the store. */
  close(): Promise<void>;
}

/** A number as a key that sorts like the number. */
export function numberKey(number: number): string {
  return number.toString().padStart(15, "0");
}

/** The key of a Yjs row; `yjsKey(id)` alone is the prefix of a document's rows. */
export function yjsKey(documentId: string, number?: number): string {
  return number === undefined ? `${documentId}/` : `${documentId}/${numberKey(number)}`;
}

/** Reads one of the single values. */
export async function getMeta<K extends keyof MetaValues>(tx: Transaction, key: K): Promise<MetaValues[K] | undefined> {
  return (await tx.get("meta", key)) as MetaValues[K] | undefined;
}

/** Writes one of the single values; `undefined` removes it. */
export async function setMeta<K extends keyof MetaValues>(
  tx: Transaction,
  key: K,
  value: MetaValues[K] | undefined,
): Promise<void> {
  if (value === undefined) await tx.delete("meta", key);
  else await tx.put("meta", key, value);
}

/** The next number of the store's counter. */
export async function nextNumber(tx: Transaction): Promise<number> {
  const next = ((await getMeta(tx, "counter")) ?? 0) + 1;
  await setMeta(tx, "counter", next);
  return next;
}

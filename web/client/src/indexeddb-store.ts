/**
 * The store of browsers: IndexedDB, written with strict durability, so that "saved" means on disk.
 *
 * @module
 */
import { StorageFullError, StoreBlockedError } from "./errors.js";
import { TABLES, type Store, type Table, type Tables, type Transaction } from "./store.js";
import { FORMAT, toSecondFormat } from "./upgrade.js";

/** What the browser calls a disk without room. */
const FULL = "QuotaExceededError";

/** For so long a tab with an older version of the page is waited for, in milliseconds. */
const BLOCKED_MS = 10_000;

/** Keeps its tables in an IndexedDB database. Several tabs may have it open. */
export class IndexedDbStore implements Store {
  readonly name: string;
  readonly shared = true;
  #database: Promise<IDBDatabase> | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * Opens the database, and makes it if there is none. A connection that the browser ends is opened again when it is
   * needed.
   *
   * @param name of the database; use one for each account of a device
   * @throws {@link StoreBlockedError} if another tab with an older version of the page does not let go of it
   */
  static async open(name = "landfall"): Promise<IndexedDbStore> {
    const store = new IndexedDbStore(name);
    await store.#connect();
    return store;
  }

  async transaction<R>(mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R> {
    try {
      return await this.#run(mode, body);
    } catch (error) {
      throw isNamed(error, FULL) ? new StorageFullError({ cause: error }) : error;
    }
  }

  /** Closes the connection. What is asked for later, such as a last save, opens another one. */
  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    (await database)?.close();
  }

  #connect(): Promise<IDBDatabase> {
    const drop = () => (this.#database = undefined);
    this.#database ??= connect(this.name, drop).catch((error: unknown) => {
      drop();
      throw error;
    });
    return this.#database;
  }

  async #begin(mode: "read" | "write", isRetry = false): Promise<IDBTransaction> {
    const database = await this.#connect();
    try {
      return database.transaction([...TABLES], mode === "read" ? "readonly" : "readwrite", {
        durability: mode === "read" ? "default" : "strict",
      });
    } catch (error) {
      // A connection that was lost without a word, as some browsers do in the background.
      if (isRetry) throw error;
      this.#database = undefined;
      return this.#begin(mode, true);
    }
  }

  async #run<R>(mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R> {
    const idb = await this.#begin(mode);
    // Watched from the start, since a failed write aborts the transaction before the body hears of it.
    const aborted = new Promise<DOMException | undefined>((resolve) => {
      idb.oncomplete = () => resolve(undefined);
      idb.onabort = () => resolve(idb.error ?? new DOMException("the transaction was aborted", "AbortError"));
    });
    let result: R;
    try {
      result = await body(within(idb));
    } catch (error) {
      abort(idb);
      const reason = await aborted;
      throw isNamed(reason, FULL) ? reason : error;
    }
    const reason = await aborted;
    if (reason) throw reason;
    return result;
  }
}

/** The tables, in a transaction of the browser's. */
function within(idb: IDBTransaction): Transaction {
  const store = (table: Table) => idb.objectStore(table);
  const range = (prefix = "") => (prefix === "" ? undefined : IDBKeyRange.bound(prefix, `${prefix}\uffff`));
  return {
    get: async <T extends Table>(table: T, key: string) =>
      (await answer(store(table).get(key))) as Tables[T] | undefined,
    all: async <T extends Table>(table: T, prefix?: string) =>
      (await answer(store(table).getAll(range(prefix)))) as Tables[T][],
    keys: async (table, prefix) => (await answer(store(table).getAllKeys(range(prefix)))) as string[],
    count: (table, prefix) => answer(store(table).count(range(prefix))),
    put: async (table, key, row) => void (await answer(store(table).put(row, key))),
    delete: async (table, key) => void (await answer(store(table).delete(key))),
    clear: async () => void (await Promise.all(TABLES.map((table) => answer(store(table).clear())))),
  };
}

/** @param onLost is told when the connection has ended by itself */
async function connect(name: string, onLost: () => void): Promise<IDBDatabase> {
  const database = await open(name);
  database.onclose = onLost;
  database.onversionchange = () => {
    // A later version of the page wants to change the database: let it.
    onLost();
    database.close();
  };
  return database;
}

/** Opens the database; one of an older format becomes one of this format, in one step. */
function open(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, FORMAT);
  let problem: unknown;
  opening.onupgradeneeded = ({ oldVersion }) => {
    const { result: database, transaction } = opening;
    for (const table of TABLES) if (!database.objectStoreNames.contains(table)) database.createObjectStore(table);
    if (!transaction || oldVersion !== 1) return;
    toSecondFormat(within(transaction)).catch((error: unknown) => {
      problem = error;
      abort(transaction);
    });
  };
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLate = false;
    // Tabs make way by themselves, but for one that the browser has frozen.
    opening.onblocked = () => {
      timer = setTimeout(() => {
        isLate = true;
        reject(new StoreBlockedError(name));
      }, BLOCKED_MS);
    };
    opening.onsuccess = () => {
      clearTimeout(timer);
      if (isLate) opening.result.close();
      else resolve(opening.result);
    };
    opening.onerror = () => {
      clearTimeout(timer);
      reject(whyNot(opening.error, problem));
    };
  });
}

function whyNot(error: unknown, problem: unknown): unknown {
  if (isNamed(error, "VersionError")) return new Error("this page is older than its data: reload it", { cause: error });
  const cause = isNamed(error, FULL) ? error : (problem ?? error);
  return isNamed(cause, FULL) ? new StorageFullError({ cause }) : cause;
}

/** What a request answers. */
function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function abort(idb: IDBTransaction): void {
  try {
    idb.abort();
  } catch {
    // It is over already, and need not be.
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}

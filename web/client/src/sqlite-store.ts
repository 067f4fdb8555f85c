/**
 * The store of Node on SQLite: only what is asked for is in memory. The driver is the caller's: `better-sqlite3`, or
 * `node:sqlite` where Node has it.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { StorageFullError, StoreInUseError } from "./errors.js";
import { TABLES, type Store, type Table, type Tables, type Transaction } from "./store.js";
import { FORMAT } from "./upgrade.js";

/** What the store needs of an open database; `better-sqlite3` and `node:sqlite` both have it. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** A prepared statement. */
export interface SqliteStatement {
  get(...parameters: (string | Uint8Array)[]): unknown;
  all(...parameters: (string | Uint8Array)[]): unknown[];
  run(...parameters: (string | Uint8Array)[]): unknown;
}

/** SQLite's number for a database that another connection holds, and for a disk without room. */
const [BUSY, FULL] = [5, 13];

/** Behind every key: no character sorts higher in UTF-8. */
const HIGHEST = "\u{10ffff}";

type Statements = Record<"get" | "all" | "keys" | "count" | "put" | "delete", SqliteStatement>;

/** Keeps its tables in a SQLite database, for one process at a time. */
export class SqliteStore implements Store {
  readonly name: string;
  readonly shared = false;
  readonly #database: SqliteDatabase;
  readonly #statements: Map<Table, Statements>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#statements = new Map(TABLES.map((table) => [table, prepare(database, table)]));
    const row = database.prepare("SELECT file AS name FROM pragma_database_list WHERE name = 'main'").get();
    this.name = (row as { name: string }).name || "sqlite";
  }

  /**
   * Takes an open database, and makes its tables if they are not there. The database is the store's from then on: it closes it, and
   * nobody else should write to it.
   *
   * @throws {@link StoreInUseError} if another process has it open
   */
  static open(database: SqliteDatabase): SqliteStore {
    try {
      // The lock is SQLite's own and ends with the process; it is held from the first transaction on.
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
      database.exec("BEGIN IMMEDIATE");
      const { user_version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
      if (user_version !== 0 && user_version !== FORMAT) {
        database.exec("ROLLBACK");
        throw new Error(`the store has format ${user_version}, and this version of the client reads format ${FORMAT}`);
      }
      for (const table of TABLES) {
        database.exec(`CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY NOT NULL, row BLOB NOT NULL)`);
      }
      database.exec(`PRAGMA user_version = ${FORMAT}; COMMIT`);
      return new SqliteStore(database);
    } catch (error) {
      throw isCode(error, BUSY) ? new StoreInUseError(nameOf(database)) : error;
    }
  }

  transaction<R>(mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R> {
    const run = this.#last.then(() => this.#run(mode, body));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async close(): Promise<void> {
    await this.#last;
    this.#database.close();
  }

  async #run<R>(mode: "read" | "write", body: (tx: Transaction) => Promise<R>): Promise<R> {
    try {
      this.#database.exec(mode === "read" ? "BEGIN" : "BEGIN IMMEDIATE");
      const result = await body(this.#within());
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#undo();
      throw isCode(error, FULL) ? new StorageFullError({ cause: error }) : error;
    }
  }

  /** Undoes a transaction, unless SQLite has done so: it does where the disk is full. */
  #undo(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // There is none any more.
    }
  }

  #of(table: Table): Statements {
    const statements = this.#statements.get(table);
    if (!statements) throw new RangeError(`there is no table ${table}`);
    return statements;
  }

  #within(): Transaction {
    return {
      get: async <T extends Table>(table: T, key: string) => {
        const found = this.#of(table).get.get(key) as { row: Uint8Array } | undefined;
        return found && (deserialize(found.row) as Tables[T]);
      },
      all: async <T extends Table>(table: T, prefix = "") => {
        const found = this.#of(table).all.all(prefix, prefix + HIGHEST) as { row: Uint8Array }[];
        return found.map(({ row }) => deserialize(row) as Tables[T]);
      },
      keys: async (table, prefix = "") => {
        const found = this.#of(table).keys.all(prefix, prefix + HIGHEST) as { key: string }[];
        return found.map(({ key }) => key);
      },
      count: async (table, prefix = "") => {
        const found = this.#of(table).count.get(prefix, prefix + HIGHEST) as { count: number };
        return found.count;
      },
      put: async (table, key, row) => void this.#of(table).put.run(key, serialize(row)),
      delete: async (table, key) => void this.#of(table).delete.run(key),
      clear: async () => {
        for (const table of TABLES) this.#database.exec(`DELETE FROM ${table}`);
      },
    };
  }
}

function prepare(database: SqliteDatabase, table: Table): Statements {
  const range = "WHERE key >= ? AND key < ?";
  return {
    get: database.prepare(`SELECT row FROM ${table} WHERE key = ?`),
    all: database.prepare(`SELECT row FROM ${table} ${range} ORDER BY key`),
    keys: database.prepare(`SELECT key FROM ${table} ${range} ORDER BY key`),
    count: database.prepare(`SELECT count(*) AS count FROM ${table} ${range}`),
    put: database.prepare(`INSERT INTO ${table} (key, row) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row`),
    delete: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
  };
}

function nameOf(database: SqliteDatabase): string {
  return "name" in database && typeof database.name === "string" ? database.name : "the store";
}

/** Whether an error is SQLite's of this number, as either driver tells it. */
function isCode(error: unknown, number: number): boolean {
  if (!(error instanceof Error)) return false;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return (errcode & 0xff) === number;
  return typeof code === "string" && code.startsWith(number === FULL ? "SQLITE_FULL" : "SQLITE_BUSY");
}

// The drivers of SQLite that there are here: node:sqlite from Node 22 on, better-sqlite3 where it was installed for the tests.
import { createRequire } from "node:module";
import { SqliteStore, type SqliteDatabase } from "../../src/node.js";

/** Where better-sqlite3 is looked for: apart from the workspace, whose `npm ci` must not build it. */
export const DRIVERS = new URL("../sqlite/package.json", import.meta.url);

export interface Driver {
  name: string;
  open(path: string): SqliteDatabase;
}

/** All drivers; says aloud which is missing, unless that was said. */
export async function drivers(warn: (problem: string) => void = console.warn): Promise<Driver[]> {
  const found: Driver[] = [];
  const builtIn = await import("node:sqlite" as string).then(
    (module: { DatabaseSync: new (path: string) => SqliteDatabase }) => module.DatabaseSync,
    () => undefined,
  );
  if (builtIn) found.push({ name: "node:sqlite", open: (path) => new builtIn(path) });
  try {
    const Database = createRequire(DRIVERS)("better-sqlite3") as new (path: string) => SqliteDatabase;
    // What cannot be loaded is noticed only here.
    new Database(":memory:").close();
    found.push({ name: "better-sqlite3", open: (path) => new Database(path) });
  } catch (error) {
    warn(
      `the SQLite store is not tested with better-sqlite3: npm ci --prefix web/client/test/sqlite (${String(error).split("\n")[0]})`,
    );
  }
  if (found.length === 0) warn("the SQLite store is NOT TESTED: there is no driver");
  return found;
}

/** Opens a store with a driver. */
export function openStore(driver: Driver, path: string): SqliteStore {
  return SqliteStore.open(driver.open(path));
}

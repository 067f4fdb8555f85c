/**
 * What only Node can use: `@landfall/client/node`.
 *
 * @module
 */
export { FileStore } from "./file-store.js";
export { SqliteStore } from "./sqlite-store.js";
export type { SqliteDatabase, SqliteStatement } from "./sqlite-store.js";

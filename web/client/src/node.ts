/**
 * What only Node can use: `@landfall/client/node`.
 *
 * @module
 */
export { FileStore } from "./file-store.js";

/**
 * A page without an editor, whose client has a time of its own that goes faster: what takes 45 s is seen within some.
 *
 * @module
 */
import { BatchSyncService, IndexedDbStore, type Clock } from "../../client/src/index.js";
import type {} from "./page.js";

const SPEED = 6;

const began = Date.now();
const clock: Clock = {
  now: () => began + (Date.now() - began) * SPEED,
  setTimeout: (callback, ms) => setTimeout(callback, ms / SPEED),
  clearTimeout: (handle) => clearTimeout(handle as number),
};
const client = new BatchSyncService({ url: location.origin, store: await IndexedDbStore.open("editor"), clock });
window.editorPage = { client, open: () => Promise.reject(new Error("without an editor")) };

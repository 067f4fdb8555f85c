/**
 * The page of a client of the first format, as a tab that was not reloaded.
 *
 * @module
 */
import { BatchSyncService, IndexedDbStore } from "../../client/test/format-1/client.js";
import type {} from "./page.js";

const client = new BatchSyncService({ url: location.origin, store: await IndexedDbStore.open("editor") });
window.editorPage = { client, open: () => Promise.reject(new Error("without an editor")) };

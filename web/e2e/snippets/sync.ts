/**
 * The offline client of a page that shows code of docs/live.md: logged in, and with the document.
 *
 * @module
 */
import { BatchSyncService, IndexedDbStore } from "../../client/src/index.js";
import type {} from "./place.js";

const { documentId, credentials, isFirst } = window.place;
export const sync = new BatchSyncService({ url: location.origin, store: await IndexedDbStore.open("notes") });
await sync.login(credentials.username, credentials.password);
if (isFirst) await sync.queueCreate({ document_id: documentId, title: "Shared" });
await sync.sync();

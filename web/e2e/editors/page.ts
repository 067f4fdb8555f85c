/**
 * The page of an editor under test: a client of the server that the page came from, and an editor bound to a document of it.
 *
 * @module
 */
import type * as Y from "yjs";
import { BatchSyncService, IndexedDbStore } from "../../client/src/index.js";

/** Binds an editor to a document, in an element. */
export type Bind = (doc: Y.Doc, host: HTMLElement) => void;

/** What a test does with the page. */
export interface EditorPage {
  client: BatchSyncService;
  /** Opens a document in the editor. */
  open(documentId: string): Promise<void>;
}

declare global {
  interface Window {
    editorPage: EditorPage;
  }
}

/** Makes the page. */
export async function main(bind: Bind): Promise<void> {
  const client = new BatchSyncService({ url: location.origin, store: await IndexedDbStore.open("editor") });
  const host = document.body.appendChild(document.createElement("div"));
  host.id = "editor";
  window.editorPage = {
    client,
    async open(documentId) {
      bind(await client.openDocument(documentId), host);
    },
  };
}

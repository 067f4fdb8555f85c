/**
 * Deleting a document so that it can be brought back at once.
 *
 * @module
 */
import type { BatchSyncService, LocalDocument } from "@landfall/client";
import { createContext, use } from "react";
import * as Y from "yjs";

/** A deletion that can be undone. */
export interface Deletion {
  document_id: string;
  title: string;
  /** Brings the document back. */
  undo(): Promise<void>;
}

/** How the views tell of a deletion. */
export const DeletionContext = createContext<(deletion: Deletion) => void>(() => undefined);

/** Tells everybody at the page of a deletion, with the way back. */
export function useTellDeletion(): (deletion: Deletion) => void {
  return use(DeletionContext);
}

/**
 * Deletes a document; on disk when the promise resolves.
 *
 * @param doc the document as it is open, if it is a Yjs document
 */
export async function deleteDocument(
  client: BatchSyncService,
  { document_id, kind }: LocalDocument,
  doc: Y.Doc | undefined,
): Promise<Deletion> {
  await client.flush();
  const { title, content } = (await client.document(document_id)) ?? { title: "", content: "" };
  // Of what the server never had, this device forgets everything.
  const state = doc && Y.encodeStateAsUpdate(doc);
  await client.queueDelete(document_id);

  async function undo(): Promise<void> {
    if (await isKept(client, document_id)) return client.queueUpdate(document_id, { restore: true });
    await client.queueCreate({ document_id, title, kind, content: state ? "" : content });
    if (!state) return;
    const begun = await client.openDocument(document_id);
    Y.applyUpdate(begun, state);
    await client.flush();
    begun.destroy();
  }
  return { document_id, title, undo };
}

async function isKept(client: BatchSyncService, id: string): Promise<boolean> {
  return (await client.documents({ deleted: true })).some(({ document_id }) => document_id === id);
}

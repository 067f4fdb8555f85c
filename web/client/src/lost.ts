/**
 * Documents that the server has lost, as after a restore from a backup: they are kept, and sent again if somebody wants that.
 *
 * @module
 */
import { NoSuchDocument } from "./errors.js";
import type { LocalDocument } from "./model.js";
import { dropDocument, markedIds, putDocument, readText } from "./local-documents.js";
import { append } from "./queue.js";
import type { Transaction } from "./store.js";
import { passRows, readRows, removeRows } from "./yjs-rows.js";

/** The documents that the server has lost, wholly or in part. */
export async function readLost(tx: Transaction): Promise<LocalDocument[]> {
  const found = await Promise.all((await markedIds(tx, "lost")).map((id) => tx.get("documents", id)));
  return found.filter((document) => document !== undefined);
}

/** Queues a lost document with everything that is here of it: as it is, on top of what the server has. */
export async function sendAgain(tx: Transaction, now: number, document: LocalDocument): Promise<LocalDocument> {
  const { lost = 0, newer_version: _newer, foreign_version: _foreign, ...kept } = document;
  const { document_id, kind, title } = kept;
  const rows = await readRows(tx, document_id);
  const operation = await append(tx, now, {
    operation: lost === 0 ? "create" : "update",
    document_id,
    ...(lost === 0 ? {} : { base_version: lost }),
    title,
    ...(kind === "text" ? { content: (await readText(tx, document_id)) ?? "" } : {}),
    yjs: kind === "yjs",
  });
  await passRows(tx, rows, operation.client_id);
  const again = { ...kept, version: lost };
  await putDocument(tx, again);
  return again;
}

/** Gives up a lost document on this device. */
export async function dropLost(tx: Transaction, documentId: string): Promise<void> {
  const document = await tx.get("documents", documentId);
  if (document?.lost === undefined) throw new NoSuchDocument(documentId);
  const { lost, ...kept } = document;
  // Where the server has an older version, that one is fetched with the next sync.
  if (lost > 0) return await putDocument(tx, { ...kept, version: 0, newer_version: lost });
  await removeRows(tx, await readRows(tx, documentId));
  await dropDocument(tx, documentId);
}

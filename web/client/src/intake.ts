/**
 * Taking in what the server reports: documents that others changed or deleted, or that it has lost.
 *
 * @module
 */
import { fromBase64 } from "./bytes.js";
import { timestamp } from "./clock.js";
import type { LocalDocument } from "./model.js";
import { deletedBefore, dropDocument, putDocument } from "./local-documents.js";
import { append, dropQueueOf, isPending, putOperation, readQueueOf } from "./queue.js";
import { takeUpdate } from "./remake.js";
import type { Transaction } from "./store.js";
import type { WireDocument } from "./wire.js";
import { addRow, contentOf, covers, isAnotherHistory, mergeRows, readRows, removeRows, textUpdate, vectorOf } from "./yjs-rows.js";

/** What taking in a document of the feed did. */
export type Intake =
  | "nothing"
  | "changed"
  /** Its Yjs state is another one now: who has it open must open it again. */
  | "replaced"
  | "held-deletion";

/**
 * Takes in a document that the server told of. What is pending here is never overwritten: a plain text waits until the
 * server has merged it, Yjs states unite, and a tombstone under local edits shows itself as a conflict when they are
 * pushed. A deletion of what is live here is only reported, for the guard.
 */
export async function takeIn(tx: Transaction, now: number, item: WireDocument): Promise<Intake> {
  const document = await tx.get("documents", item.document_id);
  if (document?.anew && !item.deleted) return goOn(tx, now, document, item);
  if (document && item.version <= document.version && document.newer_version === undefined) return "nothing";
  const pending = await isPending(tx, item.document_id);
  if (item.deleted) {
    if (!document) return "nothing";
    if (document.deleted && !pending)
      await putDocument(tx, { ...document, version: item.version });
    return document.deleted || pending ? "nothing" : "held-deletion";
  }
  if (document?.ahead && pending) await moveOn(tx, item);
  const kind = item.state_vector_b64 === undefined ? "text" : "yjs";
  if (!document) {
    const fresh: LocalDocument = takeOver({ document_id: item.document_id, kind } as LocalDocument, item);
    await putDocument(tx, fresh, textOf(fresh, item));
    if (kind === "yjs") await takeYjs(tx, now, fresh, item);
    return "changed";
  }
  // Two histories that never met, or a side that somebody has to choose, must not be united behind anybody's back.
  const unites =
    document.kind === "yjs" && document.version > 0 && !document.deleted && !(await isInConflict(tx, document));
  const vector = item.state_vector_b64 === undefined ? undefined : fromBase64(item.state_vector_b64);
  if (unites && vector && (await isAnotherHistory(tx, item.document_id, vector))) {
    // It was deleted and made anew: united, the two would be a doubled text. What is pending here meets it on the server.
    if (!pending) {
      await replaceWith(tx, item);
      return "replaced";
    }
    await putDocument(tx, { ...document, newer_version: item.version });
    return "nothing";
  }
  if (unites) {
    await takeYjs(tx, now, document, item);
  } else if (kind === "yjs" && !pending) {
    // It became a Yjs document, or came back, perhaps as another one.
    await replaceWith(tx, item);
    return "replaced";
  } else if (pending) {
    await putDocument(tx, { ...document, newer_version: item.version });
    return "nothing";
  } else {
    await putDocument(tx, takeOver(document, item), textOf(document, item));
  }
  return "changed";
}

/** What was edited or seen live was seen by whoever queued something since: it is based on what the server has by now. */
async function moveOn(tx: Transaction, { document_id, version, state_vector_b64 }: WireDocument): Promise<void> {
  const here = await vectorOf(tx, document_id);
  if (!here || state_vector_b64 === undefined || !covers(here, fromBase64(state_vector_b64))) return;
  for (const operation of await readQueueOf(tx, document_id)) {
    if (!operation.sent) await putOperation(tx, { ...operation, base_version: version });
  }
}

/** Goes on from the server's history, with the text and the title that are here as an edit of it. */
async function goOn(tx: Transaction, now: number, document: LocalDocument, server: WireDocument): Promise<Intake> {
  const { document_id, title } = document;
  const text = await contentOf(tx, document);
  const { anew: _anew, ...kept } = document;
  await putDocument(tx, kept);
  await replaceWith(tx, server);
  const state = mergeRows(await readRows(tx, document_id));
  const edit = text === undefined ? undefined : textUpdate(state, text);
  if (!edit && title === server.title) return "replaced";
  const base = { base_version: server.version, ...(title === server.title ? {} : { title }) };
  const made = await append(tx, now, { operation: "update", document_id, ...base, yjs: edit !== undefined });
  if (edit) await addRow(tx, document_id, edit, made.client_id);
  const taken = await tx.get("documents", document_id);
  if (taken) await putDocument(tx, { ...taken, title });
  return "replaced";
}

/** The document at a version of the server's. What was passed over up to it need not be fetched any more. */
export function upTo({ newer_version, lost: _lost, ahead: _ahead, ...document }: LocalDocument, version: number): LocalDocument {
  const isBehind = newer_version !== undefined && newer_version > version;
  return { ...document, version, ...(isBehind ? { newer_version } : {}) };
}

/** The server's text of a plain text. */
export function textOf({ kind }: LocalDocument, { content }: WireDocument): string | undefined {
  return kind === "text" ? content : undefined;
}

/** The document with the server's values, all but its text, which came from elsewhere up to the `foreign` version. */
export function takeOver(document: LocalDocument, server: WireDocument, foreign = server.version): LocalDocument {
  return {
    ...upTo(document, server.version),
    foreign_version: foreign,
    title: server.title,
    deleted: server.deleted,
    updated_at: server.updated_at,
    updated_by: server.updated_by,
  };
}

async function isInConflict(tx: Transaction, document: LocalDocument): Promise<boolean> {
  return (await tx.count("conflicts", `${document.document_id}/`)) > 0;
}

/** Unites the server's Yjs state with what is here, and takes its title unless another one is queued. */
export async function takeYjs(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  server: WireDocument,
  foreign?: number,
): Promise<void> {
  const id = document.document_id;
  const isRenamed = (await readQueueOf(tx, id)).some((operation) => operation.title !== undefined);
  const taken = takeOver(document, server, foreign);
  const title = isRenamed ? document.title : taken.title;
  await putDocument(tx, { ...taken, title, deleted: document.deleted }, textOf(document, server));
  if (server.yjs_state_b64 !== undefined) await takeUpdate(tx, now, id, fromBase64(server.yjs_state_b64));
}

/** Puts the server's document in the place of the local one; what was here of Yjs is dropped. */
export async function replaceWith(tx: Transaction, server: WireDocument): Promise<void> {
  const id = server.document_id;
  await removeRows(tx, await readRows(tx, id));
  const kind = server.state_vector_b64 === undefined ? "text" : "yjs";
  const present = await tx.get("documents", id);
  const taken = takeOver({ ...present, document_id: id, kind } as LocalDocument, server);
  await putDocument(tx, taken, textOf(taken, server));
  if (server.yjs_state_b64 !== undefined) await addRow(tx, id, fromBase64(server.yjs_state_b64));
}

/**
 * Marks a document as deleted that was deleted elsewhere, unless something here has to be settled first. What it held
 * stays, so that it can be brought back.
 */
export async function takeDeletion(
  tx: Transaction,
  now: number,
  documentId: string,
  version: number,
): Promise<boolean> {
  const document = await tx.get("documents", documentId);
  if (!document || document.deleted || (await isPending(tx, documentId))) return false;
  const deleted = { ...upTo(document, Math.max(version, document.version)), deleted: true, updated_at: timestamp(now) };
  await putDocument(tx, deleted);
  return true;
}

/** Forgets documents that were deleted before a time: the server has forgotten them too, so nothing brings them back. */
export async function forgetDeleted(tx: Transaction, before: number): Promise<void> {
  for (const id of await deletedBefore(tx, before)) {
    if (await isPending(tx, id)) continue;
    await removeRows(tx, await readRows(tx, id));
    await dropDocument(tx, id);
  }
}

/**
 * Notes that the server has lost a document, or its newest versions. What is queued on it cannot be sent as it is; all of it is
 * in what is here, and goes along if somebody wants it sent again.
 */
export async function lose(tx: Transaction, documentId: string, serverVersion: number): Promise<boolean> {
  const document = await tx.get("documents", documentId);
  await dropQueueOf(tx, documentId);
  if (!document || document.deleted) return false;
  await putDocument(tx, { ...document, lost: serverVersion });
  return true;
}

/**
 * What answers do to the store: successes leave the outbox and move versions on, conflicts and refusals are set aside
 * with everything that is needed to settle them, and what other devices wrote is taken in.
 *
 * @module
 */
import { fromBase64, toBase64 } from "./bytes.js";
import { timestamp } from "./clock.js";
import type { Conflict, DeadLetter, LocalDocument, QueuedOperation } from "./model.js";
import { isPending, issueKey, operationKey, readQueueOf } from "./outbox.js";
import { getMeta, setMeta, type Transaction } from "./store.js";
import type { OperationError, OperationResult, WireDocument } from "./wire.js";
import { addRow, contentOf, lacking, mergeRows, passRows, readRows, removeRows } from "./yjs-rows.js";

/** What became of an operation, on this side. */
export type Settlement =
  | { kind: "done" }
  | { kind: "conflict"; error: OperationError; conflict: Conflict }
  | { kind: "buried"; error: DeadLetter["error"]; letter: DeadLetter }
  | { kind: "again"; error: DeadLetter["error"] };

/** An operation that fails alone is given up after so many tries, over at least so long in milliseconds. */
const PATIENCE = { tries: 8, ms: 10 * 60_000 };

/** Takes in the answer to one operation. */
export async function settle(
  tx: Transaction,
  now: number,
  sent: QueuedOperation,
  result: OperationResult,
): Promise<Settlement> {
  const operation = await tx.get("operations", operationKey(sent));
  // Settled already, by another tab whose turn came when this one was asleep.
  if (!operation || operation.client_id !== sent.client_id) return { kind: "done" };
  if (result.status === "success") {
    await setMeta(tx, "accepted_at", now);
    await succeed(tx, operation, result);
    return { kind: "done" };
  }
  const error = result.error ?? { code: "internal", message: "the server gave no reason", retryable: false };
  if (result.status === "conflict" && isDocument(result.server)) {
    return { kind: "conflict", error, conflict: await setAside(tx, now, operation, result, error, result.server) };
  }
  if (result.status === "skipped") return { kind: "again", error };
  const larger = error.code === "yjs_missing_dependencies" ? await enlarge(tx, operation, result) : {};
  return await fail(tx, now, { ...operation, ...larger }, error);
}

/**
 * Counts a failed try. What may still succeed stays queued, and is given up only if it failed often and for long while the
 * server took others: else it is perhaps not the operation's fault.
 */
export async function fail(
  tx: Transaction,
  now: number,
  operation: QueuedOperation,
  error: DeadLetter["error"],
): Promise<Settlement> {
  const { failing_since = now } = operation;
  const failed = { ...operation, attempts: operation.attempts + 1, failing_since };
  const hasPatience = failed.attempts < PATIENCE.tries || now - failing_since < PATIENCE.ms;
  if (error.retryable && (hasPatience || ((await getMeta(tx, "accepted_at")) ?? 0) < failing_since)) {
    await tx.put("operations", operationKey(operation), failed);
    return { kind: "again", error };
  }
  return { kind: "buried", error, letter: await bury(tx, now, failed, error) };
}

/** Moves an operation to the dead letters. */
export async function bury(
  tx: Transaction,
  now: number,
  operation: QueuedOperation,
  { code, message, retryable }: DeadLetter["error"],
): Promise<DeadLetter> {
  const { client_id, document_id } = operation;
  const error = { code, message, retryable };
  const letter: DeadLetter = { client_id, document_id, operation, error, buried_at: timestamp(now) };
  await tx.delete("operations", operationKey(operation));
  await tx.put("dead_letters", issueKey(letter), letter);
  return letter;
}

async function succeed(tx: Transaction, operation: QueuedOperation, result: OperationResult): Promise<void> {
  const id = operation.document_id;
  await tx.delete("operations", operationKey(operation));
  const document = await tx.get("documents", id);
  if (!document) return;
  const rows = await readRows(tx, id);
  const version = Math.max(document.version, result.version ?? 0);
  if (operation.operation === "delete") {
    return await tx.put("documents", id, { ...document, version });
  }
  await passRows(
    tx,
    rows.filter((row) => row.operation === operation.client_id),
  );
  const server = isDocument(result.server) ? result.server : undefined;
  // The server has more than what is here: it merged, now or when an answer was lost. What is queued was made without
  // that and keeps its base, so that the server merges it as well; what the server has is taken over or fetched.
  const ours = isOurs(operation, result);
  if (!ours && (document.kind === "text" || !server)) {
    if (server && !(await isPending(tx, id))) await tx.put("documents", id, takeOver(document, server));
    else await tx.put("documents", id, { ...document, newer_version: version });
    return;
  }
  // What the feed told of before this answer came may have been this very operation.
  const isEcho = ours && document.foreign_version === version;
  const known = isEcho ? { ...document, foreign_version: operation.base_version ?? 0 } : document;
  if (server) await takeYjs(tx, known, server, ours ? (known.foreign_version ?? 0) : version);
  else await tx.put("documents", id, upTo(known, version));
  for (const next of await readQueueOf(tx, id)) {
    // What was merged was not seen by who asked for a deletion, or for the first new title here.
    const isBlind = next.operation === "delete" || (next.title !== undefined && operation.title === undefined);
    if (!ours && isBlind) continue;
    if (result.version !== undefined) {
      await tx.put("operations", operationKey(next), { ...next, base_version: result.version });
    }
  }
}

/** Whether the server now has exactly what this device edited: it was applied to the very version that it was made on. */
function isOurs(
  { operation, base_version = 0 }: QueuedOperation,
  { version, unchanged, merged }: OperationResult,
): boolean {
  if (operation === "create") return true;
  return !merged && version === base_version + (unchanged ? 0 : 1);
}

/** Widens an update that leans on edits which the server lacks to everything that it lacks. */
async function enlarge(
  tx: Transaction,
  operation: QueuedOperation,
  result: OperationResult,
): Promise<Partial<QueuedOperation>> {
  const state = mergeRows(await readRows(tx, operation.document_id));
  const known = result.server?.state_vector_b64;
  if (!state || !operation.payload) return {};
  const update = lacking(state, known === undefined ? undefined : fromBase64(known));
  return { payload: { ...operation.payload, yjs_state_b64: toBase64(update) } };
}

async function setAside(
  tx: Transaction,
  now: number,
  operation: QueuedOperation,
  result: OperationResult,
  error: OperationError,
  theirs: WireDocument,
): Promise<Conflict> {
  const { client_id, document_id } = operation;
  const document = await takeUncontested(tx, operation, theirs);
  const deleted = document?.deleted ?? operation.operation === "delete";
  const content = (document && (await contentOf(tx, document))) ?? document?.content ?? operation.content;
  const conflict: Conflict = {
    client_id,
    document_id,
    operation,
    error,
    mine: {
      title: document?.title ?? operation.title ?? theirs.title,
      ...(deleted || content === undefined ? {} : { content }),
      deleted,
    },
    theirs,
    ...(result.base ? { base: result.base } : {}),
    ...(result.merge ? { merge: result.merge.content } : {}),
    detected_at: timestamp(now),
  };
  await tx.delete("operations", operationKey(operation));
  await tx.put("conflicts", issueKey(conflict), conflict);
  return conflict;
}

/**
 * Takes from the server's side what this device did not touch: a text if only the title clashes, a title if only the text
 * does. Else the choice for one of them would take back the other, which nobody chose about.
 */
async function takeUncontested(
  tx: Transaction,
  operation: QueuedOperation,
  theirs: WireDocument,
): Promise<LocalDocument | undefined> {
  const document = await tx.get("documents", operation.document_id);
  if (!document || document.deleted || theirs.deleted) return document;
  const queue = [operation, ...(await readQueueOf(tx, operation.document_id))];
  const isTouched = (field: "title" | "content") => queue.some((each) => each[field] !== undefined);
  const taken = { ...document };
  if (!isTouched("title")) taken.title = theirs.title;
  if (document.kind === "text") {
    if (!isTouched("content")) taken.content = theirs.content ?? "";
  } else if (!operation.yjs && theirs.yjs_state_b64) {
    // No edit clashes: the text of one history merges without a choice.
    await addRow(tx, document.document_id, fromBase64(theirs.yjs_state_b64));
  }
  await tx.put("documents", operation.document_id, taken);
  return taken;
}

/** What taking in a document of the feed did. */
export type Intake = "nothing" | "changed" | "held-deletion";

/**
 * Takes in a document that the server told of. What is pending here is never overwritten: a plain text waits until the
 * server has merged it, Yjs states unite, and a tombstone under local edits shows itself as a conflict when they are
 * pushed. A deletion of what is live here is only reported, for the guard.
 */
export async function takeIn(tx: Transaction, item: WireDocument): Promise<Intake> {
  const document = await tx.get("documents", item.document_id);
  if (document && item.version <= document.version && document.newer_version === undefined) return "nothing";
  const pending = await isPending(tx, item.document_id);
  if (item.deleted) {
    if (!document) return "nothing";
    if (document.deleted && !pending)
      await tx.put("documents", item.document_id, { ...document, version: item.version });
    return document.deleted || pending ? "nothing" : "held-deletion";
  }
  const kind = item.state_vector_b64 === undefined ? "text" : "yjs";
  if (!document) {
    const fresh: LocalDocument = takeOver({ document_id: item.document_id, kind } as LocalDocument, item);
    await tx.put("documents", item.document_id, fresh);
    if (kind === "yjs") await takeYjs(tx, fresh, item);
    return "changed";
  }
  // Two histories that never met, or a side that somebody has to choose, must not be united behind anybody's back.
  const unites =
    document.kind === "yjs" && document.version > 0 && !document.deleted && !(await isInConflict(tx, document));
  if (unites) {
    await takeYjs(tx, document, item);
  } else if (kind === "yjs" && !pending) {
    // It became a Yjs document, or came back, perhaps as another one.
    await replaceWith(tx, item);
  } else if (pending) {
    await tx.put("documents", item.document_id, { ...document, newer_version: item.version });
    return "nothing";
  } else {
    await tx.put("documents", item.document_id, takeOver(document, item));
  }
  return "changed";
}

/** The document at a version of the server's. What was passed over up to it need not be fetched any more. */
function upTo({ newer_version, ...document }: LocalDocument, version: number): LocalDocument {
  const isBehind = newer_version !== undefined && newer_version > version;
  return { ...document, version, ...(isBehind ? { newer_version } : {}) };
}

/** The document with the server's values, which came from elsewhere up to the `foreign` version. */
function takeOver(document: LocalDocument, server: WireDocument, foreign = server.version): LocalDocument {
  return {
    ...upTo(document, server.version),
    foreign_version: foreign,
    title: server.title,
    ...(server.content === undefined ? {} : { content: server.content }),
    deleted: server.deleted,
    updated_at: server.updated_at,
    updated_by: server.updated_by,
  };
}

async function isInConflict(tx: Transaction, document: LocalDocument): Promise<boolean> {
  return (await tx.all("conflicts", `${document.document_id}/`)).length > 0;
}

/** Unites the server's Yjs state with what is here, and takes its title unless another one is queued. */
async function takeYjs(
  tx: Transaction,
  document: LocalDocument,
  server: WireDocument,
  foreign?: number,
): Promise<void> {
  const id = document.document_id;
  const isRenamed = (await readQueueOf(tx, id)).some((operation) => operation.title !== undefined);
  const taken = takeOver(document, server, foreign);
  const title = isRenamed ? document.title : taken.title;
  await tx.put("documents", id, { ...taken, title, deleted: document.deleted });
  if (server.yjs_state_b64 !== undefined) await addRow(tx, id, fromBase64(server.yjs_state_b64));
}

/** Puts the server's document in the place of the local one; what was here of Yjs is dropped. */
export async function replaceWith(tx: Transaction, server: WireDocument): Promise<void> {
  const id = server.document_id;
  await removeRows(tx, await readRows(tx, id));
  const kind = server.state_vector_b64 === undefined ? "text" : "yjs";
  const present = await tx.get("documents", id);
  await tx.put("documents", id, takeOver({ ...present, document_id: id, kind } as LocalDocument, server));
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
  await tx.put("documents", documentId, deleted);
  return true;
}

/** Forgets documents that were deleted before a time: the server has forgotten them too, so nothing brings them back. */
export async function forgetDeleted(tx: Transaction, before: number): Promise<void> {
  for (const { document_id, deleted, updated_at } of await tx.all("documents")) {
    if (!deleted || Date.parse(updated_at) >= before || (await isPending(tx, document_id))) continue;
    await removeRows(tx, await readRows(tx, document_id));
    await tx.delete("documents", document_id);
  }
}

/** Whether an answer's `server` is a document, and not only a state vector. */
export function isDocument(server: OperationResult["server"]): server is WireDocument {
  return server !== undefined && "document_id" in server;
}

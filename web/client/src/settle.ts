/**
 * What answers do to the store: successes leave the outbox and move versions on, conflicts and refusals are set aside
 * with everything that is needed to settle them, and what other devices wrote is taken in.
 *
 * @module
 */
import { fromBase64, toBase64 } from "./bytes.js";
import { timestamp } from "./clock.js";
import type { Conflict, DeadLetter, LocalDocument, QueuedOperation } from "./model.js";
import { lose, takeOver, takeYjs, textOf, upTo } from "./intake.js";
import { putDocument } from "./local-documents.js";
import { dropOperation, dropQueueOf, isPending, issueKey, operationKey, putOperation, readOperation, readQueueOf } from "./queue.js";
import { takeUpdate } from "./remake.js";
import { getMeta, setMeta, type Transaction } from "./store.js";
import type { OperationError, OperationResult, WireDocument } from "./wire.js";
import { lacking, mergeRows, passRows, readableOf, readRows } from "./yjs-rows.js";

/** What became of an operation, on this side. */
export type Settlement =
  | { kind: "done" }
  | { kind: "lost"; error: OperationError }
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
  const operation = await readOperation(tx, operationKey(sent));
  // Settled already, by another tab whose turn came when this one was asleep.
  if (!operation || operation.client_id !== sent.client_id) return { kind: "done" };
  if (result.status === "success") {
    await setMeta(tx, "accepted_at", now);
    await succeed(tx, now, operation, result);
    return { kind: "done" };
  }
  const error = result.error ?? { code: "internal", message: "the server gave no reason", retryable: false };
  if (result.status === "conflict" && isDocument(result.server)) {
    return { kind: "conflict", error, conflict: await setAside(tx, now, operation, result, error, result.server) };
  }
  if (result.status === "skipped") return { kind: "again", error };
  if (operation.operation === "update" && (error.code === "not_found" || error.code === "invalid_base_version")) {
    await lose(tx, operation.document_id, result.version ?? 0);
    return { kind: "lost", error };
  }
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
  // After a batch that failed it is an operation like any other: it does not wait for a socket.
  const { failing_since = now, live: _live, ...kept } = operation;
  const failed = { ...kept, attempts: operation.attempts + 1, failing_since };
  const hasPatience = failed.attempts < PATIENCE.tries || now - failing_since < PATIENCE.ms;
  if (error.retryable && (hasPatience || ((await getMeta(tx, "accepted_at")) ?? 0) < failing_since)) {
    await putOperation(tx, failed);
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
  await dropOperation(tx, operation);
  await tx.put("dead_letters", issueKey(letter), letter);
  return letter;
}

async function succeed(tx: Transaction, now: number, operation: QueuedOperation, result: OperationResult): Promise<void> {
  const id = operation.document_id;
  await dropOperation(tx, operation);
  const document = await tx.get("documents", id);
  if (!document) return;
  const rows = await readRows(tx, id);
  const version = Math.max(document.version, result.version ?? 0);
  if (operation.operation === "delete") {
    return await putDocument(tx, { ...document, version });
  }
  await passRows(
    tx,
    rows.filter((row) => row.operation === operation.client_id),
  );
  if (operation.anew && !document.deleted) {
    // What is queued was made on the history that is here: its text and its title are kept, and sent anew.
    await dropQueueOf(tx, id);
    return await putDocument(tx, { ...document, version, newer_version: version, anew: true });
  }
  const server = isDocument(result.server) ? result.server : undefined;
  // The server has more than what is here: it merged, now or when an answer was lost. What is queued was made without
  // that and keeps its base, so that the server merges it as well; what the server has is taken over or fetched.
  const ours = isOurs(operation, result);
  if (!ours && (document.kind === "text" || !server)) {
    if (server && !(await isPending(tx, id))) await putDocument(tx, takeOver(document, server), textOf(document, server));
    else await putDocument(tx, { ...document, newer_version: version });
    return;
  }
  // What the feed told of before this answer came may have been this very operation.
  const isEcho = ours && document.foreign_version === version;
  const known = isEcho ? { ...document, foreign_version: operation.base_version ?? 0 } : document;
  if (server) await takeYjs(tx, now, known, server, ours ? (known.foreign_version ?? 0) : version);
  else await putDocument(tx, upTo(known, version));
  for (const next of await readQueueOf(tx, id)) {
    // What was merged was not seen by who asked for a deletion, or for the first new title here.
    const isBlind = next.operation === "delete" || (next.title !== undefined && operation.title === undefined);
    if (!ours && isBlind) continue;
    if (result.version !== undefined) {
      await putOperation(tx, { ...next, base_version: result.version });
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
  const { server } = result;
  const known = server && "state_vector_b64" in server ? server.state_vector_b64 : undefined;
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
  const document = await takeUncontested(tx, now, operation, theirs);
  const deleted = document?.deleted ?? operation.operation === "delete";
  const content = document ? await readableOf(tx, document) : operation.content;
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
  await dropOperation(tx, operation);
  await tx.put("conflicts", issueKey(conflict), conflict);
  return conflict;
}

/**
 * Takes from the server's side what this device did not touch: a text if only the title clashes, a title if only the text
 * does. Else the choice for one of them would take back the other, which nobody chose about.
 */
async function takeUncontested(
  tx: Transaction,
  now: number,
  operation: QueuedOperation,
  theirs: WireDocument,
): Promise<LocalDocument | undefined> {
  const document = await tx.get("documents", operation.document_id);
  if (!document || document.deleted || theirs.deleted) return document;
  const queue = [operation, ...(await readQueueOf(tx, operation.document_id))];
  const isTouched = (field: "title" | "content") => queue.some((each) => each[field] !== undefined);
  const taken = { ...document };
  let text: string | undefined;
  if (!isTouched("title")) taken.title = theirs.title;
  if (document.kind === "text") {
    if (!isTouched("content")) text = theirs.content ?? "";
  } else if (!operation.yjs && theirs.yjs_state_b64) {
    // No edit clashes: the text of one history merges without a choice.
    await takeUpdate(tx, now, document.document_id, fromBase64(theirs.yjs_state_b64));
  }
  await putDocument(tx, taken, text);
  return taken;
}

/** Whether an answer's `server` is a document, and not only a state vector or the name of one. */
export function isDocument(server: OperationResult["server"]): server is WireDocument {
  return server !== undefined && "document_id" in server && !("omitted" in server);
}


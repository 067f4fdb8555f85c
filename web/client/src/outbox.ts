/**
 * The outbox: what is queued, how it coalesces, and which operations go into the next chunk.
 *
 * Three rules hold everywhere: an operation's `client_id` never changes; nothing coalesces into an operation that was
 * sent once; a document's next operation waits until the one before has its answer.
 *
 * @module
 */
import * as Y from "yjs";
import { jsonBytes, toBase64, uuidv7 } from "./bytes.js";
import { timestamp } from "./clock.js";
import { BaseUnknown, NoSuchDocument } from "./errors.js";
import type { LocalDocument, QueuedOperation } from "./model.js";
import { mayGoLive } from "./live/ledger.js";
import { dropLost, sendAgain } from "./lost.js";
import { dropDocument, putDocument, readText } from "./local-documents.js";
import { append, dropOperation, issueKey, putOperation, readQueue, readQueueOf, type QueueEntry } from "./queue.js";
import type { Transaction } from "./store.js";
import { edited } from "./text.js";
import type { WireData, WireOperation } from "./wire.js";
import { addRow, contentOf, editsOf, mergeRows, passRows, readRows, removeRows, textUpdate } from "./yjs-rows.js";

/** What is to change in a document. */
export interface DocumentPatch {
  title?: string;
  /** The whole new text. A Yjs document gets the difference as an edit. */
  content?: string;
  /** Bring a deleted document back. */
  restore?: true;
  /**
   * The version that the change was made on, where the device may have taken in a newer one since: what others changed
   * in between is then merged or told as a conflict, and not overwritten. What this device itself changed counts as seen.
   */
  base_version?: number;
}

/** What is known besides of a change: an edit of the open Yjs document, or the text that `content` was made from. */
export interface Circumstances {
  edit?: Uint8Array | undefined;
  base?: string | undefined;
  /** Whether the edit is to go live, if it may. */
  live?: boolean | undefined;
}

/** An edit that was saved. */
export interface SavedEdit {
  /** The number of its row. */
  number: number;
  update: Uint8Array;
  /** Whether it may go live. */
  live: boolean;
}

/** Queues the creation of a document, with a first text or a whole Yjs state. */
export async function queueCreate(
  tx: Transaction,
  now: number,
  document: Pick<LocalDocument, "document_id" | "kind" | "title"> & { content: string; state?: Uint8Array | undefined },
): Promise<void> {
  const { document_id, kind, title, content } = document;
  const present = await tx.get("documents", document_id);
  if (present && !present.deleted) throw new RangeError(`there is a document ${document_id} already`);
  const yjs = kind === "yjs";
  // What was deleted here is brought back and changed: made anew, it would meet its own deletion on the server.
  const isKnown = present?.kind === kind && present.version > 0 && !document.state;
  if (isKnown && (await contentOf(tx, present)) !== undefined) {
    await queueUpdate(tx, now, document_id, { title, content, restore: true });
    return;
  }
  const fields: { content?: string } = yjs ? {} : { content };
  const operation = await append(tx, now, { operation: "create", document_id, title, yjs, ...fields });
  if (yjs) {
    await removeRows(tx, await readRows(tx, document_id));
    // Even an empty text has a state, so that the server knows the document as a Yjs document.
    const state = document.state ?? textUpdate(undefined, content) ?? Y.encodeStateAsUpdate(new Y.Doc());
    await addRow(tx, document_id, state, operation.client_id);
  }
  const version = present?.version ?? 0;
  const document_ = { document_id, kind, title, version, deleted: false, updated_at: timestamp(now), updated_by: "" };
  await putDocument(tx, document_, fields.content);
}

/**
 * Queues a change, or lets it coalesce into what is queued already. A Yjs edit comes as `edit`: it was made while the
 * document was open, so that one made on a document that was deleted meanwhile is kept, for the server to call a conflict.
 */
export async function queueUpdate(
  tx: Transaction,
  now: number,
  documentId: string,
  patch: DocumentPatch,
  { edit, base, live }: Circumstances = {},
): Promise<SavedEdit | undefined> {
  let document = await tx.get("documents", documentId);
  if (!document || (document.deleted && !patch.restore && !edit)) throw new NoSuchDocument(documentId);
  // Who goes on writing in it wants it kept.
  if (document.lost !== undefined) document = await sendAgain(tx, now, document);
  const isYjs = document.kind === "yjs";
  if (isYjs && patch.content !== undefined) {
    const { foreign_version = 0 } = document;
    const isStale = (patch.base_version ?? foreign_version) < foreign_version;
    if (isStale && base === undefined) throw new BaseUnknown(patch.base_version ?? 0);
    edit = textUpdate(mergeRows(await readRows(tx, documentId)), patch.content, isStale ? base : undefined);
  }
  const renamed = patch.title !== undefined && patch.title !== document.title ? { title: patch.title } : {};
  const content = isYjs || patch.content === undefined ? undefined : await rewritten(tx, documentId, patch.content);
  const fields = { ...renamed, ...(content === undefined ? {} : { content }) };
  await reviveBuried(tx, now, documentId);
  const isLive = live === true && mayGoLive(document, await readQueueOf(tx, documentId));
  if (document.deleted && patch.restore) await restore(tx, now, document, fields);
  else if (Object.keys(fields).length === 0 && !edit) return undefined;
  else await amend(tx, now, document, { ...fields, yjs: edit !== undefined }, { seen: patch.base_version, isLive });
  let saved: SavedEdit | undefined;
  if (edit) {
    const owner = (await readQueueOf(tx, documentId)).at(-1);
    saved = { number: await addRow(tx, documentId, edit, owner?.client_id), update: edit, live: isLive };
  }
  await putDocument(tx, { ...document, ...renamed, deleted: false, updated_at: timestamp(now), updated_by: "" }, content);
  return saved;
}

/** A plain text after an edit of what was shown of it; `undefined` if that changes nothing. */
async function rewritten(tx: Transaction, documentId: string, wanted: string): Promise<string | undefined> {
  const stored = await readText(tx, documentId);
  const content = edited(stored ?? "", wanted);
  return content === stored ? undefined : content;
}

/** Puts fields into the last operation on the document if it was never sent and goes the same way, else into a new one. */
async function amend(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  fields: { title?: string; content?: string; yjs: boolean },
  { seen, isLive }: { seen: number | undefined; isLive: boolean },
): Promise<void> {
  const last = (await readQueueOf(tx, document.document_id)).at(-1);
  if (last && !last.sent && last.operation !== "delete" && (last.live === true) === isLive) {
    await putOperation(tx, { ...last, ...fields, yjs: last.yjs || fields.yjs });
  } else {
    const { document_id } = document;
    const live = isLive ? { live: true as const } : {};
    await append(tx, now, { operation: "update", document_id, ...baseOf(document, seen), ...live, ...fields });
  }
}

/** Takes back a deletion: one that was never sent is forgotten, one that was is undone on the server. */
async function restore(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  fields: { title?: string; content?: string },
): Promise<void> {
  const last = (await readQueueOf(tx, document.document_id)).at(-1);
  const unsent = last?.operation === "delete" && !last.sent;
  if (unsent) await dropOperation(tx, last);
  const rows = await readRows(tx, document.document_id);
  // What an update that the deletion swallowed had carried belongs to nobody any more: the whole state is sent.
  const operation = await append(tx, now, {
    operation: "update",
    document_id: document.document_id,
    ...(unsent && last.base_version !== undefined ? { base_version: last.base_version } : baseOf(document)),
    ...(unsent ? {} : { restore: true as const }),
    title: document.title,
    ...(document.kind === "text" ? { content: (await readText(tx, document.document_id)) ?? "" } : {}),
    ...fields,
    yjs: rows.length > 0,
  });
  await passRows(tx, rows, operation.client_id);
}

/**
 * An edit mends what was refused of its document: all of it becomes one new attempt, under a new name, together with what
 * was queued behind it and never sent. Sent again as they were, those would be refused again.
 */
async function reviveBuried(tx: Transaction, now: number, documentId: string): Promise<void> {
  // A change that failed too often may have been carried out all the same; only under its own name can it be sent again.
  const letters = (await tx.all("dead_letters", `${documentId}/`)).filter(
    ({ operation: { operation }, error }) => operation === "create" || (operation === "update" && !error.retryable),
  );
  if (letters.length === 0) return;
  const behind = (await readQueueOf(tx, documentId)).filter(({ operation, sent }) => operation === "update" && !sent);
  for (const letter of letters) await tx.delete("dead_letters", issueKey(letter));
  for (const operation of behind) await dropOperation(tx, operation);
  const parts = [...letters.map(({ operation }) => operation), ...behind].sort((a, b) => a.position - b.position);
  const { payload: _payload, failing_since: _since, live: _live, ...whole } = parts.reduce(united);
  const client_id = uuidv7(now);
  await putOperation(tx, { ...whole, client_id, sent: false, attempts: 0 });
  const names = new Set(parts.map((part) => part.client_id));
  const rows = (await readRows(tx, documentId)).filter(({ operation }) => operation && names.has(operation));
  await passRows(tx, rows, client_id);
}

/** Two operations on a document as one in the place of the first. */
function united(first: QueuedOperation, next: QueuedOperation): QueuedOperation {
  const { title = first.title, content = first.content } = next;
  return {
    ...next,
    ...first,
    ...(title === undefined ? {} : { title }),
    ...(content === undefined ? {} : { content }),
    yjs: first.yjs || next.yjs,
  };
}

/** Queues a deletion. What was queued and never sent is swallowed by it. */
export async function queueDelete(tx: Transaction, now: number, documentId: string): Promise<void> {
  const document = await tx.get("documents", documentId);
  if (!document || document.deleted) throw new NoSuchDocument(documentId);
  if (document.lost !== undefined) return dropLost(tx, documentId);
  await reviveBuried(tx, now, documentId);
  const last = (await readQueueOf(tx, documentId)).at(-1);
  const unsent = last && !last.sent ? last : undefined;
  if (unsent) await dropOperation(tx, unsent);
  if (unsent?.operation === "create") {
    // Nobody but this device ever knew of it.
    await removeRows(tx, await readRows(tx, documentId));
    if (document.version === 0) return await dropDocument(tx, documentId);
  } else if (!unsent?.restore) {
    const base = unsent?.base_version === undefined ? baseOf(document) : { base_version: unsent.base_version };
    await append(tx, now, { operation: "delete", document_id: documentId, ...base, yjs: false });
  }
  await putDocument(tx, { ...document, deleted: true, updated_at: timestamp(now), updated_by: "" });
}

/**
 * What a change of the document is based on, if the server knows it: its version, unless others made one that was not seen
 * yet. What came of this device's own work meanwhile is no reason to clash with it.
 */
function baseOf({ version, foreign_version = 0 }: LocalDocument, seen = version): { base_version?: number } {
  return version > 0 ? { base_version: seen < foreign_version ? Math.max(1, seen) : version } : {};
}

/** An operation in the form that is sent. */
export interface OutgoingOperation {
  operation: QueuedOperation;
  wire: WireOperation;
  /** Of its JSON. */
  bytes: number;
}

/** What bounds a chunk. */
export interface ChunkBounds {
  /** Operations at most. */
  maxOperations: number;
  /** Bytes of JSON at most; a single operation may be larger, for the server to judge. */
  maxBytes: number;
  /** Whether it is a dry run: nothing is marked as sent then. */
  dryRun: boolean;
}

/** As many operations are read at once; their reads go side by side. */
const READ_AHEAD = 10;

/**
 * What may be sent: the first operation of each document, in the order of queueing. Documents in conflict wait for their
 * settlement, and what builds on a creation among the dead letters waits for that.
 *
 * @param isHeld what waits for somebody's word, and with it what is queued behind it
 */
export async function readSendable(tx: Transaction, isHeld = isNever): Promise<QueueEntry[]> {
  const held = new Set((await tx.all("conflicts")).map((conflict) => conflict.document_id));
  for (const { operation } of await tx.all("dead_letters")) {
    if (operation.operation === "create") held.add(operation.document_id);
  }
  const isFirst = ({ document_id }: QueueEntry) => !held.has(document_id) && held.add(document_id);
  return (await readQueue(tx)).filter(isFirst).filter((operation) => !isHeld(operation));
}

function isNever(_operation: QueueEntry): boolean {
  return false;
}

/**
 * Takes the operations of the next chunk from the front of `sendable` and marks them as sent, with the contents that every
 * retry will repeat. What changed since it was read is left out; it is found again when the queue is read anew.
 */
export async function takeChunk(
  tx: Transaction,
  sendable: QueueEntry[],
  bounds: ChunkBounds,
): Promise<OutgoingOperation[]> {
  const chunk: OutgoingOperation[] = [];
  let bytes = 0;
  while (chunk.length < bounds.maxOperations && sendable.length > 0) {
    const group = sendable.splice(0, Math.min(READ_AHEAD, bounds.maxOperations - chunk.length));
    const prepared = await Promise.all(group.map((operation) => prepare(tx, operation)));
    for (const [at, outgoing] of prepared.entries()) {
      if (!outgoing) continue;
      bytes += outgoing.bytes;
      if (chunk.length > 0 && bytes > bounds.maxBytes) {
        sendable.unshift(...group.slice(at));
        return mark(tx, chunk, bounds);
      }
      chunk.push(outgoing);
    }
  }
  return mark(tx, chunk, bounds);
}

async function mark(tx: Transaction, chunk: OutgoingOperation[], { dryRun }: ChunkBounds): Promise<OutgoingOperation[]> {
  if (!dryRun) await Promise.all(chunk.map(({ operation }) => putOperation(tx, operation)));
  return chunk;
}

/** The operation as it is sent, if it is still the first one of its document. */
async function prepare(tx: Transaction, wanted: QueueEntry): Promise<OutgoingOperation | undefined> {
  const [operation] = await readQueueOf(tx, wanted.document_id);
  if (operation?.client_id !== wanted.client_id) return undefined;
  const { client_id, document_id, base_version } = operation;
  const base = base_version === undefined ? {} : { base_version };
  if (operation.operation === "delete") {
    return outgoing({ ...operation, sent: true }, { operation: "delete", client_id, document_id, ...base });
  }
  const rows = operation.yjs && !operation.anew ? await readRows(tx, document_id) : [];
  const payload = operation.payload ?? freeze(operation, editsOf(rows, client_id));
  const state = mergeRows(rows);
  // Not part of what a retry must repeat: it is only asked what the answer need not carry.
  const data = state ? { ...payload, state_vector_b64: toBase64(Y.encodeStateVectorFromUpdate(state)) } : payload;
  const wire: WireOperation =
    operation.operation === "create"
      ? { operation: "create", client_id, document_id, data: { ...data, title: operation.title ?? "" } }
      : { operation: "update", client_id, document_id, ...base, ...(operation.restore ? { restore: true } : {}), data };
  return outgoing({ ...operation, sent: true, payload }, wire);
}

function outgoing(operation: QueuedOperation, wire: WireOperation): OutgoingOperation {
  return { operation, wire, bytes: jsonBytes(wire) + 1 };
}

function freeze({ title, content }: QueuedOperation, edits: Uint8Array | undefined): WireData {
  return {
    ...(title === undefined ? {} : { title }),
    ...(content === undefined ? {} : { content }),
    ...(edits ? { yjs_state_b64: toBase64(edits) } : {}),
  };
}

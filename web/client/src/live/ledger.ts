/**
 * What goes live, in the store: which edits may, which have arrived, and what came in.
 *
 * @module
 */
import { putDocument } from "../local-documents.js";
import type { LocalDocument, QueuedOperation, YjsRow } from "../model.js";
import { dropOperation, readQueueOf } from "../queue.js";
import { setMeta, type Transaction } from "../store.js";
import { addRow, passRows, readRows } from "../yjs-rows.js";

/** An edit that lies in the store under this number. */
export type StoredEdit = Pick<YjsRow, "number" | "update">;

/** How a document stands before it goes live. */
export interface Standing {
  /** Whether something is queued on it. */
  isQueued: boolean;
  /** Whether its edits may go live: the server knows it, nobody has to settle anything, and nothing else has to go first. */
  isClear: boolean;
}

/** Reads how a document stands. */
export async function readStanding(tx: Transaction, documentId: string): Promise<Standing> {
  const document = await tx.get("documents", documentId);
  const queue = await readQueueOf(tx, documentId);
  const issues = await Promise.all((["conflicts", "dead_letters"] as const).map((table) => tx.all(table, `${documentId}/`)));
  const isClear = document !== undefined && mayGoLive(document, queue) && issues.every((rows) => rows.length === 0);
  return { isQueued: queue.length > 0, isClear };
}

/** Whether an edit of the document may go live, with this queued on it. */
export function mayGoLive(document: LocalDocument, queue: readonly QueuedOperation[]): boolean {
  const { kind, version, deleted, lost, anew, newer_version } = document;
  const isKnown = kind === "yjs" && version > 0 && !deleted && !anew && lost === undefined && newer_version === undefined;
  // A new title may wait; an edit that does not go live has to go before those that do.
  const mayWait = (each: QueuedOperation) =>
    each.operation === "update" && !each.restore && !each.anew && (each.live === true || !each.yjs);
  return isKnown && queue.every(mayWait);
}

/** The edits that go live and have not arrived yet. */
export async function readUnsent(tx: Transaction, documentId: string): Promise<StoredEdit[]> {
  const names = await liveNames(tx, documentId);
  if (names.size === 0) return [];
  return (await readRows(tx, documentId)).filter(({ operation }) => operation !== undefined && names.has(operation));
}

async function liveNames(tx: Transaction, documentId: string): Promise<Set<string>> {
  return new Set((await readQueueOf(tx, documentId)).flatMap(({ live, client_id }) => (live ? client_id : [])));
}

/**
 * Takes edits out of the queue that the server has stored. One that is not as it was sent, since it was united with others
 * meanwhile, stays.
 *
 * @returns whether edits are left that go live
 */
export async function settleLive(tx: Transaction, now: number, documentId: string, sent: readonly StoredEdit[]): Promise<boolean> {
  await setMeta(tx, "accepted_at", now);
  await noteAhead(tx, documentId);
  const updates = new Map(sent.map(({ number, update }) => [number, update]));
  const isStored = (row: YjsRow) => row.operation !== undefined && isSame(row.update, updates.get(row.number));
  await passRows(tx, (await readRows(tx, documentId)).filter(isStored));
  const carried = new Set((await readRows(tx, documentId)).flatMap(({ operation }) => operation ?? []));
  let isLeft = false;
  for (const operation of await readQueueOf(tx, documentId)) {
    if (!operation.live) continue;
    if (carried.has(operation.client_id)) isLeft = true;
    else await dropOperation(tx, operation);
  }
  return isLeft;
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** Adds what came live. */
export async function takeLive(tx: Transaction, documentId: string, update: Uint8Array): Promise<void> {
  if (await noteAhead(tx, documentId)) await addRow(tx, documentId, update);
}

/** Notes that the server has newer versions. */
async function noteAhead(tx: Transaction, documentId: string): Promise<boolean> {
  const document = await tx.get("documents", documentId);
  if (document?.kind !== "yjs") return false;
  if (!document.ahead) await putDocument(tx, { ...document, ahead: true });
  return true;
}

/**
 * The queue itself: its keys, its order, and how something gets in at its end.
 *
 * @module
 */
import { uuidv7 } from "./bytes.js";
import { timestamp } from "./clock.js";
import type { OperationRow, QueuedOperation } from "./model.js";
import { nextNumber, numberKey, type Transaction } from "./store.js";

/** The key of an operation: those of one document lie together, in order. */
export function operationKey(operation: Pick<QueuedOperation, "document_id" | "position">): string {
  return `${operation.document_id}/${numberKey(operation.position)}`;
}

/** The key of a conflict or a dead letter. */
export function issueKey(issue: { document_id: string; client_id: string }): string {
  return `${issue.document_id}/${issue.client_id}`;
}

/** Puts an operation into the queue, or in the place of what it was. */
export async function putOperation(tx: Transaction, operation: QueuedOperation): Promise<void> {
  const key = operationKey(operation);
  const { content, payload, ...row } = operation;
  const carries = content !== undefined || payload !== undefined;
  await tx.put("operations", key, { ...row, ...(carries ? { carries } : {}) });
  const parts = { ...(content === undefined ? {} : { content }), ...(payload === undefined ? {} : { payload }) };
  if (carries) await tx.put("payloads", key, parts);
  else await tx.delete("payloads", key);
}

/** Takes an operation out of the queue. */
export async function dropOperation(tx: Transaction, operation: Pick<QueuedOperation, "document_id" | "position">): Promise<void> {
  await tx.delete("operations", operationKey(operation));
  await tx.delete("payloads", operationKey(operation));
}

/** An operation with what it carries. */
export async function readOperation(tx: Transaction, key: string): Promise<QueuedOperation | undefined> {
  const row = await tx.get("operations", key);
  return row && withPayload(tx, row);
}

async function withPayload(tx: Transaction, { carries, ...row }: OperationRow): Promise<QueuedOperation> {
  return carries ? { ...row, ...(await tx.get("payloads", operationKey(row))) } : row;
}

/** An operation as far as the queue's order and its length need it: too little to be put back. */
export type QueueEntry = Pick<QueuedOperation, "position" | "client_id" | "document_id" | "operation" | "yjs" | "live" | "sent">;

/** Everything queued, in the order of queueing, without what it carries. */
export async function readQueue(tx: Transaction): Promise<QueueEntry[]> {
  return (await tx.all("operations")).sort((a, b) => a.position - b.position);
}

/** Everything queued, in the order of queueing, whole. */
export async function readWholeQueue(tx: Transaction): Promise<QueuedOperation[]> {
  const rows = (await tx.all("operations")).sort((a, b) => a.position - b.position);
  return Promise.all(rows.map((row) => withPayload(tx, row)));
}

/** What is queued on one document, in order. */
export async function readQueueOf(tx: Transaction, documentId: string): Promise<QueuedOperation[]> {
  const rows = await tx.all("operations", `${documentId}/`);
  return Promise.all(rows.map((row) => withPayload(tx, row)));
}

/** Takes everything queued on a document out of the queue. */
export async function dropQueueOf(tx: Transaction, documentId: string): Promise<QueuedOperation[]> {
  const queue = await readQueueOf(tx, documentId);
  for (const operation of queue) await dropOperation(tx, operation);
  return queue;
}

/** Whether anything of this device on a document has no final answer yet: queued, in conflict, or a dead letter. */
export async function isPending(tx: Transaction, documentId: string): Promise<boolean> {
  for (const table of ["operations", "conflicts", "dead_letters"] as const) {
    if ((await tx.count(table, `${documentId}/`)) > 0) return true;
  }
  return false;
}

/** What `append` adds to the queue. */
type Intent = Omit<QueuedOperation, "position" | "client_id" | "sent" | "attempts" | "queued_at">;

/** Adds an operation to the end of the queue, under a name of its own. */
export async function append(tx: Transaction, now: number, intent: Intent): Promise<QueuedOperation> {
  const operation: QueuedOperation = {
    ...intent,
    position: await nextNumber(tx),
    client_id: uuidv7(now),
    sent: false,
    attempts: 0,
    queued_at: timestamp(now),
  };
  await putOperation(tx, operation);
  return operation;
}

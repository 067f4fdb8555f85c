/**
 * The queue itself: its keys, its order, and how something gets in at its end.
 *
 * @module
 */
import { uuidv7 } from "./bytes.js";
import { timestamp } from "./clock.js";
import type { QueuedOperation } from "./model.js";
import { nextNumber, numberKey, type Transaction } from "./store.js";

/** The key of an operation: those of one document lie together, in order. */
export function operationKey(operation: Pick<QueuedOperation, "document_id" | "position">): string {
  return `${operation.document_id}/${numberKey(operation.position)}`;
}

/** The key of a conflict or a dead letter. */
export function issueKey(issue: { document_id: string; client_id: string }): string {
  return `${issue.document_id}/${issue.client_id}`;
}

/** Everything queued, in the order of queueing. */
export async function readQueue(tx: Transaction): Promise<QueuedOperation[]> {
  return (await tx.all("operations")).sort((a, b) => a.position - b.position);
}

/** What is queued on one document, in order. */
export function readQueueOf(tx: Transaction, documentId: string): Promise<QueuedOperation[]> {
  return tx.all("operations", `${documentId}/`);
}

/** Takes everything queued on a document out of the queue. */
export async function dropQueueOf(tx: Transaction, documentId: string): Promise<QueuedOperation[]> {
  const queue = await readQueueOf(tx, documentId);
  for (const operation of queue) await tx.delete("operations", operationKey(operation));
  return queue;
}

/** Whether anything of this device on a document has no final answer yet: queued, in conflict, or a dead letter. */
export async function isPending(tx: Transaction, documentId: string): Promise<boolean> {
  for (const table of ["operations", "conflicts", "dead_letters"] as const) {
    if ((await tx.all(table, `${documentId}/`)).length > 0) return true;
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
  await tx.put("operations", operationKey(operation), operation);
  return operation;
}

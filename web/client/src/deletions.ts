/**
 * Deletions of very many documents: somebody has to agree first, or takes them back.
 *
 * @module
 */
import { MassDeletion } from "./errors.js";
import { queueUpdate } from "./outbox.js";
import { countDocuments } from "./local-documents.js";
import { readQueue } from "./queue.js";
import { takeDeletion } from "./intake.js";
import { getMeta, setMeta, type Transaction } from "./store.js";

/** More deletions than this, and than a quarter of all documents, need somebody's consent. */
const MASS_DELETION = 20;

/** What has to be agreed to first, if that is more than both limits. */
export function guard(side: MassDeletion["side"], deletions: number, documents: number): MassDeletion | undefined {
  const isTooMuch = deletions > MASS_DELETION && deletions > documents / 4;
  return isTooMuch ? new MassDeletion(side, deletions, documents) : undefined;
}

/** What has to be agreed to before the deletions of the queue are pushed. */
export async function guardQueue(tx: Transaction): Promise<MassDeletion | undefined> {
  const deleted = await deletedByQueue(tx);
  if (deleted.size <= MASS_DELETION) return undefined;
  let { known } = await countDocuments(tx);
  for (const id of deleted) {
    const document = await tx.get("documents", id);
    if (document?.deleted && document.version > 0) known += 1;
  }
  return guard("server", deleted.size, known);
}

/**
 * Takes back the deletions that were queued here and those that were pulled and not applied. One that was never sent is
 * dropped, any other is followed by a restoration.
 *
 * @returns the documents that stay
 */
export async function takeBackDeletions(tx: Transaction, now: number): Promise<string[]> {
  const kept: string[] = [];
  for (const id of await deletedByQueue(tx)) if ((await tx.get("documents", id))?.deleted) kept.push(id);
  // What is pending on the others shows itself as a conflict when it is pushed.
  for (const [id, version] of Object.entries((await getMeta(tx, "held_deletions")) ?? {})) {
    if (await takeDeletion(tx, now, id, version)) kept.push(id);
  }
  await setMeta(tx, "held_deletions", undefined);
  for (const id of kept) await queueUpdate(tx, now, id, { restore: true });
  return kept;
}

/** The documents of queued deletions. */
async function deletedByQueue(tx: Transaction): Promise<Set<string>> {
  const queue = await readQueue(tx);
  return new Set(queue.filter(({ operation }) => operation === "delete").map(({ document_id }) => document_id));
}

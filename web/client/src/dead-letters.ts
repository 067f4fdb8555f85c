/**
 * Dead letters: operations that were refused for good or failed too often. They wait for somebody, and are never dropped
 * by themselves.
 *
 * @module
 */
import { dropDocument, putDocument } from "./local-documents.js";
import { dropQueueOf, issueKey, putOperation } from "./queue.js";
import type { Transaction } from "./store.js";
import { readableOf, readRows, removeRows } from "./yjs-rows.js";

/** Puts dead letters back to their place in the queue, all or those named; says of which documents they are. */
export async function retryLetters(tx: Transaction, clientIds: readonly string[] | undefined): Promise<string[]> {
  const letters = (await tx.all("dead_letters")).filter((row) => clientIds?.includes(row.client_id) ?? true);
  for (const letter of letters) {
    await tx.delete("dead_letters", issueKey(letter));
    const { failing_since: _since, ...operation } = letter.operation;
    await putOperation(tx, { ...operation, attempts: 0 });
  }
  return letters.map((letter) => letter.document_id);
}

/** Dead letters and their documents, as JSON text. */
export async function exportLetters(tx: Transaction): Promise<string> {
  const letters: object[] = [];
  for (const letter of await tx.all("dead_letters")) {
    const document = await tx.get("documents", letter.document_id);
    letters.push({ ...letter, document: document && { ...document, content: await readableOf(tx, document) } });
  }
  return JSON.stringify(letters, null, 2);
}

/** Gives up a dead letter and what is queued behind it; says of which document, if there is such a letter. */
export async function discardLetter(tx: Transaction, clientId: string): Promise<string | undefined> {
  const letter = (await tx.all("dead_letters")).find((row) => row.client_id === clientId);
  if (!letter) return undefined;
  const id = letter.document_id;
  await tx.delete("dead_letters", issueKey(letter));
  const behind = await dropQueueOf(tx, id);
  const gone = new Set([clientId, ...behind.map((operation) => operation.client_id)]);
  const rows = await readRows(tx, id);
  await removeRows(
    tx,
    rows.filter((row) => row.operation !== undefined && gone.has(row.operation)),
  );
  const document = await tx.get("documents", id);
  if (document && document.version === 0) await dropDocument(tx, id);
  // Fetched with the next sync.
  else if (document) await putDocument(tx, { ...document, newer_version: document.version });
  return id;
}

/**
 * The second format of stores, made from the first one, in which texts and payloads lay in the rows of documents and operations.
 *
 * @module
 */
import { putDocument } from "./local-documents.js";
import type { LocalDocument, QueuedOperation } from "./model.js";
import { putOperation } from "./queue.js";
import type { Transaction } from "./store.js";

/** The format that this version of the client reads and writes. */
export const FORMAT = 2;

/** As many rows are in memory at once. */
const AT_ONCE = 50;

/** Brings all rows into the second format; the transaction makes it one step. */
export async function toSecondFormat(tx: Transaction): Promise<void> {
  await inGroups(await tx.keys("documents"), async (id) => {
    const row = (await tx.get("documents", id)) as (LocalDocument & { content?: string }) | undefined;
    if (!row) return;
    const { content, ...document } = row;
    // Out of the way, so that it counts as new and gets its marks.
    await tx.delete("documents", id);
    await putDocument(tx, document, document.kind === "text" ? content : undefined);
  });
  await inGroups(await tx.keys("operations"), async (key) => {
    const row = (await tx.get("operations", key)) as QueuedOperation | undefined;
    if (row) await putOperation(tx, row);
  });
}

async function inGroups(keys: readonly string[], convert: (key: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < keys.length; at += AT_ONCE) await Promise.all(keys.slice(at, at + AT_ONCE).map(convert));
}

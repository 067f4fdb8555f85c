/**
 * Yjs bytes in a store: rows of updates, merged when they are read and folded when they are many.
 *
 * @module
 */
import * as Y from "yjs";
import type { LocalDocument, YjsRow } from "./model.js";
import { readText } from "./local-documents.js";
import { nextNumber, yjsKey, type Transaction } from "./store.js";
import { mergeTexts } from "./merge.js";
import { plainText, rewrite, richText, ROOT, shown } from "./text.js";

/** More rows than this of one owner are folded into one. */
const FOLD_AT = 64;

/** From this size on, in bytes, it is worth the time to leave deleted text out of an update. */
const WORTH_COMPACTING = 1024;

/** All rows of a document, oldest first. */
export function readRows(tx: Transaction, documentId: string): Promise<YjsRow[]> {
  return tx.all("yjs", yjsKey(documentId));
}

/** The rows' updates as one; `undefined` if there are none. */
export function mergeRows(rows: readonly YjsRow[]): Uint8Array | undefined {
  const updates = rows.map((row) => row.update);
  return updates.length > 1 ? Y.mergeUpdates(updates) : updates[0];
}

/**
 * The edits that an operation carries, as one update. Of a large one, what was written and deleted again is left out: a
 * text that was too long and has been shortened is short.
 */
export function editsOf(rows: readonly YjsRow[], operation: string): Uint8Array | undefined {
  const edits = mergeRows(rows.filter((row) => row.operation === operation));
  if (!edits || edits.length < WORTH_COMPACTING) return edits;
  const known = mergeRows(rows.filter((row) => row.operation === undefined));
  const compact = known
    ? lacking(Y.mergeUpdates([known, edits]), Y.encodeStateVectorFromUpdate(known))
    : lacking(edits);
  return compact.length < edits.length ? compact : edits;
}

/** What somebody lacks of a state who has what the state vector says. Merged updates keep deleted text; this does not. */
export function lacking(state: Uint8Array, known?: Uint8Array): Uint8Array {
  const doc = docFrom(state);
  const update = Y.encodeStateAsUpdate(doc, known);
  doc.destroy();
  return update;
}

/**
 * Adds an update; with `operation` it is an edit that this operation carries. Folds what has become many rows.
 *
 * @returns the number of its row
 */
export async function addRow(
  tx: Transaction,
  documentId: string,
  update: Uint8Array,
  operation?: string,
): Promise<number> {
  const owner = operation === undefined ? {} : { operation };
  const number = await nextNumber(tx);
  await tx.put("yjs", yjsKey(documentId, number), { document_id: documentId, number, update, ...owner });
  await foldRows(tx, documentId, operation);
  return number;
}

/** Makes one row of those of an owner, if they are many. */
async function foldRows(tx: Transaction, documentId: string, operation?: string): Promise<void> {
  // Nothing is read while there are few in all.
  if ((await tx.count("yjs", yjsKey(documentId))) <= FOLD_AT) return;
  const rows = (await readRows(tx, documentId)).filter((row) => row.operation === operation);
  if (rows.length <= FOLD_AT) return;
  const update = Y.mergeUpdates(rows.map((row) => row.update));
  await removeRows(tx, rows);
  // In the place of the newest, so that who has the document open has seen it.
  const number = rows.at(-1)?.number ?? 0;
  await tx.put("yjs", yjsKey(documentId, number), { ...rows[0], document_id: documentId, number, update });
}

/** Gives rows another owner; without `to` they count as known to the server. */
export async function passRows(tx: Transaction, rows: readonly YjsRow[], to?: string): Promise<void> {
  for (const { document_id, number, update } of rows) {
    const row: YjsRow = { document_id, number, update, ...(to === undefined ? {} : { operation: to }) };
    await tx.put("yjs", yjsKey(document_id, number), row);
  }
  const [first] = rows;
  if (first) await foldRows(tx, first.document_id, to);
}

/** What is here of a document, as a state vector; `undefined` if nothing is. */
export async function vectorOf(tx: Transaction, documentId: string): Promise<Uint8Array | undefined> {
  const state = mergeRows(await readRows(tx, documentId));
  return state && Y.encodeStateVectorFromUpdate(state);
}

/** Whether a state vector of the server's is of another history than the one that is here: united, the text would double. */
export async function isAnotherHistory(tx: Transaction, documentId: string, vector: Uint8Array): Promise<boolean> {
  const known = mergeRows((await readRows(tx, documentId)).filter((row) => row.operation === undefined));
  if (!known) return false;
  const here = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(known));
  const there = Y.decodeStateVector(vector);
  return here.size > 0 && there.size > 0 && ![...here.keys()].some((client) => there.has(client));
}


/** Whether one state vector has all that the other has. */
export function covers(one: Uint8Array, other: Uint8Array): boolean {
  const known = Y.decodeStateVector(one);
  return [...Y.decodeStateVector(other)].every(([client, clock]) => (known.get(client) ?? 0) >= clock);
}

/** Removes rows. */
export async function removeRows(tx: Transaction, rows: readonly YjsRow[]): Promise<void> {
  for (const row of rows) await tx.delete("yjs", yjsKey(row.document_id, row.number));
}

/** A document with this state, apart from every editor. */
export function docFrom(state: Uint8Array | undefined): Y.Doc {
  const doc = new Y.Doc();
  if (state) Y.applyUpdate(doc, state);
  return doc;
}

/**
 * The update that gives a state this text; `undefined` if it has it already.
 *
 * @param base what the text was made from, where the state may have gone on since: that is then merged with it
 * @throws RangeError if the state is not a plain text
 */
export function textUpdate(state: Uint8Array | undefined, wanted: string, base?: string): Uint8Array | undefined {
  const doc = docFrom(state);
  const present = plainText(doc);
  if (present === undefined) throw new RangeError("the document is rich text: change it in its editor");
  let made: Uint8Array | undefined;
  doc.on("update", (update: Uint8Array) => (made = update));
  const goal = shown(wanted);
  rewrite(doc.getText(ROOT), base === undefined ? goal : mergeTexts(shown(base), goal, shown(present)).text);
  doc.destroy();
  return made;
}

/** A document's present text; `undefined` if it is rich text, whose text only the server derives. */
export async function contentOf(tx: Transaction, document: LocalDocument): Promise<string | undefined> {
  if (document.kind === "text") return readText(tx, document.document_id);
  const doc = docFrom(mergeRows(await readRows(tx, document.document_id)));
  const text = plainText(doc);
  doc.destroy();
  return text;
}

/** What can be read of a document: its text, or that of rich text as far as it can be derived here. */
export async function readableOf(tx: Transaction, document: LocalDocument): Promise<string> {
  if (document.kind === "text") return (await readText(tx, document.document_id)) ?? "";
  const doc = docFrom(mergeRows(await readRows(tx, document.document_id)));
  const text = plainText(doc) ?? richText(doc);
  doc.destroy();
  return text;
}

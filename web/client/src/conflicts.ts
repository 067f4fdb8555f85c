/**
 * Settling conflicts: four ways, none of which loses a side that the person did not give up.
 *
 * @module
 */
import * as Y from "yjs";
import { fromBase64, uuidv7 } from "./bytes.js";
import { NoSuchDocument, ResolutionError } from "./errors.js";
import type { Conflict, LocalDocument } from "./model.js";
import { queueCreate } from "./outbox.js";
import { putDocument, readText } from "./local-documents.js";
import { append, dropQueueOf, issueKey, putOperation } from "./queue.js";
import { replaceWith } from "./intake.js";
import { takeUpdate } from "./remake.js";
import type { Transaction } from "./store.js";
import type { WireDocument } from "./wire.js";
import { plainText } from "./text.js";
import { addRow, contentOf, docFrom, mergeRows, passRows, readRows, removeRows, textUpdate } from "./yjs-rows.js";

/** What the person chose. */
export type Resolution =
  /**
   * This device's side replaces the server's. Where that cannot be done without losing one of them, as with two histories of
   * rich text, it is kept as a copy: see `copy_id`.
   */
  | { choice: "mine" }
  /** The server's side replaces this device's. */
  | { choice: "theirs" }
  /** A text made from both. */
  | { choice: "merged"; content: string; title?: string }
  /** The server's side stays, and this device's becomes a document of its own. */
  | { choice: "copy"; title?: string };

/** What a settlement left. */
export interface Settled {
  /** The document began anew from another Yjs state: whoever has it open must open it again. */
  replaced: boolean;
  /** The document that holds this device's side, where it became one of its own. */
  copy_id?: string;
}

/**
 * Settles a conflict. What was queued on the document behind it goes into the result; the outcome is made on the
 * server's version that the person saw, so that a newer one conflicts again instead of being overwritten.
 *
 * @throws {@link ResolutionError} if the choice does not fit, with nothing changed
 */
export async function resolveConflict(
  tx: Transaction,
  now: number,
  clientId: string,
  resolution: Resolution,
): Promise<Settled> {
  const conflict = (await tx.all("conflicts")).find((row) => row.client_id === clientId);
  if (!conflict) throw new ResolutionError(`there is no conflict ${clientId}; perhaps it was settled already`);
  const document = await tx.get("documents", conflict.document_id);
  if (!document) throw new NoSuchDocument(conflict.document_id);
  await tx.delete("conflicts", issueKey(conflict));
  await dropQueueOf(tx, conflict.document_id);
  switch (resolution.choice) {
    case "theirs":
      return takeTheirs(tx, document, conflict.theirs);
    case "copy":
      if (document.deleted) throw new ResolutionError("this device deleted the document: there is nothing to copy");
      return copy(tx, now, document, conflict.theirs, resolution.title);
    case "mine":
      if (document.deleted) return deleteTheirs(tx, now, document, conflict.theirs);
      return push(tx, now, document, conflict, { title: document.title });
    case "merged": {
      const { content, title = document.title } = resolution;
      return push(tx, now, document, conflict, { title, content });
    }
  }
}

async function takeTheirs(tx: Transaction, document: LocalDocument, theirs: WireDocument): Promise<Settled> {
  const rows = await readRows(tx, document.document_id);
  if (theirs.deleted) {
    // What it held stays, so that it can be brought back.
    await putDocument(tx, { ...document, deleted: true, version: theirs.version });
  } else {
    // What the server knows of what is here; edits that were not taken by it are given up.
    const known = rows.filter((row) => row.operation === undefined);
    const { state } = serverState(
      known.map((row) => row.update),
      theirs,
    );
    await replaceWith(tx, theirs);
    if (state) {
      await removeRows(tx, await readRows(tx, document.document_id));
      await addRow(tx, document.document_id, state);
    }
  }
  return { replaced: rows.length > 0 };
}

async function deleteTheirs(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  theirs: WireDocument,
): Promise<Settled> {
  const { document_id } = document;
  await putDocument(tx, { ...document, version: theirs.version });
  if (!theirs.deleted) {
    await append(tx, now, { operation: "delete", document_id, base_version: theirs.version, yjs: false });
  }
  return { replaced: false };
}

/** Queues this device's side, or a merged one, on top of the server's. */
async function push(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  conflict: Conflict,
  wanted: { title: string; content?: string },
): Promise<Settled> {
  const { document_id } = document;
  const { theirs } = conflict;
  const rows = await readRows(tx, document_id);
  const present = await contentOf(tx, document);
  const isYjs = theirs.deleted ? document.kind === "yjs" : theirs.state_vector_b64 !== undefined;
  const { state, related } = serverState(
    rows.map((row) => row.update),
    theirs,
  );
  const isAnew = isYjs && conflict.operation.operation === "create" && !conflict.operation.anew && theirs.deleted;
  const isUnderstood = isYjs && related && !isAnew ? wanted.content === undefined || present !== undefined : isPlain(present, state);
  if (!isUnderstood) {
    if (wanted.content !== undefined) throw new ResolutionError("rich text is merged in its own editor: keep it as a copy");
    return copy(tx, now, document, theirs);
  }
  const text = wanted.content ?? present ?? "";
  const { newer_version: _newer, ...kept } = document;
  const next = { ...kept, kind: isYjs ? "yjs" : "text", title: wanted.title } as const;
  await putDocument(tx, { ...next, version: theirs.version, deleted: false }, isYjs ? undefined : text);
  const operation = await append(tx, now, {
    operation: "update",
    document_id,
    base_version: theirs.version,
    ...(theirs.deleted ? { restore: true as const } : {}),
    ...(isAnew ? { anew: true as const } : {}),
    title: wanted.title,
    ...(isYjs ? {} : { content: text }),
    yjs: isYjs,
  });
  const rewrite = async (from: Uint8Array | undefined) => {
    const edit = textUpdate(from, text);
    if (edit) await addRow(tx, document_id, edit, operation.client_id);
    return edit !== undefined;
  };
  if (!isYjs) {
    await removeRows(tx, rows);
    return { replaced: rows.length > 0 };
  }
  if (isAnew) {
    // The server's history is not known here: it is brought back, and gets this text as an edit once it was fetched.
    await passRows(tx, rows);
    if (wanted.content !== undefined) await rewrite(mergeRows(rows));
    return { replaced: false };
  }
  if (related) {
    // One history: what is here stays, all of it is sent, and the server's part is added.
    await passRows(tx, rows, operation.client_id);
    if (theirs.yjs_state_b64 !== undefined) await takeUpdate(tx, now, document_id, fromBase64(theirs.yjs_state_b64));
    if (wanted.content !== undefined) await rewrite(mergeRows(await readRows(tx, document_id)));
    return { replaced: false };
  }
  // Two histories: the server's goes on, and gets this text as an edit.
  await removeRows(tx, rows);
  if (state) await addRow(tx, document_id, state);
  if (!(await rewrite(state))) await putOperation(tx, { ...operation, yjs: false });
  return { replaced: true };
}

/** Whether both sides are texts that this client understands. */
function isPlain(present: string | undefined, state: Uint8Array | undefined): boolean {
  if (present === undefined || !state) return present !== undefined;
  const doc = docFrom(state);
  const text = plainText(doc);
  doc.destroy();
  return text !== undefined;
}

/** Leaves the server's side, and makes this device's a document of its own. */
async function copy(
  tx: Transaction,
  now: number,
  document: LocalDocument,
  theirs: WireDocument,
  title = `${document.title} (copy)`,
): Promise<Settled> {
  const copy_id = uuidv7(now);
  const state = mergeRows(await readRows(tx, document.document_id));
  const content = (await readText(tx, document.document_id)) ?? "";
  await queueCreate(tx, now, { document_id: copy_id, kind: document.kind, title, content, state });
  return { ...(await takeTheirs(tx, document, theirs)), copy_id };
}

/**
 * The server's Yjs state. What it sent may be only what this device lacks: it is a whole state if it stands on its own,
 * and else a part of the history that is here.
 */
function serverState(local: Uint8Array[], theirs: WireDocument): { state: Uint8Array | undefined; related: boolean } {
  if (theirs.state_vector_b64 === undefined) return { state: undefined, related: local.length > 0 };
  const sent = theirs.yjs_state_b64 === undefined ? undefined : fromBase64(theirs.yjs_state_b64);
  const vector = fromBase64(theirs.state_vector_b64);
  const isWhole = sent !== undefined && covers(Y.encodeStateVectorFromUpdate(sent), vector);
  const here = local.length > 0 ? Y.mergeUpdates(local) : undefined;
  const related = here !== undefined && shares(Y.encodeStateVectorFromUpdate(here), vector);
  if (isWhole || !here) return { state: sent, related };
  return { state: sent ? Y.mergeUpdates([here, sent]) : here, related };
}

/** Whether the first state vector knows all that the second one does. */
function covers(known: Uint8Array, wanted: Uint8Array): boolean {
  const has = Y.decodeStateVector(known);
  return [...Y.decodeStateVector(wanted)].every(([client, clock]) => (has.get(client) ?? 0) >= clock);
}

/** Whether two state vectors have a client in common. */
function shares(one: Uint8Array, other: Uint8Array): boolean {
  const clients = Y.decodeStateVector(other);
  return [...Y.decodeStateVector(one).keys()].some((client) => clients.has(client));
}

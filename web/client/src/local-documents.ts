/**
 * The rows of documents: their metadata, the texts of plain texts, and marks by which some are found among very many.
 *
 * @module
 */
import type { LocalDocument } from "./model.js";
import type { Transaction } from "./store.js";

/** What documents are found by. */
export type Mark =
  | "deleted"
  /** Live, and lost by the server. */
  | "lost"
  /** There is a newer version that was not taken in. */
  | "behind"
  /** Live, and the server never had it. */
  | "unsent";

const MARKS: { [M in Mark]: (document: LocalDocument) => boolean } = {
  deleted: ({ deleted }) => deleted,
  lost: ({ deleted, lost }) => !deleted && lost !== undefined,
  behind: ({ newer_version }) => newer_version !== undefined,
  unsent: ({ deleted, version }) => !deleted && version === 0,
};

const NAMES = Object.keys(MARKS) as Mark[];

/** Puts a document's metadata; a `text`, where there is one, is its whole new text. */
export async function putDocument(tx: Transaction, document: LocalDocument, text?: string): Promise<void> {
  const { document_id: id, updated_at: at } = document;
  const former = await tx.get("documents", id);
  for (const name of NAMES) {
    const isMarked = MARKS[name](document);
    const wasMarked = former !== undefined && MARKS[name](former);
    // Only of a deletion it matters when.
    const isNoted = wasMarked && (name !== "deleted" || former.updated_at === at);
    if (isMarked && !isNoted) await tx.put("marks", markKey(name, id), { at });
    else if (wasMarked && !isMarked) await tx.delete("marks", markKey(name, id));
  }
  await tx.put("documents", id, document);
  if (text !== undefined) await tx.put("texts", id, { content: text });
  else if (document.kind === "yjs" && former?.kind === "text") await tx.delete("texts", id);
}

/** Removes a document's metadata and its plain text; what it has of Yjs has rows of its own. */
export async function dropDocument(tx: Transaction, documentId: string): Promise<void> {
  for (const name of NAMES) await tx.delete("marks", markKey(name, documentId));
  await tx.delete("documents", documentId);
  await tx.delete("texts", documentId);
}

/** The text of a plain text. */
export async function readText(tx: Transaction, documentId: string): Promise<string | undefined> {
  return (await tx.get("texts", documentId))?.content;
}

/** The ids of the documents that have a mark. */
export async function markedIds(tx: Transaction, mark: Mark): Promise<string[]> {
  return (await tx.keys("marks", markKey(mark, ""))).map((key) => key.slice(mark.length + 1));
}

/** The ids of documents that were deleted before a time, in milliseconds since the epoch. */
export async function deletedBefore(tx: Transaction, before: number): Promise<string[]> {
  const [ids, marks] = [await markedIds(tx, "deleted"), await tx.all("marks", markKey("deleted", ""))];
  return ids.filter((_id, n) => Date.parse(marks[n]?.at ?? "") < before);
}

/** How many documents there are; none of them is read. */
export interface DocumentCounts {
  /** That are not deleted. */
  live: number;
  /** Live ones that the server has had. */
  known: number;
  /** Live ones that the server has lost. */
  lost: number;
}

/** Counts the documents. */
export async function countDocuments(tx: Transaction): Promise<DocumentCounts> {
  const marked = (mark: Mark) => tx.count("marks", markKey(mark, ""));
  const live = (await tx.count("documents")) - (await marked("deleted"));
  return { live, known: live - (await marked("unsent")), lost: await marked("lost") };
}

function markKey(mark: Mark, documentId: string): string {
  return `${mark}/${documentId}`;
}

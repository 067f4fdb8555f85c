/**
 * Bringing an old version back: as a new edit, so that nothing is lost.
 *
 * @module
 */
import { NoSuchDocument, type BatchSyncService } from "@landfall/client";
import type { Version } from "@landfall/client/workspace";

/** What became of it. */
export interface Restored {
  /** Whether the title stays as it is, since another document has the old one by now. */
  titleStays: boolean;
}

/**
 * Queues an edit that makes title and text those of the version; a document that was deleted comes back.
 *
 * @throws {@link NoSuchDocument} if this device does not have the document
 */
export async function restoreVersion(
  client: BatchSyncService,
  { document_id, title, content = "" }: Version,
): Promise<Restored> {
  const documents = await client.documents();
  const isLive = documents.some((document) => document.document_id === document_id);
  // Titles are unique in a workspace: asking for one that is taken would only be refused.
  const titleStays = documents.some(
    (document) => document.document_id !== document_id && same(document.title, title),
  );
  await client.queueUpdate(document_id, {
    content,
    ...(titleStays ? {} : { title }),
    ...(isLive ? {} : { restore: true as const }),
  });
  return { titleStays };
}

/** Why it did not come back. */
export function refusalOf(error: unknown): string {
  if (error instanceof NoSuchDocument) {
    return "This document is not on this device, so it cannot be brought back here. Sync, and try again.";
  }
  return error instanceof Error ? error.message : String(error);
}

function same(one: string, other: string): boolean {
  return one.toLocaleLowerCase() === other.toLocaleLowerCase();
}

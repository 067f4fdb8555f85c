/**
 * What clashes, in words, and which choices there are about it.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";

/** This device's side as it is now: what is typed while a conflict waits is part of it. */
export interface Mine {
  title: string;
  content: string;
  deleted: boolean;
  /** Written in a rich text editor: its text is shown without its form. */
  isRich: boolean;
}

/** The choices that fit. */
export interface Choices {
  /** A text can be made from both. */
  canMerge: boolean;
  /** This device's side can become a document of its own. */
  canCopy: boolean;
}

/** Which of the four choices a conflict allows; each side alone can always be kept. */
export function choicesFor(mine: Mine, { theirs }: Conflict): Choices {
  return { canMerge: !mine.deleted && !theirs.deleted && !mine.isRich, canCopy: !mine.deleted };
}

/** The kind of clash in a few words, for a list. */
export function kindOf({ error, mine, theirs }: Conflict): string {
  if (theirs.deleted) return "Changed here, deleted there";
  if (mine.deleted) return "Deleted here, changed there";
  if (error.code === "divergent_history" || error.code === "already_exists") return "Begun twice";
  if (isAboutTitle(error)) return "Two titles";
  return "Two texts";
}

/**
 * What happened, in a sentence or two.
 *
 * @param who made the server's side: a name, or words for it
 */
export function explanationOf(conflict: Conflict, who: string): string {
  const { error, mine, theirs } = conflict;
  if (theirs.deleted) return `You changed this document on this device, and ${who} deleted it.`;
  if (mine.deleted) return `You deleted this document on this device, and ${who} changed it.`;
  switch (error.code) {
    case "divergent_history":
      return `You and ${who} each began this text anew. Put together they would stand there twice.`;
    case "already_exists":
      return `You and ${who} each made this document, with different contents.`;
    case "version_mismatch":
      return isAboutTitle(error)
        ? `You and ${who} each gave this document another title.`
        : `You and ${who} changed the same lines of this text.`;
    default:
      return `The server could not put both sides together: ${error.message}.`;
  }
}

/** Whether only the titles differ. */
export function isTitleAlone({ error, theirs }: Conflict, mine: Mine): boolean {
  return isAboutTitle(error) && mine.content === theirs.content;
}

function isAboutTitle({ pointer }: Conflict["error"]): boolean {
  return pointer?.endsWith("/data/title") ?? false;
}

/** Lines that stand around what clashes. */
const MARKER = /^(?:<{7}(?: .*)?|={7}|>{7}(?: .*)?)$/;

/**
 * The first line with a conflict marker, counted from 0; -1 if there is none. A line that a side had itself is no marker: a
 * row of equals signs underlines a heading in Markdown.
 */
export function markerLine(text: string, sides: readonly string[]): number {
  const own = new Set(sides.flatMap(linesOf));
  return linesOf(text).findIndex((line) => MARKER.test(line) && !own.has(line));
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/);
}

/** A title for a copy that none of these has: "notes.md" becomes "notes (copy).md". */
export function copyTitle(title: string, taken: readonly string[]): string {
  const [, stem = title, ending = ""] = /^(.+?)(\.(?:md|txt))?$/s.exec(title) ?? [];
  for (let number = 1; ; number += 1) {
    const candidate = `${stem} (${number === 1 ? "copy" : `copy ${number}`})${ending}`;
    if (!isTaken(candidate, taken)) return candidate;
  }
}

/** Whether a document has this title, however it is capitalised. */
export function isTaken(title: string, taken: readonly string[]): boolean {
  const sought = title.trim().toLocaleLowerCase();
  return taken.some((each) => each.toLocaleLowerCase() === sought);
}

/**
 * Texts as editors show them: with line feeds alone. What a text holds beyond that is kept as it is.
 *
 * @module
 */
import * as Y from "yjs";
import { changesOf } from "./merge.js";

/** The root type of a document's text: what the server derives `content` from. */
export const ROOT = "content";

/** A line end with carriage returns. */
const CR_LF = /\r+\n/g;

/** A text as editors show it. */
export function shown(text: string): string {
  return text.replace(CR_LF, "\n");
}

/** A stored text after an edit of what was shown of it: the edit, and else not a character is another one. */
export function edited(stored: string, wanted: string): string {
  if (!stored.includes("\r") || wanted.includes("\r\n")) return wanted;
  const ends = [...stored.matchAll(CR_LF)];
  const isMostly = ends.length * 2 > stored.split("\n").length - 1;
  /** Where a place of the shown text is in the stored one. */
  const placeOf = (place: number): number => {
    let hidden = 0;
    for (const { index, 0: end } of ends) {
      if (index - hidden >= place) break;
      hidden += end.length - 1;
    }
    return place + hidden;
  };
  const [start, until, inserted] = difference(shown(stored), wanted);
  const ours = isMostly ? inserted.replaceAll("\n", "\r\n") : inserted;
  return stored.slice(0, placeOf(start)) + ours + stored.slice(placeOf(until));
}

/**
 * Deletes the carriage returns of line ends, in all that lies in the root for texts; every client makes the same edit of it, and
 * two of them do no harm. Leaves alone what is no text, and does not decide what kind of root it is.
 *
 * @returns whether there were any
 */
export function normalize(doc: Y.Doc): boolean {
  return mayHaveCarriage(doc) && dropCarriages(doc.getText(ROOT));
}

/** @returns whether there were any */
function dropCarriages(text: Y.Text): boolean {
  const whole = text.toString();
  // Where there is more than characters, places are others.
  if (whole.length !== text.length || !whole.includes("\r\n")) return false;
  for (const { index, 0: end } of [...whole.matchAll(CR_LF)].reverse()) text.delete(index, end.length - 1);
  return true;
}

/** Whether there is a character of a line end to be looked for: then the root is a text for certain. */
function mayHaveCarriage(doc: Y.Doc): boolean {
  let item = doc.share.get(ROOT)?._start ?? null;
  for (; item; item = item.right) {
    if (!item.deleted && item.content instanceof Y.ContentString && item.content.str.includes("\r")) return true;
  }
  return false;
}

/**
 * A document's present text; `undefined` if it is rich text or lies in another root, so that only who made it knows what
 * may be done with it.
 */
export function plainText(doc: Y.Doc): string | undefined {
  for (const [name, root] of doc.share) if (name !== ROOT && !isEmpty(root)) return undefined;
  const root = doc.getText(ROOT);
  const text = root.toString();
  // Nodes of rich text count, and have no characters.
  return root.length === text.length && root._map.size === 0 ? text : undefined;
}

function isEmpty(root: { _start: Y.Item | null; _map: Map<string, Y.Item> }): boolean {
  for (let item = root._start; item; item = item.right) if (!item.deleted) return false;
  return root._map.size === 0;
}

/** The text of rich text, in the order of the document, its blocks on lines of their own; as near as can be without its editor. */
export function richText(doc: Y.Doc): string {
  const roots = [...doc.share].filter(([, root]) => !isEmpty(root));
  const [, root] = roots.find(([name]) => name === ROOT) ?? (roots.length === 1 ? roots[0] : undefined) ?? [];
  const blocks: string[] = [];
  let line = "";
  const end = () => {
    if (line !== "") blocks.push(line);
    line = "";
  };
  const walk = (type: { _start: Y.Item | null }) => {
    for (let item = type._start; item; item = item.right) {
      if (item.deleted) continue;
      if (item.content instanceof Y.ContentString) line += item.content.str;
      if (!(item.content instanceof Y.ContentType)) continue;
      const { type: inner } = item.content;
      const isBlock = inner instanceof Y.XmlElement || type instanceof Y.XmlText;
      if (isBlock) end();
      walk(inner);
      if (isBlock) end();
    }
  };
  if (root) walk(root);
  end();
  return blocks.join("\n");
}

/**
 * Turns a text into another one by replacing what lies between their common beginning and end: for a `<textarea>`, and
 * for whatever else knows only whole texts. Line ends that a field shows as line feeds stay what they are.
 */
export function replaceText(text: Y.Text, wanted: string): void {
  const goal = shown(wanted);
  const present = shown(text.toString());
  if (present === goal) return;
  const [start, until, inserted] = difference(present, goal);
  text.doc?.transact(() => {
    dropCarriages(text);
    if (until > start) text.delete(start, until - start);
    if (inserted !== "") text.insert(start, inserted);
  });
}

/** Turns a text into another one, a word at a time: for texts that were changed in several places. */
export function rewrite(text: Y.Text, goal: string): void {
  const changes = changesOf(shown(text.toString()), goal);
  if (changes.length === 0) return;
  text.doc?.transact(() => {
    dropCarriages(text);
    for (const { at, cut, insert } of changes.reverse()) {
      if (cut > 0) text.delete(at, cut);
      if (insert !== "") text.insert(at, insert);
    }
  });
}

/** What has to be replaced in `present` to make it `wanted`: from where, up to where, by what. */
export function difference(present: string, wanted: string): [start: number, until: number, inserted: string] {
  const isSame = (at: number, other: number) =>
    present[at] === wanted[other] || (present[at] === "\r" && wanted[other] === "\n");
  const room = Math.min(present.length, wanted.length);
  let start = 0;
  while (start < room && isSame(start, start)) start += 1;
  let end = 0;
  while (end < room - start && isSame(present.length - 1 - end, wanted.length - 1 - end)) end += 1;
  // Both halves of a surrogate pair stay together.
  if (start > 0 && isHighSurrogate(present.charCodeAt(start - 1))) start -= 1;
  if (end > 0 && isHighSurrogate(present.charCodeAt(present.length - end - 1))) end -= 1;
  return [start, present.length - end, wanted.slice(start, wanted.length - end)];
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/**
 * What differs between two texts, made for reading: whole lines first, then words inside of lines that were changed.
 *
 * @module
 */
import { diffLines, diffWordsWithSpace } from "diff";

/** A piece of a line. */
export interface Piece {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Lines in order, or unchanged lines that are left out. */
export type Row = { kind: "line"; pieces: Piece[] } | { kind: "skipped"; lines: number };

/** Unchanged lines that are shown around a change. */
const CONTEXT = 3;

/** Changed blocks above this many characters are compared by line alone: word by word takes too long. */
const WORDS_UP_TO = 20_000;

/** Compares by line after this long, in milliseconds, whatever is not found by then. */
const TIMEOUT_MS = 500;

/** The rows of the difference; none if the texts are equal. */
export function compare(before: string, after: string): Row[] {
  if (before === after) return [];
  const parts = diffLines(before, after, { timeout: TIMEOUT_MS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
  const rows: Row[] = [];
  parts.forEach((part, index) => {
    const next = parts[index + 1];
    if (part.added && parts[index - 1]?.removed) return; // told with the removal before it
    if (part.removed && next?.added) rows.push(...changed(part.value, next.value));
    else if (part.added) rows.push(...whole("added", part.value));
    else if (part.removed) rows.push(...whole("removed", part.value));
    else rows.push(...unchanged(part.value, index === 0, index === parts.length - 1));
  });
  return rows;
}

function whole(kind: Piece["kind"], text: string): Row[] {
  return linesOf(text).map((line) => ({ kind: "line", pieces: [{ kind, text: line }] }));
}

function unchanged(text: string, isFirst: boolean, isLast: boolean): Row[] {
  const lines = whole("same", text);
  const head = isFirst ? 0 : CONTEXT;
  const tail = isLast ? 0 : CONTEXT;
  const skipped = lines.length - head - tail;
  if (skipped < 2) return lines;
  return [...lines.slice(0, head), { kind: "skipped", lines: skipped }, ...lines.slice(lines.length - tail)];
}

function changed(before: string, after: string): Row[] {
  if (before.length + after.length > WORDS_UP_TO) return [...whole("removed", before), ...whole("added", after)];
  const rows: Row[] = [];
  let pieces: Piece[] = [];
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    const kind = added ? "added" : removed ? "removed" : "same";
    const lines = value.split("\n");
    lines.forEach((text, index) => {
      if (text !== "") pieces.push({ kind, text });
      if (index === lines.length - 1) return;
      rows.push({ kind: "line", pieces });
      pieces = [];
    });
  }
  if (pieces.length > 0) rows.push({ kind: "line", pieces });
  return rows;
}

function linesOf(text: string): string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/**
 * Making anew what is queued on a text, on top of what others wrote: a change that both sides made is there once. Yjs alone would
 * keep it twice, since it knows keys and not what they were typed for.
 *
 * @module
 */
import * as Y from "yjs";
import { changesOf, mergeTexts, uniteTexts } from "./merge.js";
import { append, putOperation, readQueueOf } from "./queue.js";
import type { Transaction } from "./store.js";
import { difference, normalize, plainText, ROOT } from "./text.js";
import { addRow, docFrom, mergeRows, readRows } from "./yjs-rows.js";

/**
 * Adds what the server has of a document to what is here. What is queued on it becomes, by one more edit, what it is in a
 * three-way merge of the texts.
 */
export async function takeUpdate(tx: Transaction, now: number, documentId: string, update: Uint8Array): Promise<void> {
  const rows = await readRows(tx, documentId);
  const known = mergeRows(rows.filter(({ operation }) => operation === undefined));
  const names = new Set(rows.flatMap(({ operation }) => operation ?? []));
  const queue = names.size === 0 ? [] : await readQueueOf(tx, documentId);
  const last = queue.at(-1);
  await addRow(tx, documentId, update);
  // What is in conflict or a dead letter is settled by somebody; a text that is to be deleted need not be right.
  const isQueued = [...names].every((name) => queue.some(({ client_id }) => client_id === name));
  if (!known || !last || !isQueued || last.operation === "delete") return;
  // Made while the others' keys were coming in: whoever typed the same as they did meant it.
  if (queue.every(({ client_id, live }) => live === true || !names.has(client_id))) return;
  const edit = remade(known, mergeRows(rows), update);
  if (!edit) return;
  // What was sent once must be sent again as it was: the edit follows it.
  const base = last.base_version === undefined ? {} : { base_version: last.base_version };
  const owner = last.sent
    ? await append(tx, now, { operation: "update", document_id: documentId, ...base, yjs: true })
    : last;
  if (!owner.yjs) await putOperation(tx, { ...owner, yjs: true });
  await addRow(tx, documentId, edit, owner.client_id);
}

/**
 * The edit that makes of both sides' keys what both sides meant; `undefined` if Yjs has made that already, or if there is
 * more than a plain text.
 *
 * @param known what both sides began with
 * @param here that, and what is queued
 * @param update what others made of it
 */
export function remade(known: Uint8Array, here: Uint8Array | undefined, update: Uint8Array): Uint8Array | undefined {
  const docs = [[known], [here], [known, update], [here, update]].map((parts) => docOf(parts.filter((part) => part !== undefined)));
  try {
    const [base, mine, theirs, present] = docs.map(plainText);
    const [common, local, server, union] = docs;
    // What others wrote leans on what is queued here: the server has had it, and only the answer is missing.
    if ([common, server].some((doc) => doc?.store.pendingStructs || doc?.store.pendingDs)) return undefined;
    if (base === undefined || mine === undefined || theirs === undefined || present === undefined) return undefined;
    if (!common || !local || !server || !union || base === theirs || base === mine) return undefined;
    const edits = editsOf(overlay(union, [common, local, server], [base, mine, theirs]));
    if (edits.length === 0) return undefined;
    let made: Uint8Array | undefined;
    union.on("update", (edit: Uint8Array) => (made = edit));
    const text = union.getText(ROOT);
    union.transact(() => {
      for (const [start, until, inserted] of edits.reverse()) {
        if (until > start) text.delete(start, until - start);
        if (inserted !== "") text.insert(start, inserted);
      }
    });
    return made;
  } finally {
    for (const doc of docs) doc.destroy();
  }
}

function docOf(parts: readonly Uint8Array[]): Y.Doc {
  const doc = docFrom(parts.length > 1 ? Y.mergeUpdates([...parts]) : parts[0]);
  normalize(doc);
  return doc;
}

type Edit = [start: number, until: number, inserted: string];

const BASE = 1;
const MINE = 2;
const THEIRS = 4;
const PRESENT = 8;
const TWICE = 16;
/** `BASE`, `MINE` and `THEIRS`. */
const KEPT = 7;
/** `PRESENT` or `TWICE`. */
const HERE = 24;

/**
 * Letters of all sides, in the order that Yjs gives them. The mark of each says which sides have it. `BASE`: both know it, so that who
 * does not have it has deleted it. `PRESENT`: it is in the text that Yjs makes of both. `TWICE`: it is too, and is to go.
 */
interface Overlay {
  text: string;
  marks: Uint8Array;
}

function overlay(union: Y.Doc, docs: readonly Y.Doc[], texts: readonly string[]): Overlay {
  const sides = docs.map((doc, n) => ({ ids: idsOf(doc), text: texts[n] ?? "", at: 0, mark: 1 << n }));
  const [letters, marks]: [string[], number[]] = [[], []];
  for (let item = union.getText(ROOT)._start; item; item = item.right) {
    const { client, clock } = item.id;
    // What was sent and has arrived, both know, though the answer may be missing.
    const shared = Math.min(...docs.slice(1).map(({ store }) => Y.getState(store, client)));
    for (let n = clock; n < clock + item.length; n += 1) {
      let [mark, letter] = [0, ""];
      for (const side of sides) {
        if (side.ids[side.at * 2] !== client || side.ids[side.at * 2 + 1] !== n) continue;
        mark |= side.mark;
        letter = side.text.charAt(side.at);
        side.at += 1;
      }
      if (mark === 0) continue;
      letters.push(letter);
      marks.push(mark | (item.deleted ? 0 : PRESENT) | (n < shared ? BASE : 0));
    }
  }
  return { text: letters.join(""), marks: Uint8Array.from(marks) };
}

/** The names that Yjs gives to the letters of a text: of each its client and its clock. */
function idsOf(doc: Y.Doc): number[] {
  const ids: number[] = [];
  for (let item = doc.getText(ROOT)._start; item; item = item.right) {
    if (item.deleted || !item.countable) continue;
    for (let n = 0; n < item.length; n += 1) ids.push(item.id.client, item.id.clock + n);
  }
  return ids;
}

/** The edits that make of the present text what both sides meant. */
function editsOf(all: Overlay): Edit[] {
  uniteTwins(all);
  const edits: Edit[] = [];
  let [at, passed] = [0, 0];
  for (const [from, until] of stretches(all)) {
    passed += textOf(part(all, at, from), HERE).length;
    at = from;
    const stretch = part(all, from, until);
    for (const [start, end, inserted] of editsTo(goalOf(stretch), stretch)) edits.push([passed + start, passed + end, inserted]);
  }
  return edits;
}

function part({ text, marks }: Overlay, from: number, until?: number): Overlay {
  return { text: text.slice(from, until), marks: marks.subarray(from, until) };
}

/** The letters that have any of these marks, and none of those. */
function textOf({ text, marks }: Overlay, some: number, none = 0): string {
  let made = "";
  marks.forEach((mark, at) => (made += mark & some && !(mark & none) ? text.charAt(at) : ""));
  return made;
}

function isKept(mark: number): boolean {
  return (mark & KEPT) === KEPT;
}

/** The stretches of lines that a side changed. A line that both kept as it was parts them. */
function* stretches({ text, marks }: Overlay): Generator<[from: number, until: number]> {
  let begin: number | undefined;
  let [line, isClean] = [0, true];
  for (let at = 0; at < text.length; at += 1) {
    const kept = isKept(marks[at] ?? 0);
    isClean &&= kept;
    if (!kept || text.charAt(at) !== "\n") continue;
    if (!isClean) begin ??= line;
    // Of an empty line nobody can say which of several it is.
    else if (at > line && begin !== undefined) {
      yield [begin, line];
      begin = undefined;
    }
    [line, isClean] = [at + 1, true];
  }
  if (!isClean) begin ??= line;
  if (begin !== undefined) yield [begin, text.length];
}

/**
 * What both sides put between the same letters, alike: it stays where it stands first, so that who goes on typing there does so behind
 * it. All of it has to be alike, or whole lines that it begins with: of two words that begin alike each is whole.
 */
function uniteTwins({ text, marks }: Overlay): void {
  let put: number[] = [];
  const unite = () => {
    const sides = put.map((at) => (marks[at] ?? 0) & MINE);
    const until = sides.findIndex((side) => side !== sides[0]);
    if (until > sides.lastIndexOf(sides[0] ?? 0)) {
      const letters = put.map((at) => text.charAt(at)).join("");
      const [one, other] = [letters.slice(0, until), letters.slice(until)];
      const alike = one === other ? until : linesAlike(one, other);
      for (const at of put.slice(0, alike)) marks[at] = KEPT | PRESENT;
      // A line of the first that has no end yet gets this one.
      const isOpen = alike > 0 && alike < until && !one.endsWith("\n");
      for (const at of put.slice(until, until + alike - Number(isOpen))) marks[at] = TWICE;
    }
    put = [];
  };
  marks.forEach((mark, at) => {
    if (!(mark & BASE)) put.push(at);
    else if (mark & (MINE | THEIRS)) unite();
  });
  unite();
}

/** How long the lines are that two texts begin with alike; 0 if they are empty ones. */
function linesAlike(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one.charAt(at) === other.charAt(at)) at += 1;
  const lines = one.slice(0, one.lastIndexOf("\n", at - 1) + 1);
  return lines.trim() === "" ? 0 : lines.length;
}

/** What is to stand in the place of a stretch. */
function goalOf(letters: Overlay): string {
  const [base, mine, theirs] = [textOf(letters, BASE), textOf(letters, MINE), textOf(letters, THEIRS)];
  const present = textOf(letters, PRESENT);
  if (base === mine || base === theirs) return present;
  const { text, clashes } = mergeTexts(base, mine, theirs);
  const goal = clashes || !isTypedTwice(letters, text) ? byWords(letters) : text;
  const [wanted, found] = [wordsIn(goal), wordsIn(present)];
  // Two words never become one, as of lines that both began with a line end.
  if (wanted.length < found.length && isSameLetters(wanted.join(""), found.join(""))) return present;
  if (!isSameLetters(goal, present)) return goal;
  // Where only the order differs, as of what both typed at one place, nobody's words are moved; unless what parted two of them is gone.
  const isParted = letters.marks.every((mark, at) => isKept(mark) || !(mark & BASE) || letters.text.charAt(at).trim() !== "");
  return isParted || wanted.length <= found.length ? present : goal;
}

/**
 * What was typed into the same words: all of it, as Yjs has put it, unless both replaced the same letters. Then these are two values,
 * and each is whole.
 */
function byWords(letters: Overlay): string {
  let made = "";
  let begin = 0;
  const close = (until: number) => {
    const word = part(letters, begin, until);
    const [base, mine, theirs] = [textOf(word, BASE), textOf(word, MINE), textOf(word, THEIRS)];
    const first = word.marks.find((mark) => !(mark & BASE)) ?? 0;
    if (!isReplaced(word) && mine !== theirs) made += textOf(word, PRESENT);
    else made += first & MINE ? uniteTexts(base, theirs, mine) : uniteTexts(base, mine, theirs);
    begin = until + 1;
  };
  letters.marks.forEach((mark, at) => {
    const letter = letters.text.charAt(at);
    if (!isKept(mark) || letter.trim() !== "") return;
    close(at);
    made += letter;
  });
  close(letters.text.length);
  return made;
}

/** Whether both sides put something in the place of the same letters, or one of them something where the other joined two words. */
function isReplaced(word: Overlay): boolean {
  const isGone = (mark: number) => (mark & KEPT) === BASE;
  if (/\s/.test(textOf(word, BASE))) return word.marks.some(isGone);
  let seen = 0;
  return word.marks.some((mark) => {
    if (isKept(mark)) seen = 0;
    else if (!(mark & BASE) || isGone(mark)) seen |= mark & KEPT;
    return seen === KEPT;
  });
}

/** Whether both sides typed what a text lacks of what is there. */
function isTypedTwice(letters: Overlay, text: string): boolean {
  const [mine, theirs, left] = [textOf(letters, MINE, BASE), textOf(letters, THEIRS, BASE), textOf(letters, PRESENT)];
  const count = (letter: string, of: string) => of.split(letter).length;
  return [...new Set(left.replace(/\s/g, ""))].every(
    (letter) => count(letter, left) - count(letter, text) < Math.min(count(letter, mine), count(letter, theirs)),
  );
}

/**
 * The edits that make the present text of these letters the one that is wanted, in order. They leave alone the server's letters that
 * stay: of what is there twice, every device takes away its own, so that they agree though none has heard of the others.
 */
function editsTo(goal: string, letters: Overlay): Edit[] {
  const present = textOf(letters, HERE);
  if (present === goal) return [];
  const places = placesIn(goal, textOf(letters, THEIRS));
  const edits: Edit[] = [];
  let [from, goalFrom, at, found] = [0, 0, 0, 0];
  const close = (until: number, goalUntil: number) => {
    const [start, end, inserted] = difference(present.slice(from, until), goal.slice(goalFrom, goalUntil));
    if (end > start || inserted !== "") edits.push([from + start, from + end, inserted]);
  };
  for (const mark of letters.marks) {
    const place = mark & THEIRS ? (places[found] ?? -1) : -1;
    if (mark & HERE && place >= 0) {
      close(at, place);
      [from, goalFrom] = [at + 1, place + 1];
    }
    found += Number((mark & THEIRS) > 0);
    at += Number((mark & HERE) > 0);
  }
  close(present.length, goal.length);
  return edits;
}

/** Where each letter of the server's text is in the wanted one; -1 if it is not. */
function placesIn(goal: string, theirs: string): number[] {
  const places: number[] = [];
  let place = 0;
  for (const { at, cut, insert } of [...changesOf(theirs, goal), { at: theirs.length, cut: 0, insert: "" }]) {
    while (places.length < at) places.push(place++);
    for (let n = 0; n < cut; n += 1) places.push(-1);
    place += insert.length;
  }
  return places;
}

function isSameLetters(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => [...text].sort().join(""));
  return first === second;
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

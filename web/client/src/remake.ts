/**
 * Making anew what is queued on a text, on top of what others wrote: a change that both sides made is there once. Yjs alone would
 * keep it twice, since it knows keys and not what they were typed for.
 *
 * @module
 */
import * as Y from "yjs";
import { changesOf, uniteTexts } from "./merge.js";
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
    const [common, , server, union] = docs;
    // What others wrote leans on what is queued here: the server has had it, and only the answer is missing.
    if ([common, server].some((doc) => doc?.store.pendingStructs || doc?.store.pendingDs)) return undefined;
    if (base === undefined || mine === undefined || theirs === undefined || present === undefined) return undefined;
    if (!server || !union || base === theirs || base === mine) return undefined;
    const goal = uniteTexts(base, mine, theirs);
    // Where only the order differs, as of what both typed at one place, nobody's words are moved.
    if (isSameLetters(goal, present)) return undefined;
    let made: Uint8Array | undefined;
    union.on("update", (edit: Uint8Array) => (made = edit));
    const text = union.getText(ROOT);
    union.transact(() => {
      for (const [start, until, inserted] of editsTo(goal, { text, present }, { text: server.getText(ROOT), theirs }).reverse()) {
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

/**
 * The edits that make the united text the one that is wanted, in order. They leave alone the server's letters that stay: of what
 * is there twice, every device takes away its own, so that they agree though none has heard of the others.
 */
function editsTo(
  goal: string,
  { text, present }: { text: Y.Text; present: string },
  { text: serverText, theirs }: { text: Y.Text; theirs: string },
): [start: number, until: number, inserted: string][] {
  const places = placesIn(goal, theirs);
  const [here, server] = [letters(text, present.length), letters(serverText, theirs.length)];
  const edits: [number, number, string][] = [];
  let [from, goalFrom, next] = [0, 0, 0];
  const close = (until: number, goalUntil: number) => {
    const [part, wanted] = [present.slice(from, until), goal.slice(goalFrom, goalUntil)];
    if (part === wanted) return;
    const [start, end, inserted] = difference(part, wanted);
    edits.push([from + start, from + end, inserted]);
  };
  for (let at = 0; at < present.length; at += 1) {
    // The server's letters are here in the same order, but for those that are deleted here.
    let found = next;
    while (found < theirs.length && !isSameLetter(here, at, server, found)) found += 1;
    if (found === theirs.length) continue;
    next = found + 1;
    const place = places[found] ?? -1;
    if (place < 0) continue;
    close(at, place);
    [from, goalFrom] = [at + 1, place + 1];
  }
  close(present.length, goal.length);
  return edits;
}

/** Where each letter of the server's text is in the wanted one; -1 if it is not. */
function placesIn(goal: string, theirs: string): Int32Array {
  const places = new Int32Array(theirs.length).fill(-1);
  let [at, place] = [0, 0];
  const keep = (until: number) => {
    for (; at < until; at += 1, place += 1) places[at] = place;
  };
  for (const { at: start, cut, insert } of changesOf(theirs, goal)) {
    keep(start);
    at += cut;
    place += insert.length;
  }
  keep(theirs.length);
  return places;
}

/** The names that Yjs gives to the letters of a text. */
interface Letters {
  clients: Float64Array;
  clocks: Float64Array;
}

function letters(text: Y.Text, length: number): Letters {
  const [clients, clocks] = [new Float64Array(length), new Float64Array(length)];
  let at = 0;
  for (let item = text._start; item; item = item.right) {
    if (item.deleted || !item.countable) continue;
    for (let n = 0; n < item.length; n += 1, at += 1) {
      clients[at] = item.id.client;
      clocks[at] = item.id.clock + n;
    }
  }
  return { clients, clocks };
}

function isSameLetter(one: Letters, at: number, other: Letters, place: number): boolean {
  return one.clients[at] === other.clients[place] && one.clocks[at] === other.clocks[place];
}

function isSameLetters(one: string, other: string): boolean {
  return one === other || (one.length === other.length && [...one].sort().join("") === [...other].sort().join(""));
}

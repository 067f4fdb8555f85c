// Typing into the same words, without a live socket: every key is there once, in the order in which it was typed.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { ROOT } from "../src/index.js";
import { remade } from "../src/remake.js";
import { rewrite } from "../src/text.js";

/** A device with a document open, what it knows of the server's, and what is queued. */
class Device {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText(ROOT);
  typed = "";
  /** How often what was queued was made anew. */
  remakes = 0;
  #known: Uint8Array;
  #queued: Uint8Array[] = [];
  #cursor: Y.RelativePosition;

  constructor(name: number, known: Uint8Array, cursor = 0) {
    this.doc.clientID = name;
    this.#known = known;
    Y.applyUpdate(this.doc, known);
    this.doc.on("update", (update: Uint8Array, origin: unknown) => origin !== "synced" && this.#queued.push(update));
    this.#cursor = this.#positionAt(Math.min(cursor, this.text.length));
  }

  /** Behind the letter before: a cursor that stays there whatever others write. */
  #positionAt(index: number): Y.RelativePosition {
    return Y.createRelativePositionFromTypeIndex(this.text, index, -1);
  }

  type(key: string): void {
    const { index } = Y.createAbsolutePositionFromRelativePosition(this.#cursor, this.doc) ?? { index: 0 };
    this.text.insert(index, key);
    this.#cursor = this.#positionAt(index + 1);
    this.typed += key;
  }

  pull(server: Y.Doc, isWhole = false): void {
    const here = Y.mergeUpdates([this.#known, ...this.#queued]);
    const update = Y.encodeStateAsUpdate(server, isWhole ? undefined : Y.encodeStateVectorFromUpdate(here));
    const edit = this.#queued.length === 0 ? undefined : remade(this.#known, here, update);
    this.#known = Y.mergeUpdates([this.#known, update]);
    Y.applyUpdate(this.doc, update, "synced");
    if (!edit) return;
    this.remakes += 1;
    Y.applyUpdate(this.doc, edit, "synced");
    this.#queued.push(edit);
  }

  /** @param isLost whether the answer is: then all of it is sent again */
  push(server: Y.Doc, isLost = false): void {
    if (this.#queued.length === 0) return;
    const update = Y.mergeUpdates(this.#queued);
    Y.applyUpdate(server, update);
    if (isLost) return;
    this.#known = Y.mergeUpdates([this.#known, update]);
    this.#queued = [];
  }
}

function serverWith(text: string): { server: Y.Doc; known: Uint8Array } {
  const server = new Y.Doc();
  server.clientID = 1;
  server.getText(ROOT).insert(0, text);
  return { server, known: Y.encodeStateAsUpdate(server) };
}

interface Step {
  who: number;
  keys: number;
  then: "nothing" | "sync" | "pull" | "pull whole" | "push" | "push, answer lost";
}

const steps = fc.array(
  fc.record<Step>({
    who: fc.integer({ min: 0, max: 2 }),
    keys: fc.integer({ min: 0, max: 3 }),
    then: fc.constantFrom("nothing", "sync", "sync", "pull", "pull whole", "push", "push, answer lost"),
  }),
  { maxLength: 14 },
);
const texts = fc.constantFrom("word", "a word here\n", "", "word\n", "- [ ] word\n\nword\n");
const cursors = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 3 });

/** What two or three devices have typed, and what everybody has in the end. */
function play(base: string, at: number[], typing: string[], moves: Step[]): { devices: Device[]; text: string } {
  const { server, known } = serverWith(base);
  const devices = at.map((cursor, n) => new Device(n + 2, known, cursor));
  for (const { who, keys, then } of moves) {
    const n = who % devices.length;
    const device = devices[n] as Device;
    for (const key of typing[n]?.slice(device.typed.length).slice(0, keys) ?? "") device.type(key);
    if (then.startsWith("pull") || then === "sync") device.pull(server, then === "pull whole");
    if (then.startsWith("push") || then === "sync") device.push(server, then === "push, answer lost");
  }
  for (const device of [...devices, ...devices, ...devices]) {
    device.pull(server);
    device.push(server);
  }
  const text = server.getText(ROOT).toString();
  for (const device of devices) expect(device.text.toString()).toBe(text);
  return { devices, text };
}

/** Whether these letters are in a text, in this order. */
function isIn(letters: string, text: string): boolean {
  let at = 0;
  for (const letter of text) if (letter === letters[at]) at += 1;
  return at === letters.length;
}

const sorted = (text: string): string => [...text].sort().join("");

describe("typing into one word, with syncs at any moment", () => {
  test("every letter is there once, in order, and nothing is made anew", () => {
    const typing = ["laptopnewskidyu", "PHONEWRITSACKLQ", "αβγδεζηθικλμνξο"].map((keys) => [...new Set(keys)].join(""));
    fc.assert(
      fc.property(texts, cursors, steps, (base, at, moves) => {
        const { devices, text } = play(base, at, typing, moves);
        for (const { typed } of devices) expect(isIn(typed, text), `${typed} in ${text}`).toBe(true);
        expect(sorted(text)).toBe(sorted(base + devices.map(({ typed }) => typed).join("")));
        for (const { remakes } of devices) expect(remakes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("of letters that all type, none is lost and none is there oftener than it was typed", () => {
    const typing = ["hello low ho\n well", "hell lo woe\nhollow", "ow wolloh e\nlol oh"];
    const count = (letter: string, text: string): number => text.split(letter).length - 1;
    fc.assert(
      fc.property(texts, cursors, steps, (base, at, moves) => {
        const { devices, text } = play(base, at, typing, moves);
        for (const { typed } of devices) expect(isIn(typed.replace(/\s/g, ""), text), `${typed} in ${text}`).toBe(true);
        const all = base + devices.map(({ typed }) => typed).join("");
        for (const letter of new Set(text.replace(/\s/g, ""))) {
          expect(count(letter, text), `${letter} in ${text}`).toBeLessThanOrEqual(count(letter, all));
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** A change key by key: the letter at a place that goes, or what is typed there. */
type Key = [at: number, typed?: string];

/** What comes of two devices' changes, the first of them pushed before the second one pulls; whichever of them Yjs puts first. */
function meeting(base: string, theirs: string | Key[], mine: string | Key[], names: [number, number]): string {
  const { server, known } = serverWith(base);
  const devices = names.map((name) => new Device(name, known));
  const [there, here] = devices as [Device, Device];
  for (const [device, change] of [[there, theirs], [here, mine]] as const) {
    if (typeof change === "string") rewrite(device.text, change);
    else for (const [at, typed] of change) typed === undefined ? device.text.delete(at, 1) : device.text.insert(at, typed);
  }
  for (const device of [there, here, there]) {
    device.pull(server);
    device.push(server);
  }
  expect(there.text.toString()).toBe(here.text.toString());
  return here.text.toString();
}

describe.each([[[2, 3] as [number, number]], [[3, 2] as [number, number]]])("devices %j", (names) => {
  test.each<[string, string, string | Key[], string | Key[], string[]]>([
    ["both mend a word by keys", "Mend teh word.\n", [[6, "h"], [8]], [[7], [6, "h"]], ["Mend the word.\n"]],
    ["one by keys, one as a word", "Mend teh word.\n", [[6, "h"], [8]], "Mend the word.\n", ["Mend the word.\n"]],
    ["both add the letter that is lacking", "adress\n", [[2, "d"]], [[2, "d"]], ["address\n"]],
    ["both tick by keys, one types on", "- [ ] milk\n", [[3], [3, "x"]], [[3], [3, "x"], [10, "!"]], ["- [x] milk!\n"]],
    ["one mends a word that the other adds to", "teh\n", "the\n", [[3, "s"]], ["thes\n", "sthe\n"]],
    ["both take away a letter, one adds another", "helloo\n", [[5]], [[5], [5, "s"]], ["hellos\n"]],
    ["both put something else for a letter", "hello\n", [[4], [4, "X"]], [[4], [4, "Y"]], ["hellX hellY\n", "hellY hellX\n"]],
    ["another date by each, by keys", "2024-01-01\n", [[9], [8], [8, "1"], [9, "2"]], [[9], [8], [8, "1"], [9, "1"]],
      ["2024-01-12 2024-01-11\n", "2024-01-11 2024-01-12\n"]],
    ["different letters in one word", "word\n", [[2, "X"]], [[2, "a"], [3, "b"]], ["woXabrd\n", "woabXrd\n"]],
    ["different letters, the one's by whole texts", "word\n", "wordX\n", [[2, "a"]], ["wordXa\n", "awordX\n", "woardX\n"]],
    ["different values", "status: draft\n", "status: published\n", "status: one\n", ["status: published one\n", "status: one published\n"]],
    ["one heading, a line by each", "# Log\n", "# Log\n\n## Monday\n- mine\n", "# Log\n\n## Monday\n- yours\n",
      ["# Log\n\n## Monday\n- mine\n- yours\n", "# Log\n\n## Monday\n- yours\n- mine\n"]],
    ["one heading, lines that go on", "# Log\n\n", [[7, "## Monday\n- mi"]], [[7, "## Monday\n- yo"]],
      ["# Log\n\n## Monday\n- mi\n- yo", "# Log\n\n## Monday\n- yo\n- mi"]],
    ["an empty line and words by each", "end\n", [[4, "\nfoo"]], [[4, "\nbar"]], ["end\n\nfoo\nbar", "end\n\nbar\nfoo"]],
  ])("%s", (_what, base, theirs, mine, merged) => {
    expect(merged).toContain(meeting(base, theirs, mine, names));
  });
});

// A change that both sides made is there once, whatever was queued when the other one arrived.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { BatchSyncService, MemoryStore, ROOT, type ClientOptions, type SyncReport } from "../src/index.js";
import { mergeTexts, uniteTexts } from "../src/merge.js";
import { remade } from "../src/remake.js";
import { rewrite } from "../src/text.js";
import { losing, TestServer } from "./support/server.js";

/** What a side does to the line with this number. */
type Change = { delete: true } | { replace: number } | { insert: number };

const changes = fc.dictionary(
  fc.integer({ min: 0, max: 11 }).map(String),
  fc.oneof(
    fc.constant<Change>({ delete: true }),
    fc.integer({ min: 0, max: 3 }).map((replace): Change => ({ replace })),
    fc.integer({ min: 0, max: 3 }).map((insert): Change => ({ insert })),
  ),
  { maxKeys: 4 },
);

/** A text of twelve lines with words that stand nowhere else, after these changes. Equal changes make equal lines. */
function textAfter(changed: Record<string, Change>): string {
  const line = (n: number): string => {
    const change = changed[n];
    if (!change) return `base${n}\n`;
    if ("delete" in change) return "";
    return "replace" in change ? `other${n}x${change.replace}\n` : `new${n}x${change.insert}\nbase${n}\n`;
  };
  return Array.from({ length: 12 }, (_, n) => line(n)).join("");
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "").sort();

/** What has to be there: of the base what both kept, and once whatever is new on either side. */
function expected(base: string, mine: string, theirs: string): string[] {
  const [one, other] = [wordsOf(mine), wordsOf(theirs)];
  const kept = wordsOf(base).filter((word) => one.includes(word) && other.includes(word));
  return [...kept, ...new Set([...one, ...other].filter((word) => !word.startsWith("base")))].sort();
}

const runs = { numRuns: 2000 };

describe("the merge of texts", () => {
  test("loses and doubles no word", () => {
    const base = textAfter({});
    fc.assert(
      fc.property(changes, changes, (one, other) => {
        const [mine, theirs] = [textAfter(one), textAfter(other)];
        const clean = mergeTexts(base, mine, theirs);
        if (!clean.clashes) expect(wordsOf(clean.text)).toEqual(expected(base, mine, theirs));
        const united = uniteTexts(base, mine, theirs);
        if (!clean.clashes) expect(united).toBe(clean.text);
        // Where they clash nothing is lost, and what is there again was brought by both.
        const [words, wanted] = [wordsOf(united), expected(base, mine, theirs)];
        expect([...new Set(words)]).toEqual([...new Set(wanted)]);
      }),
      runs,
    );
  });

  test("of one side alone is that side, and of two alike either", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "😀"), maxLength: 30 });
    fc.assert(
      fc.property(text, text, text, (base, mine, theirs) => {
        expect(uniteTexts(base, mine, base)).toBe(mine);
        expect(uniteTexts(base, base, theirs)).toBe(theirs);
        expect(uniteTexts(base, mine, mine)).toBe(mine);
        // Nor is anything invented but a space between two values.
        const letters = new Set(`${mine}${theirs} `);
        expect([...uniteTexts(base, mine, theirs)].every((letter) => letters.has(letter))).toBe(true);
      }),
      runs,
    );
  });

  test.each([
    ["Hello", "Hello brave", "Hello new", "Hello new brave"],
    ["Hello", "Hellos", "Hello there", "Hellos there"],
    ["he", "hell", "help", "helpll"],
    ["Mend teh word.\n", "Mend thehe word.\nAnd.\n", "Mend the word.\nMore.\n", "Mend the thehe word.\nMore.\nAnd.\n"],
    ["status: draft\n", "status: one\n", "status: published\n", "status: published one\n"],
    ["date: 2024-01-01\n", "date: 2024-05-11\n", "date: 2024-05-12\n", "date: 2024-05-12 2024-05-11\n"],
    ["keep\n\nold words stand here\n\nend\n", "keep\n\nend\n", "keep\n\nold words sit here\n\nend\n", "keep\n\nsit\nend\n"],
  ])("%j, %j, %j", (base, mine, theirs, united) => {
    expect(uniteTexts(base, mine, theirs)).toBe(united);
  });
});

/** A device's Yjs document that goes on from a state. */
function device(clientID: number, state?: Uint8Array): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = clientID;
  if (state) Y.applyUpdate(doc, state);
  return doc;
}

const textIn = (doc: Y.Doc): string => doc.getText(ROOT).toString();

describe("what is queued", () => {
  test("on random texts: no word is lost or doubled, on any device, in any order", () => {
    const base = textAfter({});
    const server = device(1);
    server.getText(ROOT).insert(0, base);
    const known = Y.encodeStateAsUpdate(server);
    fc.assert(
      fc.property(changes, changes, fc.boolean(), (one, other, isSwapped) => {
        const [mine, theirs] = [textAfter(one), textAfter(other)];
        const [here, there] = isSwapped ? [device(3, known), device(2, known)] : [device(2, known), device(3, known)];
        rewrite(here.getText(ROOT), mine);
        rewrite(there.getText(ROOT), theirs);
        const update = Y.encodeStateAsUpdate(there);
        const edit = remade(known, Y.encodeStateAsUpdate(here), update);
        Y.applyUpdate(here, update);
        if (edit) Y.applyUpdate(here, edit);
        // What is pushed then, the other device takes in as it is.
        Y.applyUpdate(there, Y.encodeStateAsUpdate(here));
        const [words, wanted] = [wordsOf(textIn(here)), expected(base, mine, theirs)];
        if (mergeTexts(base, mine, theirs).clashes) expect([...new Set(words)]).toEqual([...new Set(wanted)]);
        else expect(words).toEqual(wanted);
        expect(textIn(there)).toBe(textIn(here));
      }),
      { numRuns: 500 },
    );
  });

  test("what is alike on three devices is there once, though two of them make it anew at the same time", () => {
    const base = textAfter({});
    const server = device(1);
    server.getText(ROOT).insert(0, base);
    const known = Y.encodeStateAsUpdate(server);
    fc.assert(
      fc.property(changes, (change) => {
        const wanted = textAfter(change);
        const devices = [device(2, known), device(3, known), device(4, known)];
        for (const doc of devices) rewrite(doc.getText(ROOT), wanted);
        const [first, ...others] = devices as [Y.Doc, Y.Doc, Y.Doc];
        const pushed = Y.encodeStateAsUpdate(first);
        for (const doc of others) {
          const edit = remade(known, Y.encodeStateAsUpdate(doc), pushed);
          Y.applyUpdate(doc, pushed);
          if (edit) Y.applyUpdate(doc, edit);
          expect(textIn(doc)).toBe(wanted);
        }
        for (const doc of others) Y.applyUpdate(first, Y.encodeStateAsUpdate(doc));
        expect(textIn(first)).toBe(wanted);
      }),
      { numRuns: 300 },
    );
  });
});

describe("two devices against the server", () => {
  let server: TestServer;
  let users = 0;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  async function devices(content: string, options: Partial<ClientOptions> = {}) {
    const name = `twice-${(users += 1)}`;
    const [laptop, phone] = [options, {}].map(
      (given) => new BatchSyncService({ url: server.url, store: new MemoryStore(), ...given }),
    ) as [BatchSyncService, BatchSyncService];
    await laptop.register(name, "correct horse battery");
    await phone.login(name, "correct horse battery");
    const id = await laptop.queueCreate({ title: "note", content });
    for (const each of [laptop, phone]) well(await each.sync());
    const [onLaptop, onPhone] = await Promise.all([laptop, phone].map((each) => each.openDocument(id)));
    return { id, laptop, phone, onLaptop: onLaptop as Y.Doc, onPhone: onPhone as Y.Doc };
  }

  function well(report: SyncReport): void {
    expect(report).toMatchObject({ status: "synced", again: 0, progress: { failed: 0, skipped: 0 } });
  }

  /** What both have in the end, and that it is the same on the server. */
  async function ends(id: string, ...all: BatchSyncService[]): Promise<string> {
    for (const each of [...all, ...all]) well(await each.sync());
    const texts = await Promise.all(all.map(async (each) => (await each.document(id))?.content));
    const [workspace] = await Promise.all(all.map(async (each) => (await each.status()).workspace_id));
    const held = await all[0]?.call<{ content: string }>("GET", `/api/v1/documents/${id}?workspace_id=${workspace}`);
    expect(new Set([...texts, held?.content]).size, JSON.stringify([texts, held?.content])).toBe(1);
    return texts[0] ?? "";
  }

  const set = (doc: Y.Doc, text: string) => rewrite(doc.getText(ROOT), text);

  test.each([
    ["both tick a box, one adds a line", "- [ ] milk\n", "- [x] milk\n", "- [x] milk\n- [ ] jam\n", "- [x] milk\n- [ ] jam\n"],
    ["both mend a word", "Mend teh word.\n", "Mend the word.\n", "Mend the word.\n", "Mend the word.\n"],
    ["both append the day's heading", "# Log\n", "# Log\n\n## Monday\n- mine\n", "# Log\n\n## Monday\n", "# Log\n\n## Monday\n- mine\n"],
    ["each sets another date", "date: 2024-01-01\n", "date: 2024-05-11\n", "date: 2024-05-12\n", "date: 2024-05-12 2024-05-11\n"],
  ])("%s", async (_what, base, mine, theirs, merged) => {
    const { id, laptop, phone, onLaptop, onPhone } = await devices(base);
    set(onPhone, theirs);
    well(await phone.sync());
    set(onLaptop, mine);
    await laptop.flush();
    // Of two values the one that Yjs puts first is the first.
    const other = merged.replace(/(\d\S+) (\d\S+)/, "$2 $1");
    const text = await ends(id, laptop, phone);
    expect([merged, other]).toContain(text);
    for (const doc of [onLaptop, onPhone]) expect(textIn(doc)).toBe(text);
  });

  test("by whole texts, in documents that nobody has open", async () => {
    const { id, laptop, phone, onLaptop, onPhone } = await devices("- [ ] milk\n- [ ] tea\n");
    for (const doc of [onLaptop, onPhone]) doc.destroy();
    await phone.queueUpdate(id, { content: "- [x] milk\n- [ ] tea\n" });
    well(await phone.sync());
    await laptop.queueUpdate(id, { content: "- [x] milk\n- [x] tea\n", title: "list" });
    expect(await ends(id, laptop, phone)).toBe("- [x] milk\n- [x] tea\n");
    expect((await phone.document(id))?.title).toBe("list");
  });

  test("an edit that was sent and whose answer was lost: sent again as it was, and the change is there once", async () => {
    let isAway = false;
    const { id, laptop, phone, onLaptop, onPhone } = await devices("Mend teh word.\n", {
      fetch: losing((path) => isAway && path.endsWith("/batch")),
      retries: 1,
    });
    set(onLaptop, "Mend the word.\n");
    isAway = true;
    expect((await laptop.sync()).status).toBe("offline");
    isAway = false;
    set(onPhone, "Mend the word.\nMore.\n");
    well(await phone.sync());
    set(onLaptop, "Mend the word.\nAnd.\n");
    const text = await ends(id, laptop, phone);
    expect(wordsOf(text)).toEqual(wordsOf("Mend the word.\nMore.\nAnd.\n"));
  });

  test("an edit that could not be sent at all: made anew behind it", async () => {
    let isAway = false;
    const fetching: ClientOptions["fetch"] = (input, init) =>
      isAway ? Promise.reject(new Error("no network")) : fetch(input, init);
    const { id, laptop, phone, onLaptop, onPhone } = await devices("- [ ] milk\n", { fetch: fetching, retries: 1 });
    isAway = true;
    set(onLaptop, "- [x] milk\n");
    expect((await laptop.sync({ direction: "push" })).status).toBe("offline");
    expect((await laptop.queued())[0]?.sent).toBe(true);
    set(onPhone, "- [x] milk\n");
    well(await phone.sync());
    isAway = false;
    expect(await ends(id, laptop, phone)).toBe("- [x] milk\n");
  });

  test("two who type into one word, and sync at any moment: each letter once, in order", async () => {
    const { id, laptop, phone, onLaptop, onPhone } = await devices("a word here\n");
    const typists = [
      { client: laptop, doc: onLaptop, keys: "bcfgijklmnpqstu", until: "o" },
      { client: phone, doc: onPhone, keys: "PHONEWRITSACKLQ", until: "w" },
    ];
    let syncs: Promise<SyncReport>[] = [];
    for (let n = 0; n < 15; n += 1) {
      for (const { client, doc, keys, until } of typists) {
        const text = doc.getText(ROOT);
        const before = n === 0 ? until : keys.charAt(n - 1);
        text.insert(textIn(doc).indexOf(before) + 1, keys.charAt(n));
        if ((n + Number(client === phone)) % 3 === 0) syncs.push(client.sync());
      }
      if (n % 4 === 3) {
        for (const { status } of await Promise.all(syncs)) expect(status).toBe("synced");
        syncs = [];
      }
    }
    await Promise.all(syncs);
    const text = await ends(id, laptop, phone);
    for (const { keys } of typists) expect([...text].filter((letter) => keys.includes(letter)).join("")).toContain(keys);
    expect([...text].sort().join("")).toBe([...`a word here\n${typists.map(({ keys }) => keys).join("")}`].sort().join(""));
  });

  test("what is typed on while a push is under way", async () => {
    const { id, laptop, phone, onLaptop, onPhone } = await devices("a\n");
    for (let round = 0; round < 10; round += 1) {
      const pushing = [laptop.sync(), phone.sync()];
      for (const [who, doc] of [["laptop", onLaptop], ["phone", onPhone]] as const) {
        const text = doc.getText(ROOT);
        text.insert(text.length, `${who}${round} `);
      }
      for (const report of await Promise.all(pushing)) expect(report.status).toBe("synced");
    }
    const words = wordsOf(await ends(id, laptop, phone));
    const typed = ["laptop", "phone"].flatMap((who) => Array.from({ length: 10 }, (_, round) => `${who}${round}`));
    expect(words).toEqual(["a", ...typed].sort());
  });
});

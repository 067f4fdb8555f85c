import { expect, test } from "vitest";
import { compare, type Row } from "../src/difference/compare.ts";

/** Rows as text: `[+added+]`, `[-removed-]`, `… n`. */
function told(rows: Row[]): string[] {
  return rows.map((row) => {
    if (row.kind === "skipped") return `… ${row.lines}`;
    const mark = { same: "", added: "+", removed: "-" };
    return row.pieces.map(({ kind, text }) => (mark[kind] ? `[${mark[kind]}${text}${mark[kind]}]` : text)).join("");
  });
}

const numbered = (count: number, change: (line: string, index: number) => string = (line) => line): string =>
  Array.from({ length: count }, (_, index) => change(`line ${index + 1}`, index)).join("\n") + "\n";

test("equal texts differ in nothing", () => {
  expect(compare("one\ntwo\n", "one\ntwo\n")).toEqual([]);
});

test("a changed word is told inside of its line", () => {
  expect(told(compare("milk\nbrown bread\n", "milk\nwhite bread\n"))).toEqual(["milk", "[-brown-][+white+] bread"]);
});

test("lines that came and went are told whole", () => {
  expect(told(compare("a\nb\n", "a\nb\nc\n"))).toEqual(["a", "b", "[+c+]"]);
  expect(told(compare("a\nb\nc\n", "b\nc\n"))).toEqual(["[-a-]", "b", "c"]);
});

test("a text that begins, or ends, is all added, or all removed", () => {
  expect(told(compare("", "one\n"))).toEqual(["[+one+]"]);
  expect(told(compare("one\n", ""))).toEqual(["[-one-]"]);
});

test("what is far from every change is left out, and counted", () => {
  const rows = told(compare(numbered(40), numbered(40, (line, index) => (index === 20 ? "another" : line))));
  expect(rows[0]).toBe("… 17");
  expect(rows.at(-1)).toBe("… 16");
  expect(rows).toContain("line 20");
  expect(rows).toContain("line 22");
  expect(rows).not.toContain("line 10");
});

test("every character of both texts is in the rows of a difference without context", () => {
  const before = "alpha\n\nbeta gamma\ndelta";
  const after = "alpha beta\n\ngamma\ndelta\nepsilon";
  const pieces = compare(before, after).flatMap((row) =>
    row.kind === "line" ? [...row.pieces, { kind: "same" as const, text: "\n" }] : [],
  );
  const side = (without: string): string =>
    pieces
      .filter(({ kind }) => kind !== without)
      .map(({ text }) => text)
      .join("")
      .replace(/\s/g, "");
  expect(side("added")).toBe(before.replace(/\s/g, ""));
  expect(side("removed")).toBe(after.replace(/\s/g, ""));
});

test("a large block that was changed is compared by line", () => {
  const rows = told(compare("x ".repeat(15_000), "y ".repeat(15_000)));
  expect(rows).toHaveLength(2);
  expect(rows[0]?.startsWith("[-x")).toBe(true);
});

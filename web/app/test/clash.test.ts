// The words and rules of a conflict, apart from any page.
import type { Conflict } from "@landfall/client";
import { describe, expect, test } from "vitest";
import {
  choicesFor,
  copyTitle,
  explanationOf,
  isTaken,
  kindOf,
  markerLine,
  type Mine,
} from "../src/conflicts/clash.ts";

const mine: Mine = { title: "note", content: "mine\n", deleted: false, isRich: false };

function conflict(
  code: Conflict["error"]["code"],
  more: { pointer?: string; mineDeleted?: boolean; theirsDeleted?: boolean } = {},
): Conflict {
  const at = "2026-01-01T00:00:00.000Z";
  return {
    client_id: "1",
    document_id: "2",
    operation: {
      position: 1,
      client_id: "1",
      operation: "update",
      document_id: "2",
      yjs: false,
      sent: true,
      attempts: 0,
      queued_at: at,
    },
    error: {
      code,
      message: "said by the server",
      retryable: false,
      ...(more.pointer ? { pointer: more.pointer } : {}),
    },
    mine: { title: "note", deleted: more.mineDeleted ?? false },
    theirs: {
      document_id: "2",
      version: 2,
      title: "note",
      content: "theirs\n",
      created_at: at,
      updated_at: at,
      updated_by: "bob",
      deleted: more.theirsDeleted ?? false,
    },
    detected_at: at,
  };
}

describe("a kind of clash has words of its own", () => {
  test.each([
    [conflict("deleted", { theirsDeleted: true }), "Changed here, deleted there", /you changed .* bob deleted it/i],
    [
      conflict("version_mismatch", { mineDeleted: true }),
      "Deleted here, changed there",
      /you deleted .* bob changed it/i,
    ],
    [conflict("version_mismatch"), "Two texts", /you and bob changed the same lines/i],
    [conflict("version_mismatch", { pointer: "/operations/0/data/title" }), "Two titles", /another title/],
    [conflict("divergent_history"), "Begun twice", /stand there twice/],
    [conflict("already_exists"), "Begun twice", /different contents/],
    [conflict("internal"), "Two texts", /said by the server/],
  ])("%#", (each, kind, explanation) => {
    expect(kindOf(each)).toBe(kind);
    expect(explanationOf(each, "bob")).toMatch(explanation);
  });
});

test("only choices that fit are offered", () => {
  const plain = conflict("version_mismatch");
  expect(choicesFor(mine, plain)).toEqual({ canMerge: true, canCopy: true });
  expect(choicesFor({ ...mine, deleted: true }, plain)).toEqual({ canMerge: false, canCopy: false });
  expect(choicesFor({ ...mine, isRich: true }, plain)).toEqual({ canMerge: false, canCopy: true });
  expect(choicesFor(mine, conflict("deleted", { theirsDeleted: true }))).toEqual({ canMerge: false, canCopy: true });
});

describe("conflict markers", () => {
  const marked = "top\n<<<<<<< incoming\nmine\n=======\ntheirs\n>>>>>>> server\nend\n";

  test("the first that is left is found", () => {
    expect(markerLine(marked, ["mine\n", "theirs\n"])).toBe(1);
    expect(markerLine(marked.replace("<<<<<<< incoming\n", ""), [])).toBe(2);
    expect(markerLine("top\r\n>>>>>>> server\r\n", [])).toBe(1);
    expect(markerLine("mine\ntheirs\n", [])).toBe(-1);
  });

  test("a heading underlined by a side itself is none", () => {
    expect(markerLine("Heading\n=======\ntext\n", ["Heading\n=======\n", ""])).toBe(-1);
    expect(markerLine("Heading\n=======\ntext\n", ["text\n", ""])).toBe(1);
  });

  test("signs inside of a line are none", () => {
    expect(markerLine("a <<<<<<< b\n======== \n<<<<<<<<\n", [])).toBe(-1);
  });
});

test("the title of a copy is free, and keeps the ending of a file's name", () => {
  expect(copyTitle("note", [])).toBe("note (copy)");
  expect(copyTitle("note", ["Note (Copy)", "note (copy 2)"])).toBe("note (copy 3)");
  expect(copyTitle("trips/oslo.md", ["trips/oslo.md"])).toBe("trips/oslo (copy).md");
  expect(copyTitle(".md", [])).toBe(".md (copy)");
  expect(copyTitle("", [])).toBe(" (copy)");
  expect(isTaken(" NOTE ", ["note"])).toBe(true);
  expect(isTaken("note", ["notes"])).toBe(false);
});

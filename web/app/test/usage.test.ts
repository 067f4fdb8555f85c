import { expect, test } from "vitest";
import type { Statistics } from "@landfall/client/workspace";
import { figures, size } from "../src/sharing/usage.ts";

const syncs = { days: 30, runs: 0, operations: 0, failed: 0, conflicts: 0, median_duration_ms: null, median_operations_per_s: null };
const empty: Statistics = {
  documents: 0,
  deleted_documents: 0,
  text_bytes: 0,
  yjs_bytes: 0,
  history_bytes: 0,
  members: 1,
  documents_left: null,
  bytes_left: null,
  syncs,
};

test("sizes are said in the unit that fits", () => {
  const said = [0, 999, 1_000, 1_549, 120_400, 9_990_000, 3_000_000_000_000_000].map(size);
  expect(said).toEqual(["0 bytes", "999 bytes", "1 KB", "1.5 KB", "120 KB", "10 MB", "3,000 TB"]);
});

test("an empty workspace without a quota has few figures", () => {
  const names = figures(empty, String).map(([name]) => name);
  expect(names).toEqual(["Documents", "Stored", "Of that, in versions", "Members", "Syncs in the last 30 days"]);
});

test("what is left of a quota and what failed are said", () => {
  const used: Statistics = {
    ...empty,
    documents: 1_200,
    documents_left: 800,
    text_bytes: 1_000_000,
    yjs_bytes: 500_000,
    bytes_left: 2_000_000,
    syncs: { ...syncs, runs: 4, operations: 90, failed: 3, conflicts: 2, median_duration_ms: 1_500 },
  };
  const said = Object.fromEntries(figures(used, (milliseconds) => `${milliseconds} ms`));
  expect(said).toMatchObject({
    Documents: "1,200, room for 800 more",
    Stored: "1.5 MB, room for 2 MB more",
    "Changes in them": "90; 3 failed, 2 of them conflicts",
    "Typical sync": "1500 ms",
  });
});

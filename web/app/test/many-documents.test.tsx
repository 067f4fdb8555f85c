// A list of very many documents: as many rows as can be looked through, and a way to the others.
import { BatchSyncService, MemoryStore } from "@landfall/client";
import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { DocumentList } from "../src/documents/DocumentList.tsx";
import { field, show } from "./support.js";

// Roles of so many elements take a machine long to work out.
const rows = () => document.querySelectorAll("nav li").length;

test("further rows are drawn when they are asked for, and the search finds them all", async () => {
  const store = new MemoryStore();
  await store.transaction("write", async (tx) => {
    for (let n = 0; n < 1100; n += 1) {
      const [document_id, title] = [`d${n}`, `note ${String(n).padStart(4, "0")}`];
      await tx.put("documents", document_id, {
        ...{ document_id, title, kind: "yjs", version: 1, deleted: false, updated_by: "ada" },
        updated_at: "2026-11-22T09:00:00Z",
      });
    }
  });
  show(new BatchSyncService({ url: "http://none", store }), <DocumentList current={undefined} />);
  await screen.findByText("note 0000");
  expect(rows()).toBe(500);
  fireEvent.click(screen.getByText("Show more (600)"));
  expect(rows()).toBe(1000);
  fireEvent.click(screen.getByText("Show more (100)"));
  expect(rows()).toBe(1100);
  expect(screen.queryByText(/^Show more/)).toBeNull();
  fireEvent.change(field("Search titles"), { target: { value: "1099" } });
  await screen.findByText("note 1099");
  expect(rows()).toBe(1);
});

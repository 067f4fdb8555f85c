// What was deleted is brought back: at once, or from the list of what was deleted.
import { BatchSyncService, IndexedDbStore, ROOT } from "@landfall/client";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { newName } from "../../react/test/support.js";
import { deleteDocument } from "../src/documents/deletion.ts";
import { Root } from "../src/Root.tsx";
import { device, press, synced } from "./page.tsx";
import { contents } from "./support.tsx";
import { documents, openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage();

/** The documents of a user who is logged in to the editor, as another device of theirs has them. */
async function openWith(...titles: string[]): Promise<BatchSyncService> {
  const ada = newName();
  await openAs(ada, "Create account");
  const phone = await device(use.server.url, ada);
  for (const title of titles) await phone.queueCreate({ title, content: `About ${title}.` });
  await synced(phone);
  await press("Sync now");
  await waitFor(() => expect(documents()).toEqual(titles));
  return phone;
}

/** Opens a document from the list, and deletes it. */
async function remove(title: string): Promise<void> {
  const list = within(screen.getByRole("navigation", { name: "Documents" }));
  location.hash = list.getByRole("link", { name: new RegExp(`^${title}`) }).getAttribute("href") ?? "";
  await screen.findByDisplayValue(title);
  await press("Delete");
  await waitFor(() => expect(documents()).not.toContain(title));
  await waitFor(() => expect(location.hash).toBe("#/"));
}

const rows = (): (string | undefined)[] =>
  within(screen.getByRole("list", { name: "Deleted documents" }))
    .getAllByRole("link")
    .map(({ textContent }) => textContent ?? undefined);

test("a deletion is told, and undone with a button", async () => {
  const phone = await openWith("Course", "Stores");
  await remove("Course");
  const told = await screen.findByText("“Course” was deleted.");
  expect(told.getAttribute("role")).toBe("status");
  await screen.findByText(/^Synced/);
  await press("Undo");
  await waitFor(() => expect(documents()).toEqual(["Course", "Stores"]));
  await screen.findByDisplayValue("Course");
  expect(screen.queryByText("“Course” was deleted.")).toBeNull();
  expect(document.activeElement?.id).toBe("view");
  await waitFor(async () => {
    await phone.sync();
    expect(await contents(phone)).toEqual(["Course: About Course.", "Stores: About Stores."]);
  });
});

test("what never left this device comes back whole, and a notice can be dismissed", async () => {
  render(<Root />);
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  await remove("Untitled");
  await press("Undo");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  await remove("Untitled");
  await press("Dismiss");
  await waitFor(() => expect(screen.queryByText("“Untitled” was deleted.")).toBeNull());
  expect(documents()).toEqual([]);
});

test.each(["yjs", "text"] as const)("a document (%s) that the server never had keeps its text and its look", async (kind) => {
  const client = new BatchSyncService({ url: use.server.url, store: await IndexedDbStore.open(newName()) });
  const id = await client.queueCreate({ title: "Log", content: "Left at six.", kind });
  const doc = kind === "yjs" ? await client.openDocument(id) : undefined;
  doc?.getText(ROOT).format(0, 4, { bold: true });
  doc?.getText(ROOT).insert(12, " Wind west.");
  const [row] = await client.documents();
  if (!row) throw new Error("there is no document");
  const whole = doc?.getText(ROOT).toDelta() as unknown;
  const deletion = await deleteDocument(client, row, doc);
  doc?.destroy();
  expect(await client.documents()).toEqual([]);
  await deletion.undo();
  expect(await contents(client)).toEqual([kind === "yjs" ? "Log: Left at six. Wind west." : "Log: Left at six."]);
  if (doc) expect((await client.openDocument(id)).getText(ROOT).toDelta()).toEqual(whole);
  expect(await client.queued()).toMatchObject([{ operation: "create", document_id: id }]);
  await client.close();
});

test("what was deleted, here or elsewhere, is listed newest first, leads to its history, and comes back", async () => {
  const phone = await openWith("Course", "Stores", "Watches");
  await remove("Stores");
  await screen.findByText(/^Synced/);
  await phone.sync();
  const course = (await phone.documents()).find(({ title }) => title === "Course");
  await phone.queueDelete(course?.document_id ?? "");
  await synced(phone);
  await press("Sync now");
  await waitFor(() => expect(documents()).toEqual(["Watches"]));
  location.hash = "#/deleted";
  await screen.findByRole("heading", { name: "Deleted", level: 1 });
  await waitFor(() => expect(rows()).toEqual(["Course", "Stores"]));
  const link = screen.getByRole("link", { name: "Course" });
  expect(link.getAttribute("href")).toBe(`#/documents/${course?.document_id}/history`);

  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  expect(screen.getByText("“Stores” was deleted.")).toBeTruthy();
  await press("Bring back Stores");
  await screen.findByDisplayValue("Stores");
  await waitFor(() => expect(screen.queryByText("“Stores” was deleted.")).toBeNull());
  expect(documents()).toEqual(["Stores", "Watches"]);
  location.hash = "#/deleted";
  await waitFor(() => expect(rows()).toEqual(["Course"]));
  await press("Bring back Course");
  await screen.findByDisplayValue("Course");
  location.hash = "#/deleted";
  await screen.findByText("Nothing was deleted.");
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  await waitFor(async () => {
    await phone.sync();
    expect(await contents(phone)).toHaveLength(3);
  });
  expect(await contents(phone)).toContain("Stores: About Stores.");
});

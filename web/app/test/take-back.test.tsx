// Undoing a sync, and putting the workspace back to a moment, against the real server.
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { useServer } from "../../react/test/support.js";
import SyncsView from "../src/syncs/SyncsView.tsx";
import { device, fill, press, rowsOf, synced, written } from "./page.tsx";
import { show } from "./support.tsx";

const use = useServer();

test("a sync is undone after its preview, and what was written since stays", async () => {
  const laptop = await device(use.server.url);
  const id = await written(laptop, { title: "note", content: "one\n\ntwo\n" });
  await laptop.queueUpdate(id, { content: "ONE\n\ntwo\n" });
  await laptop.queueCreate({ title: "by mistake", content: "x\n", kind: "text" });
  await synced(laptop);
  await laptop.queueUpdate(id, { content: "ONE\n\ntwo and more\n" });
  await synced(laptop);
  show(laptop, <SyncsView />);
  await screen.findByRole("table", { name: "Past syncs" });
  expect(rowsOf("Past syncs")).toHaveLength(3);
  const [, second] = screen.getAllByRole("button", { name: /^Undo the sync of/ });
  second!.click();
  const dialog = await screen.findByRole("dialog", { name: /^Undo the sync of/ });
  const list = await within(dialog).findByRole("list", { name: "What would change" });
  expect(list.textContent).toContain("by mistake is deleted");
  expect(list.textContent).toMatch(/note gets its text back.*-ONE\n\+one/s);
  await press("Undo", dialog);
  await screen.findByText("2 documents put back.");
  await waitFor(async () => expect((await laptop.document(id))?.content).toBe("one\n\ntwo and more\n"));
  expect((await laptop.documents()).map(({ title }) => title)).toEqual(["note"]);
});

test("a workspace goes back to a moment; where nothing changed since, that is said", async () => {
  const laptop = await device(use.server.url);
  const id = await written(laptop, { title: "note", content: "one\n" });
  show(laptop, <SyncsView />);
  await screen.findByRole("button", { name: "Restore to…" });
  fill("Restore this workspace to", "2999-01-01T00:00:00");
  await press("Restore to…");
  const dialog = await screen.findByRole("dialog", { name: /^Restore to/ });
  await within(dialog).findByText(/Nothing has changed since/);
  await press("Leave it as it is", dialog);
  fill("Restore this workspace to", "2020-01-01T00:00:00");
  await press("Restore to…");
  const past = await screen.findByRole("dialog", { name: /^Restore to/ });
  await within(past).findByText("note");
  await press("Restore", past);
  await screen.findByText("1 document put back.");
  await waitFor(async () => expect(await laptop.document(id)).toBeUndefined());
});

// A document whose title has nothing to be seen is there to be pressed all the same.
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { newName } from "../../react/test/support.js";
import { shownTitle } from "../src/titles.ts";
import { device, press, synced } from "./page.tsx";
import { documents, openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage();

test("what has no title is called that", () => {
  expect(["", " \t", "Plan", " a "].map(shownTitle)).toEqual(["Untitled", "Untitled", "Plan", " a "]);
});

test("a document without a title has a name in the list, and among the deleted ones", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  const phone = await device(use.server.url, ada);
  const id = await phone.queueCreate({ title: "", content: "Something." });
  await synced(phone);
  await press("Sync now");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  // The next one can be told from it.
  await press("New document");
  await waitFor(() => expect(documents().sort()).toEqual(["Untitled", "Untitled 2"]));
  await phone.sync();
  await phone.queueDelete(id);
  await synced(phone);
  await press("Sync now");
  await waitFor(() => expect(documents()).toEqual(["Untitled 2"]));
  location.hash = "#/deleted";
  const list = within(await screen.findByRole("list", { name: "Deleted documents" }));
  expect(list.getByRole("link").textContent).toBe("Untitled");
  expect(list.getByRole("button").getAttribute("aria-label")).toBe("Bring back Untitled");
});

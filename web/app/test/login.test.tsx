// Logging in to the account whose documents this device has, however its name is typed.
import { IndexedDbStore } from "@landfall/client";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { newName } from "../../react/test/support.js";
import { Root } from "../src/Root.tsx";
import { device, press } from "./page.tsx";
import { documents, logIn, openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage();

test("a name in capitals opens the same documents, and sends what waits in them", async () => {
  const ada = newName();
  await openAs(ada.toUpperCase(), "Create account");
  await screen.findByTitle(`Logged in as ${ada}`);
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  await press("Log out");
  await press("Keep documents here");
  await screen.findByRole("button", { name: "Log in" });
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled", "Untitled 2"]));

  await logIn(ada.toUpperCase());
  expect(documents()).toEqual(["Untitled", "Untitled 2"]);
  const phone = await device(use.server.url, ada);
  await waitFor(async () => {
    await phone.sync();
    expect((await phone.documents()).map(({ title }) => title)).toEqual(["Untitled", "Untitled 2"]);
  });
  // What oneself wrote is nobody else's.
  expect(screen.queryByText("What others changed")).toBeNull();
});

test("a store that was kept under a name in capitals is opened, with what waits in it", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  await press("Log out");
  await press("Keep documents here");
  await screen.findByRole("button", { name: "Log in" });
  await press("New document");
  await waitFor(() => expect(documents()).toHaveLength(2));
  cleanup();

  const { current } = JSON.parse(localStorage.getItem("landfall.accounts") ?? "") as { current: string };
  const kept = { current, stores: { [ada.toUpperCase()]: current } };
  localStorage.setItem("landfall.accounts", JSON.stringify(kept));
  const store = await IndexedDbStore.open(current);
  await store.transaction("write", (tx) => tx.put("meta", "username", ada.toUpperCase()));
  await store.close();
  render(<Root />);
  await waitFor(() => expect(documents()).toHaveLength(2));
  await logIn(ada);
  await screen.findByTitle(`Logged in as ${ada}`);
  await screen.findByText(/^Synced/);
  expect(documents()).toHaveLength(2);
});

test("logging out on a shared computer can remove everything, after a warning about what was not sent", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  await press("New document");
  const phone = await device(use.server.url, ada);
  await waitFor(async () => {
    await phone.sync();
    expect(await phone.documents()).toHaveLength(1);
  });
  await screen.findByText(/^Synced/);
  const { current } = JSON.parse(localStorage.getItem("landfall.accounts") ?? "") as { current: string };
  await press("Log out");
  const dialog = await screen.findByRole("dialog", { name: "Log out?" });
  expect(dialog.textContent).not.toContain("not on the server yet");
  await press("Remove everything");
  await screen.findByRole("button", { name: "Log in" });
  await waitFor(() => expect(documents()).toEqual([]));
  expect(localStorage.getItem("landfall.accounts")).not.toContain(ada);
  await waitFor(async () => expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(current));
  // On the server nothing is gone.
  await logIn(ada);
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
});

// A workspace that one may only read: read to the last character, and nothing to write with.
import type { BatchSyncService } from "@landfall/client";
import { createWorkspace, setRole, type Role } from "@landfall/client/workspace";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { newClient, newName } from "../../react/test/support.js";
import { Root } from "../src/Root.tsx";
import { device, press, synced } from "./page.tsx";
import { documents, openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage();
const REASON = "You can read this workspace; to write, ask an owner.";

/** A workspace of somebody else's, with a document of each kind, open in the editor. */
interface Shared {
  let(role: Role): Promise<void>;
  /** The owner's device. */
  team: BatchSyncService;
}

async function openShared(role: Role): Promise<Shared> {
  const owner = await device(use.server.url);
  const { workspace_id: workspaceId } = await createWorkspace(owner, "Team plans");
  const token = (refresh: boolean): Promise<string | undefined> => owner.accessToken(refresh);
  const team = await newClient(use.server.url, { workspaceId, token });
  await team.queueCreate({ title: "Course", content: "north by west" });
  await team.queueCreate({ title: "Stores", content: "rope", kind: "text" });
  await synced(team);
  const grace = newName();
  await openAs(grace, "Create account");
  const shared: Shared = { team, let: async (next) => void (await setRole(owner, grace, next, { workspaceId })) };
  await shared.let(role);
  location.hash = "#/sharing";
  await press("Accept the invitation to Team plans");
  const row = await screen.findByRole("row", { name: /^Team plans/ });
  fireEvent.click(within(row).getByRole("button", { name: "Open" }));
  await screen.findByTitle("Workspace: Team plans");
  await waitFor(() => expect(documents()).toEqual(["Course", "Stores"]));
  return shared;
}

const fieldOf = (name: string): Promise<HTMLInputElement> => screen.findByRole("textbox", { name });

async function open(title: string): Promise<void> {
  const list = within(screen.getByRole("navigation", { name: "Documents" }));
  location.hash = list.getByRole("link", { name: new RegExp(`^${title}`) }).getAttribute("href") ?? "";
  await waitFor(async () => expect((await fieldOf("Title")).value).toBe(title));
}

/** The text in CodeMirror. */
async function code(): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector(".writing")?.shadowRoot?.querySelector<HTMLElement>(".cm-content");
    if (!found) throw new Error("there is no text");
    return found;
  });
}

test("a viewer reads, and is told once why nothing can be written", async () => {
  await openShared("viewer");
  expect(screen.getByText(REASON)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "New document" })).toBeNull();
  await open("Course");
  expect((await fieldOf("Title")).readOnly).toBe(true);
  expect((await code()).getAttribute("aria-readonly")).toBe("true");
  await waitFor(async () => expect((await code()).textContent).toBe("north by west"));
  expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  await press("Preview");
  expect((await screen.findByRole("region", { name: "Preview" })).textContent).toContain("north by west");
  await open("Stores");
  // The field is there before the text, which is read from the store.
  await waitFor(async () => {
    const text = (await fieldOf("Text")) as HTMLElement as HTMLTextAreaElement;
    expect([text.readOnly, text.value]).toEqual([true, "rope"]);
  });
  expect(screen.getAllByText(REASON)).toHaveLength(1);

  location.hash += "/history";
  const restore = await screen.findByRole<HTMLButtonElement>("button", { name: "Restore this version" });
  expect(restore.disabled).toBe(true);
  expect(document.getElementById(restore.getAttribute("aria-describedby") ?? "")?.textContent).toBe(REASON);
});

test("what the role is stays known without a network, and is learned anew when the server tells", async () => {
  const { let: become } = await openShared("viewer");
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  cleanup();
  render(<Root />);
  await waitFor(() => expect(documents()).toEqual(["Course", "Stores"]));
  expect(screen.getByText(REASON)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "New document" })).toBeNull();

  await become("editor");
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  await screen.findByRole("button", { name: "New document" });
  expect(screen.queryByText(REASON)).toBeNull();
  await open("Course");
  expect((await code()).getAttribute("aria-readonly")).toBeNull();
  expect((await fieldOf("Title")).readOnly).toBe(false);

  await become("viewer");
  location.hash = "#/sharing";
  await screen.findByText(/You are a viewer of “Team plans”/);
  await screen.findByText(REASON);
});

test("what was queued before somebody became a viewer stays, and is sent once they may write again", async () => {
  const { team, let: become } = await openShared("editor");
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Course", "Stores", "Untitled"]));
  await become("viewer");
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  await screen.findByText(REASON);
  await screen.findByText(/The server refused.*One change waits here/);
  expect(documents()).toEqual(["Course", "Stores", "Untitled"]);

  await become("editor");
  await press("Sync now");
  await screen.findByText(/^Synced/);
  await screen.findByRole("button", { name: "New document" });
  await synced(team);
  expect((await team.documents()).map(({ title }) => title)).toEqual(["Course", "Stores", "Untitled"]);
});

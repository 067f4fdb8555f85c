// Members and workspaces, in the whole editor: a page that is logged in to the real server.
import { IndexedDbStore } from "@landfall/client";
import { acceptInvitation, createWorkspace, listInvitations, listMembers, setRole } from "@landfall/client/workspace";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { newName, PASSWORD } from "../../react/test/support.js";
import { sharedStores } from "../src/accounts.ts";
import { Root } from "../src/Root.tsx";
import { device, fill, press, rowsOf } from "./page.tsx";
import { documents, openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage();

/** Goes to the view by its address. */
async function openSharing(): Promise<void> {
  location.hash = "#/sharing";
  await screen.findByRole("table", { name: "Workspaces" });
}

/** Opens a workspace from the table. */
async function enter(name: string): Promise<void> {
  await openSharing();
  const row = await screen.findByRole("row", { name: new RegExp(`^${name}`) });
  fireEvent.click(within(row).getByRole("button", { name: "Open" }));
}

/** What a store of this device keeps of a login. */
async function sessionIn(store: string): Promise<unknown> {
  const opened = await IndexedDbStore.open(store);
  const session = await opened.transaction("read", (tx) => tx.get("meta", "session"));
  await opened.close();
  return session;
}

test("an owner invites somebody who accepts, gives them another role, and removes them, asked first", async () => {
  const other = newName();
  const guest = await device(use.server.url);
  const { username: grace = "" } = await guest.status();
  const ada = newName();
  await openAs(ada, "Create account");
  await openSharing();
  await screen.findByRole("table", { name: "Members" });
  expect(rowsOf("Members").map(([name]) => name)).toEqual([`${ada} (you)`]);
  const usage = await screen.findByLabelText("Usage");
  expect(within(usage).getByText("Members").nextSibling?.textContent).toBe("1");

  // Whether there is somebody by the name, the server does not tell.
  fill("Username", other);
  await press("Add");
  await screen.findByText(new RegExp(`^${other} is invited to .* as an editor:`));
  await press(`Withdraw the invitation of ${other}`);
  await screen.findByText(`The invitation of ${other} is withdrawn.`);
  await waitFor(() => expect(screen.queryByRole("list", { name: "Open invitations" })).toBeNull());

  fill("Username", grace);
  fill("Role", "viewer");
  await press("Add");
  await screen.findByText(new RegExp(`^${grace} is invited to .* as a viewer:`));
  await within(await screen.findByRole("list", { name: "Open invitations" })).findByText(new RegExp(`^${grace} `));
  expect(rowsOf("Members")).toHaveLength(1);

  const [invitation] = await listInvitations(guest);
  expect(invitation).toMatchObject({ invited_by: ada, role: "viewer" });
  await acceptInvitation(guest, invitation?.workspace_id ?? "");
  location.hash = "#/deleted";
  await screen.findByRole("heading", { level: 1, name: "Deleted" });
  await openSharing();
  await screen.findByRole("table", { name: "Members" });
  await waitFor(() => expect(rowsOf("Members")).toHaveLength(2));
  expect(screen.queryByRole("list", { name: "Open invitations" })).toBeNull();

  fill(`What ${grace} may do`, "editor");
  await screen.findByText(new RegExp(`^${grace} is an editor`));
  await press(`Remove ${grace}`);
  const dialog = await screen.findByRole("dialog", { name: `Remove ${grace}?` });
  await press("Remove", dialog);
  await screen.findByText(`${grace} is no longer a member.`);
  await waitFor(() => expect(rowsOf("Members")).toHaveLength(1));

  fill(`What ${ada} may do`, "viewer");
  expect((await screen.findByRole("alert")).textContent).toContain("last owner");
  expect(screen.getByLabelText<HTMLSelectElement>(`What ${ada} may do`).value).toBe("owner");
});

test("a workspace that is made here is opened with a store of its own, and the account's login", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  await openSharing();
  fill("Name of a new workspace", "Team notes");
  await press("Make workspace");
  await screen.findByText(/“Team notes” is made/);
  await enter("Team notes");
  await screen.findByTitle("Workspace: Team notes");
  await screen.findByTitle(`Logged in as ${ada}`);
  await screen.findByText("No documents yet.");
  await press("New document");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));
  const [shared] = sharedStores(ada);
  expect(await sessionIn(shared?.home ?? "")).toMatchObject({ username: ada });
  expect(await sessionIn(shared?.store ?? "")).toBeUndefined();

  // As after a reload.
  cleanup();
  render(<Root />);
  await screen.findByTitle("Workspace: Team notes");
  await waitFor(() => expect(documents()).toEqual(["Untitled"]));

  await press("Log out");
  await press("Keep documents here");
  await screen.findByRole("button", { name: "Log in" });
  await waitFor(() => expect(screen.queryByTitle("Workspace: Team notes")).toBeNull());
  expect(await sessionIn(shared?.home ?? "")).toBeUndefined();
});

test("a viewer reads a workspace that was shared with them, and is told why they cannot share it", async () => {
  const owner = await device(use.server.url);
  const grace = newName();
  await openAs(grace, "Create account");
  const { workspace_id: workspaceId } = await createWorkspace(owner, "Team plans");
  await setRole(owner, grace, "viewer", { workspaceId });
  await openSharing();
  await press("Accept the invitation to Team plans");
  await screen.findByText("You are a viewer of “Team plans” now.");
  await enter("Team plans");
  await screen.findByTitle("Workspace: Team plans");
  await openSharing();
  await screen.findByText(/You are a viewer of “Team plans”/);
  expect(screen.queryByRole("table", { name: "Members" })).toBeNull();
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Add" }).disabled).toBe(true);
  expect(screen.getByText("Only an owner can add somebody.")).toBeTruthy();
  expect(await listMembers(owner, { workspaceId })).toHaveLength(2);
  await enter("Notes");
  await waitFor(() => expect(screen.queryByTitle("Workspace: Team plans")).toBeNull());
});

test("offline, the workspaces that were opened here can be opened all the same", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  await openSharing();
  fill("Name of a new workspace", "Team notes");
  await press("Make workspace");
  await enter("Team notes");
  await screen.findByTitle("Workspace: Team notes");
  await openSharing();
  fireEvent.click(screen.getByRole("switch", { name: "Work offline" }));
  await screen.findByText(/You chose to work offline/);
  await enter(ada);
  await waitFor(() => expect(screen.queryByTitle("Workspace: Team notes")).toBeNull());
  expect(screen.getByRole<HTMLInputElement>("switch", { name: "Work offline" }).checked).toBe(true);
});

test("a session that ended is begun anew in the workspace that is open, in the account's own store", async () => {
  const ada = newName();
  await openAs(ada, "Create account");
  await openSharing();
  fill("Name of a new workspace", "Team notes");
  await press("Make workspace");
  await enter("Team notes");
  await screen.findByTitle("Workspace: Team notes");
  const [shared] = sharedStores(ada);
  const home = await IndexedDbStore.open(shared?.home);
  const ended = { username: ada, access_token: "ended", refresh_token: "ended" };
  await home.transaction("write", (tx) => tx.put("meta", "session", ended));
  await home.close();
  await press("Sync now");
  await press("Log in");
  const dialog = await screen.findByRole("dialog", { name: "Log in" });
  fill("Password", PASSWORD, dialog);
  fireEvent.click(within(dialog).getByRole("button", { name: "Log in" }));
  await screen.findByText(/^Synced/);
  expect(screen.getByTitle("Workspace: Team notes")).toBeTruthy();
  await screen.findByRole("button", { name: "Log out" });
  expect(await sessionIn(shared?.store ?? "")).toBeUndefined();
});

/** A workspace of several people: what each of them may do in it, and what stays theirs when they are taken out. */
import type { Page } from "@playwright/test";
import type { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, onBoth, test, type Device } from "../support/fixtures.js";

/** Ada with a document in her workspace, and Bob on a device of his own. */
interface Pair {
  ada: Account;
  bob: Account;
  hers: Device;
  his: Device;
}

type Making = { server: Parameters<typeof Account.register>[0]; newDevice: () => Promise<Device> };

async function both({ server, newDevice }: Making): Promise<Pair> {
  const [ada, bob] = [await Account.register(server, "ada"), await Account.register(server, "bob")];
  const [hers, his] = [await newDevice(), await newDevice()];
  for (const [{ editor }, { credentials }] of [[hers, ada], [his, bob]] as const) {
    await editor.open();
    await editor.logIn(credentials);
    await editor.expectSynced();
  }
  await hers.editor.newDocument("Plan", "Sail at six.");
  await expect.poll(() => ada.texts()).toEqual({ Plan: "Sail at six." });
  return { ada, bob, hers, his };
}

/** Invites somebody by the form; they accept on their own page. */
async function share({ page, editor }: Device, username: string, his: Device, role: "editor" | "viewer"): Promise<void> {
  await editor.openView("Sharing");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Role", { exact: true }).selectOption(role);
  await editor.button("Add").click();
  await expect(page.getByText(`${username} is invited to`)).toBeVisible();
  await his.editor.openView("Sharing");
  await his.page.getByRole("button", { name: /^Accept the invitation/ }).click();
  await expect(his.page.getByText(/^You are an? .* now\.$/)).toBeVisible();
  await editor.openView("Deleted");
  await editor.openView("Sharing");
  await expect(members(page).getByRole("combobox", { name: `What ${username} may do` })).toHaveValue(role);
}

function members(page: Page) {
  return page.getByRole("table", { name: "Members" });
}

/** Opens the workspace that is shared with somebody, or their own again. */
async function openWorkspace(editor: Editor, which: "shared" | "own"): Promise<void> {
  await editor.openView("Sharing");
  const rows = editor.page.getByRole("table", { name: "Workspaces" }).getByRole("row");
  const row = which === "own" ? rows.filter({ hasText: "(your own)" }) : rows.filter({ hasNotText: "(your own)" });
  await row.getByRole("button", { name: "Open" }).click();
  await expect(editor.main.getByRole("heading", { level: 1 })).toContainText("Hello");
}

test("an editor of a shared workspace writes in it, and each sees the other's words at once", onBoth, async ({
  newDevice,
  server,
}) => {
  const { ada, bob, hers, his } = await both({ server, newDevice });
  await his.editor.newDocument("Bob's own", "Not for Ada.");
  await expect.poll(() => bob.texts()).toEqual({ "Bob's own": "Not for Ada." });
  await share(hers, "bob", his, "editor");

  await openWorkspace(his.editor, "shared");
  await his.editor.expectAllBadges("synced", 1);
  await his.editor.openDocument("Plan");
  await his.editor.expectText("Sail at six.");
  await hers.editor.openDocument("Plan");
  await his.editor.type(" Bring rope.");
  await hers.editor.expectText("Sail at six. Bring rope.");
  await expect(hers.page.getByText(/last synced change by bob/)).toBeVisible();
  await hers.editor.type(" And oil.");
  await his.editor.expectText("Sail at six. Bring rope. And oil.");
  await his.editor.newDocument("Crew", "Ada, Bob.");
  await hers.editor.expectBadge("Crew", "synced");
  await expect.poll(() => ada.texts()).toEqual({
    Crew: "Ada, Bob.",
    Plan: "Sail at six. Bring rope. And oil.",
  });

  await openWorkspace(his.editor, "own");
  await his.editor.expectAllBadges("synced", 1);
  await his.editor.openDocument("Bob's own");
  await his.editor.expectText("Not for Ada.");
  expect((await bob.documents()).map(({ title }) => title)).toEqual(["Bob's own"]);
});

test("a viewer reads along; what he wrote before is kept, and sent once he may write again", async ({
  newDevice,
  server,
}) => {
  const { ada, hers, his } = await both({ server, newDevice });
  his.complaints.expectStatus(403);
  await share(hers, "bob", his, "editor");
  await openWorkspace(his.editor, "shared");
  await his.editor.openDocument("Plan");
  await his.editor.expectText("Sail at six.");
  await his.editor.workOffline();
  await his.editor.type(" Or never.");

  const role = members(hers.page).getByRole("combobox", { name: "What bob may do" });
  await role.selectOption("viewer");
  await expect(hers.page.getByText(/^bob is a viewer/)).toBeVisible();
  await his.editor.workOnline();
  await expect(his.editor.sync).toContainText(/The server refused: .*viewer.*\. (One change waits|\d+ changes wait) here\./i);
  await expect(his.page.getByText("You can read this workspace; to write, ask an owner.")).toBeVisible();
  await expect(his.editor.text).toHaveAttribute("aria-readonly", "true");
  await expect(his.editor.button("New document")).toHaveCount(0);
  await his.editor.text.press("ControlOrMeta+End");
  await his.editor.text.pressSequentially("!");
  await his.editor.expectBadge("Plan", "pending");
  await his.editor.expectText("Sail at six. Or never.");
  expect(await ada.text("Plan")).toBe("Sail at six.");

  await role.selectOption("editor");
  await expect(hers.page.getByText(/^bob is an editor/)).toBeVisible();
  await his.editor.syncNow();
  await his.editor.expectBadge("Plan", "synced");
  await expect.poll(() => ada.text("Plan")).toBe("Sail at six. Or never.");
  await expect(his.editor.button("New document")).toBeVisible();
  await his.editor.type(" Or at seven.");
  await expect.poll(() => ada.text("Plan")).toBe("Sail at six. Or never. Or at seven.");
});

test("who is taken out can sync no more, and keeps what is his", async ({ newDevice, server }) => {
  const { ada, bob, hers, his } = await both({ server, newDevice });
  his.complaints.expectStatus(404);
  await his.editor.newDocument("Bob's own", "Not for Ada.");
  await expect.poll(() => bob.texts()).toEqual({ "Bob's own": "Not for Ada." });
  await share(hers, "bob", his, "editor");
  await openWorkspace(his.editor, "shared");
  await his.editor.openDocument("Plan");
  await his.editor.expectText("Sail at six.");

  await hers.editor.openView("Sharing");
  await members(hers.page).getByRole("button", { name: "Remove bob" }).click();
  await hers.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(members(hers.page).getByText("bob")).toHaveCount(0);
  await his.editor.type(" Bring rope.");
  await expect(his.editor.sync).toContainText("The server refused:");
  await his.editor.expectBadge("Plan", "pending");
  await hers.editor.openDocument("Plan");
  await hers.editor.type(" Without Bob.");
  await expect.poll(() => ada.texts()).toEqual({ Plan: "Sail at six. Without Bob." });
  await his.editor.expectText("Sail at six. Bring rope.");

  await his.editor.openView("Sharing");
  await expect(his.page.getByRole("alert").filter({ hasText: "You are not a member of the workspace" })).toBeVisible();
  await openWorkspace(his.editor, "own");
  await his.editor.openDocument("Bob's own");
  await his.editor.type(" Still mine.");
  await expect.poll(() => bob.texts()).toEqual({ "Bob's own": "Not for Ada. Still mine." });
  await his.editor.expectBadge("Bob's own", "synced");
});

/** What was deleted leads back: at once, by keyboard alone, and later, with no network. */
import { Account } from "../support/account.js";
import { expect, test } from "../support/fixtures.js";
import { FocusWalk } from "../support/focus.js";

test("a deletion is undone by keyboard alone", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  await ada.push([
    { operation: "create", client_id: "course", data: { title: "Course", content: "North by west." } },
    { operation: "create", client_id: "stores", data: { title: "Stores", content: "Rope." } },
  ]);
  const walk = new FocusWalk(page);
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.openDocument("Course");
  await walk.to(editor.button("Delete"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "“Course” was deleted." })).toBeVisible();
  await expect(editor.link("Course")).toHaveCount(0);
  await expect.poll(() => ada.texts()).toEqual({ Stores: "Rope." });

  await walk.backTo(editor.button("Undo"));
  await page.keyboard.press("Enter");
  await expect(editor.title).toHaveValue("Course");
  await expect(page.getByRole("main")).toBeFocused();
  await editor.expectText("North by west.");
  await expect.poll(() => ada.texts()).toEqual({ Course: "North by west.", Stores: "Rope." });
});

test("with no network, what was deleted is found after a reload, and comes back", async ({ device, server }) => {
  const { page, editor, complaints } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.expectInstalled();
  await editor.logIn(ada.credentials);
  await editor.newDocument("Course", "North by west.");
  await expect.poll(() => ada.texts()).toEqual({ Course: "North by west." });
  complaints.expectNoNetwork();
  await editor.goOffline();
  await editor.type(" Then north.");
  await editor.deleteDocument();
  await editor.newDocument("Draft", "On this device alone.");
  await editor.deleteDocument();
  await editor.button("Undo").click();
  await editor.expectText("On this device alone.");

  await editor.reload();
  await editor.openView("Deleted");
  await expect(page.getByRole("list", { name: "Deleted documents" }).getByRole("link")).toHaveText(["Course"]);
  await editor.button("Bring back Course").click();
  await editor.expectText("North by west. Then north.");
  await editor.goOnline();
  await expect.poll(() => ada.texts()).toEqual({
    Course: "North by west. Then north.",
    Draft: "On this device alone.",
  });
  await editor.expectAllBadges("synced", 2);
});

/** The account of who is logged in: another password, other logins, an end to it. */
import { Account } from "../support/account.js";
import { expect, onBoth, test } from "../support/fixtures.js";

test("somebody changes the password, ends a session, and deletes the account", onBoth, async ({ newDevice, server }) => {
  const ada = await Account.register(server, "ada");
  const { page, editor } = await newDevice();
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.expectSynced();
  await editor.openView("Account");
  const sessions = page.getByRole("table", { name: "Sessions" });
  await expect(sessions.getByText("(this one)")).toHaveCount(1);
  await sessions.getByRole("button", { name: /^End the session/ }).click();
  await expect(page.getByText("That session is over.")).toBeVisible();
  await expect(sessions.getByRole("button", { name: /^End the session/ })).toHaveCount(0);

  await page.getByLabel("Old password").fill(ada.credentials.password);
  await page.getByLabel("New password").fill("another horse another staple");
  await editor.button("Change password").click();
  await expect(page.getByText("The password is changed.")).toBeVisible();
  const changed = { ...ada.credentials, password: "another horse another staple" };
  await Account.logIn(server, changed);

  await editor.button("Delete account").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Password").fill(changed.password);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(Account.logIn(server, changed)).rejects.toThrow("401");
});

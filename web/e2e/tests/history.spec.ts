/** What was: versions of a document and the way back to them, past syncs, and what the server refused. */
import { Account } from "../support/account.js";
import { expect, onBoth, test } from "../support/fixtures.js";

test("versions are told with who made them and when, and an old one can be restored", onBoth, async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const grace = await Account.register(server, "grace");
  await ada.invite(grace, "editor");
  await editor.open();
  // Written in one go, so that it is one version.
  await editor.newDocument("Recipe", "# Bread\n\nflour\nwater\n");
  await editor.logIn(ada.credentials);
  await editor.expectBadge("Recipe", "synced");
  const { document_id } = await ada.document("Recipe");
  const rename = { operation: "update", client_id: "rename", document_id, base_version: 1, data: { title: "Bread" } };
  expect(await grace.push([rename], "grace's program", ada)).toMatchObject({ successful: 1 });
  await expect(editor.title).toHaveValue("Bread");
  await editor.workOffline();
  await editor.write("# Bread\n\nflour\nwater\nsalt\n");
  await editor.workOnline();
  await expect.poll(() => ada.find("Bread")).toMatchObject({ version: 3, content: expect.stringContaining("salt") });

  await editor.openHistory();
  const versions = page.getByRole("list", { name: "Versions" }).getByRole("button");
  await expect(versions).toHaveText([
    /^Version 3 changed by you just now$/,
    /^Version 2 changed by grace, now “Bread” just now$/,
    /^Version 1 created by you just now$/,
  ]);
  const differences = page.getByRole("region", { name: "Differences" });
  await expect(differences.locator("ins")).toHaveText(["salt"]);
  await expect(differences.locator("del")).toHaveCount(0);
  await expect(page.getByText(/^Changed by you, on this device, /).locator("time")).toHaveText(/\d{4}/);

  await versions.last().click();
  await expect(page.getByRole("heading", { level: 2, name: "Version 1" })).toBeVisible();
  await expect(differences.locator(".titles")).toHaveText("Title: Recipe Bread");
  await editor.button("Restore this version").click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore", exact: true }).click();
  await expect(page.getByText("Version 1 is restored on this device")).toBeVisible();
  await expect.poll(async () => (await ada.documents()).map(({ title, content }) => [title, content])).toEqual([
    ["Recipe", "# Bread\n\nflour\nwater\n"],
  ]);
  // The version that was left is still there, and can be got back in the same way.
  await expect(versions).toHaveCount(4);
  await versions.nth(1).click();
  await page.getByRole("radio", { name: "What it changed" }).check();
  await expect(differences.locator("ins")).toHaveText(["salt"]);
  await page.getByRole("link", { name: "Back to the document" }).click();
  await expect(editor.title).toHaveValue("Recipe");
  await editor.expectText("# Bread\n\nflour\nwater\n");
});

test("past syncs of all devices are listed, with what became of them", async ({ device, newDevice, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  for (const title of ["One", "Two", "Three"]) await editor.newDocument(title, title);
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 3);
  const other = (await newDevice()).editor;
  await other.open();
  await other.logIn(ada.credentials);
  await other.newDocument("Four");
  await editor.expectAllBadges("synced", 4);

  await editor.openView("Past syncs");
  await expect(page.getByRole("region", { name: "This device" })).toContainText("Succeeded3");
  const rows = page.getByRole("table", { name: "Past syncs" }).locator("tbody").getByRole("row");
  await expect(rows.last().getByRole("cell")).toHaveText([
    "Sent and fetched",
    "This device",
    "3",
    "3",
    "0",
    /\d+ s|less than a second/,
    "Done",
    "Undo",
  ]);
  await expect(rows.first()).toContainText("Another device");
});

test("a sync is undone after a look at what would change", onBoth, async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  for (const title of ["One", "Two"]) await editor.newDocument(title, title);
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 2);
  await expect.poll(() => ada.texts()).toEqual({ One: "One", Two: "Two" });

  await editor.openView("Past syncs");
  await page.getByRole("button", { name: /^Undo the sync of/ }).click();
  const dialog = page.getByRole("dialog", { name: /^Undo the sync of/ });
  await expect(dialog.getByRole("list", { name: "What would change" })).toContainText("One is deleted");
  await dialog.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(page.getByText("2 documents put back.")).toBeVisible();
  await expect.poll(() => ada.texts()).toEqual({});
});

test.describe("with a small limit", () => {
  test.use({ settings: { LANDFALL_MAX_CONTENT_BYTES: "2000", LANDFALL_MAX_YJS_BYTES: "2500" } });

  test("what the server refuses is kept, holds up nothing, and is sent once it is mended", async ({ device, server }) => {
    const { page, editor } = device;
    const ada = await Account.register(server, "ada");
    const main = page.getByRole("main");
    await editor.open();
    await editor.logIn(ada.credentials);
    await editor.newDocument("Report", "Short.");
    await expect.poll(() => ada.texts()).toEqual({ Report: "Short." });
    await editor.workOffline();
    await editor.write("x".repeat(3_000));
    await editor.workOnline();
    await editor.expectBadge("Report", "failed");
    await expect(main.getByRole("alert")).toContainText("The server refused a change of this document:");
    await editor.newDocument("Other", "Not held up.");
    await editor.expectBadge("Other", "synced");

    await editor.openView("Failed");
    const letter = main.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Report" }) });
    await expect(letter).toContainText("Changing this document failed just now.");
    await expect(letter).toContainText("too_large");
    await letter.getByRole("button", { name: "Retry" }).click();
    await expect(main.getByRole("status").filter({ hasText: "“Report” was refused again." })).toBeVisible();
    await editor.reload();
    await expect(letter).toBeVisible();
    expect((await ada.document("Report")).content).toBe("Short.");

    await letter.getByRole("link", { name: "Report" }).click();
    await editor.write("Short enough.");
    await expect.poll(() => ada.text("Report")).toBe("Short enough.");
    await editor.openView("Failed");
    await expect(main).toContainText("Nothing failed.");
    await editor.expectAllBadges("synced", 2);
    await editor.openDocument("Report");
    await editor.expectText("Short enough.");
    expect((await ada.document("Report")).content).toBe("Short enough.");
  });

  test("what the server refuses can be given up, and then everything is as the server has it", async ({
    device,
    newDevice,
    server,
  }) => {
    const { page, editor } = device;
    const ada = await Account.register(server, "ada");
    const main = page.getByRole("main");
    const dialog = page.getByRole("dialog", { name: "Discard this change?" });
    await editor.open();
    await editor.logIn(ada.credentials);
    await editor.newDocument("Report", "Short.");
    await expect.poll(() => ada.texts()).toEqual({ Report: "Short." });
    await editor.workOffline();
    await editor.write("x".repeat(3_000));
    await editor.newDocument("Novel", "y".repeat(3_000));
    await editor.workOnline();
    await editor.expectAllBadges("failed", 2);

    await editor.openView("Failed");
    const letter = (title: string) =>
      main.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title }) });
    await letter("Novel").getByRole("button", { name: "Discard" }).click();
    await expect(dialog).toContainText("“Novel” never reached the server.");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await expect(letter("Novel")).toBeVisible();
    for (const title of ["Novel", "Report"]) {
      await letter(title).getByRole("button", { name: "Discard" }).click();
      await dialog.getByRole("button", { name: "Discard for good" }).click();
      await expect(letter(title)).toHaveCount(0);
    }
    await expect(main).toContainText("Nothing failed.");
    await expect(editor.link("Novel")).toHaveCount(0);
    await editor.openDocument("Report");
    await editor.expectText("Short.");
    await editor.type(" And more.");
    await editor.expectAllBadges("synced", 1);
    await expect.poll(() => ada.text("Report")).toBe("Short. And more.");
    const other = (await newDevice()).editor;
    await other.open();
    await other.logIn(ada.credentials);
    await other.openDocument("Report");
    await other.expectText("Short. And more.");
  });
});

/** Every view can be used by everybody: in light and dark, on a telephone and on a desk, and by keyboard alone. */
import type { Page } from "@playwright/test";
import { expectNoSeriousViolations } from "../support/accessibility.js";
import { Account } from "../support/account.js";
import { expect, test, type Device } from "../support/fixtures.js";
import { FocusWalk } from "../support/focus.js";

const LOG = "# Crossing to Bergen\n\nLeft Lerwick at **06:40**, wind south-west.\n\n- oil checked\n- bilge dry\n";
const LONG_TITLE = "Provisions, spare parts and everything else that has to be aboard before the last bridge is behind us";

/** An account with something in every view: a conflict, two failures, a history, a member, past syncs. */
async function furnish({ page, editor }: Device, ada: Account, grace: Account): Promise<void> {
  const data = { title: "Tides", content: "# Tides\n\nHigh water 06:12\n" };
  await ada.push([
    { operation: "create", client_id: "tides", data },
    { operation: "create", client_id: "provisions", data: { title: LONG_TITLE, content: "Rope." } },
  ]);
  await ada.invite(grace, "editor");
  const { document_id, version } = await ada.document("Tides");
  await editor.logIn(ada.credentials);
  await editor.openDocument("Tides");
  await editor.workOffline();
  await editor.write("# Tides\n\nHigh water 06:21, by the almanac\n");
  const theirs = { content: "# Tides\n\nHigh water 06:15, as observed\n" };
  const update = { operation: "update", client_id: "observed", document_id, base_version: version, data: theirs };
  expect(await grace.push([update], "grace's program", ada)).toMatchObject({ successful: 1 });
  await editor.workOnline();
  await editor.expectBadge("Tides", "conflict");
  await editor.newDocument("Novel", "y".repeat(3_000));
  await editor.expectBadge("Novel", "failed");
  await editor.newDocument("Ship's log", LOG);
  await expect.poll(() => ada.text("Ship's log")).toBe(LOG);
  // In one go, so that the newest version is all of it.
  await editor.workOffline();
  await editor.type("- watch: Ada until noon\n");
  await editor.workOnline();
  await expect.poll(() => ada.text("Ship's log")).toContain("Ada until noon\n");
  await expect(page.getByRole("navigation", { name: "Views" })).toContainText("1 waiting");
}

/** What can be scrolled sideways, except what is meant to be: the text of a difference or of code. */
function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("*")]
      .filter((element) => {
        const { overflowX } = getComputedStyle(element);
        const scrolls = overflowX === "auto" || overflowX === "scroll" || element === document.documentElement;
        return scrolls && element.scrollWidth > element.clientWidth && element.closest("pre") === null;
      })
      .map((element) => `${element.tagName} ${element.className}: ${element.scrollWidth} > ${element.clientWidth}`),
  );
}

test.describe("every view", () => {
  test.use({ settings: { LANDFALL_MAX_CONTENT_BYTES: "2000", LANDFALL_MAX_YJS_BYTES: "2500" } });

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [360, 1440]) {
      test(`${colorScheme}, ${width} pixels wide`, async ({ newDevice, server }, testInfo) => {
        const ada = await Account.register(server, "ada");
        const grace = await Account.register(server, "grace");
        const device = await newDevice({ colorScheme, viewport: { width, height: 900 } });
        const { page, editor } = device;
        const main = page.getByRole("main");
        const check = async (name: string): Promise<void> => {
          await expect(page.getByText("Opening…")).toHaveCount(0);
          const path = `screenshots/${testInfo.project.name}/every-${name}-${colorScheme}-${width}.png`;
          await page.screenshot({ path, animations: "disabled" });
          await test.step(name, () => expectNoSeriousViolations(page));
          expect(await sideways(page), `${name}: nothing scrolls sideways`).toEqual([]);
        };

        await editor.open();
        await check("first");
        await page.setViewportSize({ width: 1440, height: 900 });
        await furnish(device, ada, grace);
        await page.setViewportSize({ width, height: 900 });
        await check("document");
        await page.getByRole("button", { name: "Preview" }).click();
        await expect(page.getByRole("region", { name: "Preview" })).toContainText("Left Lerwick");
        await check("preview");
        await editor.openHistory();
        await expect(main.getByRole("region", { name: "Differences" })).toContainText("Ada until noon");
        await check("history");
        await main.getByRole("list", { name: "Versions" }).getByRole("button").last().click();
        await editor.button("Restore this version").click();
        await check("history-restore");
        await page.keyboard.press("Escape");

        await editor.openView("Conflicts");
        await check("conflicts");
        await editor.openConflict("Tides");
        await expect(main.getByRole("region", { name: "Theirs", exact: true })).toContainText("as observed");
        await check("conflict");
        await editor.button("Merge by hand").click();
        await main.getByLabel("Merged title").scrollIntoViewIfNeeded();
        await check("conflict-merge");
        await editor.button("Keep both").click();
        await check("conflict-both");
        await editor.openView("Failed");
        await expect(main.getByRole("heading", { name: "Novel" })).toBeVisible();
        await check("failed");
        await main.getByRole("button", { name: "Discard" }).click();
        await check("failed-give-up");
        await page.keyboard.press("Escape");
        await editor.openView("Past syncs");
        await expect(main.getByRole("table", { name: "Past syncs" })).toContainText("Done");
        await check("syncs");
        await editor.openView("Sharing");
        await expect(main).toContainText("grace");
        await check("sharing");
        await editor.openDocument("Ship's log");
        await editor.deleteDocument();
        await expect(page.getByRole("status").filter({ hasText: "“Ship's log” was deleted." })).toBeVisible();
        await check("deletion");
        await editor.openView("Deleted");
        await expect(main.getByRole("link", { name: "Ship's log" })).toBeVisible();
        await check("deleted");
        await editor.showList();
        await page.getByRole("link", { name: "Landfall" }).click();
        await expect(editor.link(LONG_TITLE)).toBeVisible();
        await check("list");
        await editor.logOut();
        await editor.button("Log in").click();
        await check("login");
      });
    }
  }
});

test("a whole session can be written by keyboard alone", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  await ada.push([{ operation: "create", client_id: "old", data: { title: "Old letter", content: "Dear *Grace*" } }]);
  const { keyboard } = page;
  const walk = new FocusWalk(page);
  await editor.open();

  await walk.to(editor.button("Log in"));
  await keyboard.press("Enter");
  await expect(page.getByLabel("Username")).toBeFocused();
  await keyboard.type(ada.credentials.username);
  await walk.to(page.getByLabel("Password"));
  await keyboard.type(ada.credentials.password);
  await keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await editor.expectBadge("Old letter", "synced");

  await walk.to(editor.button("New document"));
  await keyboard.press("Enter");
  await expect(editor.title).toHaveValue("Untitled");
  await walk.to(editor.title);
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("New letter");
  await keyboard.press("Enter");
  await expect(editor.link("New letter")).toBeVisible();
  await walk.to(editor.text);
  await keyboard.type("Dear Ada,");
  await keyboard.press("Enter");
  await keyboard.type("it rains.");
  await editor.expectText("Dear Ada,\nit rains.");
  await walk.backTo(editor.title);
  await keyboard.press("End");
  await keyboard.type(" to Ada");
  await keyboard.press("Enter");
  await expect(page).toHaveTitle("New letter to Ada · Landfall");
  await editor.expectAllBadges("synced", 2);

  await walk.backTo(editor.link("Old letter"));
  await keyboard.press("Enter");
  await expect(editor.title).toHaveValue("Old letter");
  const preview = page.getByRole("button", { name: "Preview" });
  await walk.to(preview);
  await keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Preview" }).locator("em")).toHaveText("Grace");
  await walk.to(editor.button("Delete"));
  await keyboard.press("Enter");
  await expect(editor.link("Old letter")).toHaveCount(0);
  await expect(page.getByRole("main")).toBeFocused();

  await walk.backTo(editor.link("New letter to Ada"));
  await keyboard.press("Enter");
  await expect(editor.title).toHaveValue("New letter to Ada");
  // Past everything that stands before the text.
  await walk.backTo(page.getByRole("link", { name: "Skip to the text" }));
  await keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await expect(editor.title).toHaveValue("New letter to Ada");
  await expect.poll(async () => (await ada.documents()).map(({ title, content }) => [title, content])).toEqual([
    ["New letter to Ada", "Dear Ada,\nit rains."],
  ]);
});

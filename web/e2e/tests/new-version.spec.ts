/** A newer version of the editor, while an older one is open: offered, and taken when its reader says so. */
import type { Locator, Page } from "@playwright/test";
import type { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { Deployment, NEWER } from "../support/deployment.js";
import { expect, test as base } from "../support/fixtures.js";

const test = base.extend<{ deployment: Deployment }>({
  deployment: async ({ server }, use) => {
    const deployment = await Deployment.of(server);
    await use(deployment);
    await deployment.close();
  },
});

/** Opens the page and waits until it is kept on the device, and served from there. */
async function openInstalled(editor: Editor): Promise<void> {
  await editor.open();
  await editor.expectInstalled();
  await expect.poll(() => editor.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
}

/** What browsers do from time to time, and when the page is loaded. */
async function lookForNewer(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });
}

function notice(page: Page): Locator {
  return page.getByRole("status").filter({ hasText: "A new version of the editor is ready." });
}

/** Loads the newer version by the button of the notice. */
async function take(editor: Editor): Promise<void> {
  const loaded = editor.page.waitForEvent("load");
  await editor.button("Reload").click();
  await loaded;
  await editor.expectUsable();
  await expect(editor.page.locator(NEWER)).toHaveCount(1);
  await expect(notice(editor.page)).toHaveCount(0);
}

test("a new version is taken on a word, opens without a network, and has what waited here", async ({
  deployment,
  newDevice,
  server,
}) => {
  const { page, editor, complaints } = await newDevice({ baseURL: deployment.url });
  const ada = await Account.register(server, "ada");
  await openInstalled(editor);
  await editor.newDocument("Log", "Written before.");
  await expect(notice(page)).toHaveCount(0);

  deployment.release();
  await lookForNewer(page);
  await expect(notice(page)).toBeVisible();
  await editor.reload();
  await expect(notice(page), "it is offered until it is taken").toBeVisible();
  await expect(page.locator(NEWER), "nobody took it yet").toHaveCount(0);
  await editor.expectText("Written before.");
  await take(editor);

  complaints.expectNoNetwork();
  await server.kill();
  await editor.goOffline();
  await editor.reload();
  await expect(page.locator(NEWER)).toHaveCount(1);
  await editor.expectText("Written before.");
  await editor.type(" And after.");
  await server.restart();
  await editor.goOnline();
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 1);
  await expect.poll(() => ada.texts()).toEqual({ Log: "Written before. And after." });
});

/** A newer version of the editor, while an older one is open: offered, and taken when its reader says so. */
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

test("a new version is taken on a word, opens without a network, and has what waited here", async ({
  deployment,
  newDevice,
  server,
}) => {
  const { page, editor, complaints } = await newDevice({ baseURL: deployment.url });
  const ada = await Account.register(server, "ada");
  const notice = page.getByRole("status").filter({ hasText: "A new version of the editor is ready." });
  await editor.open();
  await editor.expectInstalled();
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await editor.newDocument("Log", "Written before.");
  await expect(notice).toHaveCount(0);

  deployment.release();
  // Browsers look for one from time to time, and when the page is loaded.
  await page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });
  await expect(notice).toBeVisible();
  await editor.reload();
  await expect(notice, "it is offered until it is taken").toBeVisible();
  await expect(page.locator(NEWER), "nobody took it yet").toHaveCount(0);
  await editor.expectText("Written before.");

  const loaded = page.waitForEvent("load");
  await editor.button("Reload").click();
  await loaded;
  await editor.expectUsable();
  await expect(page.locator(NEWER)).toHaveCount(1);
  await expect(notice).toHaveCount(0);

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

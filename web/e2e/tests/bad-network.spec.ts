/** Connections, sessions and devices that fail halfway: nothing is lost by it, and nothing is done twice. */
import type { Page } from "@playwright/test";
import { Account, type Credentials } from "../support/account.js";
import { expect, test, type Device } from "../support/fixtures.js";
import { isPush, losing, pushesOf, slowUplink } from "../support/network.js";
import { drafts, queueDocuments, type Draft } from "../support/queue.js";

/** Opens the page on a device with documents that nobody sent yet. */
async function laden({ page, editor }: Device, queued: readonly Draft[]): Promise<void> {
  await editor.open();
  await queueDocuments(page, queued);
  await expect(editor.sync).toContainText(`${queued.length} changes wait here.`);
}

/** The server has exactly these documents, each applied once, to the character. */
async function expectArrived(account: Account, written: readonly Draft[]): Promise<void> {
  const arrived = (await account.documents()).map(({ title, version, content }) => ({ title, version, content }));
  expect(arrived).toEqual(written.map((draft) => ({ ...draft, version: 1 })));
}

/** The versions of a document as the server tells them, newest first. */
async function versions(account: Account, title: string): Promise<number[]> {
  const { document_id } = await account.document(title);
  const path = `/api/v1/documents/${document_id}/versions?workspace_id=${account.workspaceId}`;
  return (await account.get<{ items: { version: number }[] }>(path)).items.map(({ version }) => version);
}

/** Refreshes of the session from now on, by their status. */
function refreshesOf(page: Page): number[] {
  const refreshes: number[] = [];
  page.on("response", (response) => {
    if (response.url().endsWith("/api/v1/auth/refresh")) refreshes.push(response.status());
  });
  return refreshes;
}

test("an answer that got lost is asked for again, and nothing is applied twice", async ({ device, server }) => {
  const { page, editor, complaints } = device;
  complaints.expectNoNetwork();
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.newDocument("Log", "Monday.");
  await editor.newDocument("Chart", "North.");
  const pushes = pushesOf(page);
  const network = await losing(page, isPush, 1);
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 2);
  expect(network.lost).toBe(1);
  const [first = [], second] = pushes.map((operations) => operations.map(({ client_id }) => client_id));
  expect(first).toHaveLength(2);
  expect(second, "what is sent again is the same").toEqual(first);
  expect(await versions(ada, "Log")).toEqual([1]);
  expect(await versions(ada, "Chart")).toEqual([1]);
  await network.heal();

  const again = await losing(page, isPush, 1);
  await editor.openDocument("Log");
  // In one go each: what is typed key by key may go in several pushes.
  await editor.write("Monday. Tuesday.");
  await expect.poll(() => again.lost).toBe(1);
  await editor.write("Monday. Tuesday. Wednesday.");
  await editor.expectAllBadges("synced", 2);
  await expect.poll(async () => (await ada.document("Log")).content).toBe("Monday. Tuesday. Wednesday.");
  await editor.expectAllBadges("synced", 2);
  expect(await versions(ada, "Log")).toEqual([3, 2, 1]);
  await editor.expectText("Monday. Tuesday. Wednesday.");
  await editor.expectSynced();
});

test("a network that comes and goes ends with everything sent once", async ({ device, server }) => {
  const { page, editor, complaints } = device;
  complaints.expectNoNetwork();
  const ada = await Account.register(server, "ada");
  const written = drafts(200);
  await laden(device, written);
  await slowUplink(page, 200_000);
  await editor.logIn(ada.credentials);
  for (let turn = 0; turn < 6; turn += 1) {
    await page.waitForTimeout(turn % 2 === 0 ? 900 : 400);
    await editor.goOffline();
    await page.waitForTimeout(300);
    await editor.goOnline();
  }
  await expect(editor.sync).toContainText(/^\s*Synced/, { timeout: 60_000 });
  await editor.expectAllBadges("synced", written.length);
  await expectArrived(ada, written);
});

test.describe("with access tokens that last three seconds", () => {
  test.use({ settings: { LANDFALL_ACCESS_TOKEN_S: "3" } });

  test("a sync that outlasts its token goes on with a fresh one", async ({ device, server }) => {
    const { page, editor, complaints } = device;
    complaints.expectStatus(401);
    const ada = await Account.register(server, "ada");
    const written = drafts(300);
    await laden(device, written);
    await slowUplink(page, 90_000);
    const refreshes = refreshesOf(page);
    await editor.logIn(ada.credentials);
    await expect(editor.sync).toContainText("300 of 300 arrived.", { timeout: 60_000 });
    expect(refreshes.length).toBeGreaterThan(0);
    expect(refreshes.filter((status) => status !== 200)).toEqual([]);
    await editor.expectAllBadges("synced", written.length);
    await expectArrived(await Account.logIn(server, ada.credentials), written);
  });

  test("a session that was ended elsewhere asks for a login, and the queue goes with that", async ({ device, server }) => {
    const { page, editor, complaints } = device;
    complaints.expectStatus(401);
    const ada = await Account.register(server, "ada");
    await editor.open();
    const token = sessionOf(page);
    await editor.logIn(ada.credentials);
    await editor.newDocument("Log", "Monday.");
    await editor.expectBadge("Log", "synced");
    const body = { refresh_token: await token };
    expect((await page.request.post("/api/v1/auth/logout", { data: body })).status()).toBe(204);
    await page.waitForTimeout(4_500);

    await editor.type(" Tuesday.");
    await expectLoginNeeded(device, "Log", ada.credentials);
    await expect.poll(async () => content(server, ada.credentials)).toBe("Monday. Tuesday. Wednesday.");
  });
});

test.describe("with sessions that last eight seconds", () => {
  test.use({ settings: { LANDFALL_ACCESS_TOKEN_S: "6", LANDFALL_REFRESH_TOKEN_S: "8" } });

  test("a session that ran out asks for a login, and the queue goes with that", async ({ device, server }) => {
    const { editor, complaints } = device;
    complaints.expectNoNetwork();
    complaints.expectStatus(401);
    const ada = await Account.register(server, "ada");
    await editor.open();
    await editor.logIn(ada.credentials);
    await editor.newDocument("Log", "Monday.");
    await editor.expectBadge("Log", "synced");
    await editor.goOffline();
    await editor.type(" Tuesday.");
    await device.page.waitForTimeout(9_000);
    await editor.goOnline();
    await expectLoginNeeded(device, "Log", ada.credentials);
    await expect.poll(async () => content(server, ada.credentials)).toBe("Monday. Tuesday. Wednesday.");
  });
});

/** The page asks for a login, keeps what is written, and sends it after that. */
async function expectLoginNeeded({ editor }: Device, title: string, credentials: Credentials): Promise<void> {
  await expect(editor.button("Log in")).toBeVisible();
  await expect(editor.sync).toContainText("Logged out: everything is kept on this device. One change waits here.");
  await editor.expectBadge(title, "pending");
  await editor.type(" Wednesday.");
  await editor.expectBadge(title, "pending");
  await editor.logIn(credentials);
  await editor.expectBadge(title, "synced");
  await editor.expectText("Monday. Tuesday. Wednesday.");
}

/** The text of the account's one document, read with a login of its own. */
async function content(server: Parameters<typeof Account.logIn>[0], credentials: Credentials): Promise<string | undefined> {
  const documents = await (await Account.logIn(server, credentials)).documents();
  expect(documents).toHaveLength(1);
  return documents[0]?.content;
}

/** The refresh token of the next login. */
async function sessionOf(page: Page): Promise<string> {
  const answer = await page.waitForResponse((response) => response.url().endsWith("/api/v1/auth/login"));
  return ((await answer.json()) as { refresh_token: string }).refresh_token;
}

test.describe("where a minute takes 640 KiB", () => {
  test.use({ settings: { LANDFALL_RATE_LIMIT: "60000", LANDFALL_RATE_LIMIT_BYTES: "655360" } });

  test("a server that asks for a pause gets it, and then the rest", async ({ device, server }) => {
    const { page, editor, complaints } = device;
    complaints.expectStatus(429);
    const ada = await Account.register(server, "ada");
    const written = drafts(300);
    await laden(device, written);
    const refused = page.waitForResponse((response) => response.status() === 429);
    await editor.logIn(ada.credentials);
    const pause = Number((await refused).headers()["retry-after"]);
    expect(pause).toBeGreaterThan(0);
    await expect(editor.sync).toContainText("300 of 300 arrived.", { timeout: 90_000 });
    await editor.expectAllBadges("synced", written.length);
    await expectArrived(ada, written);
  });
});

test("a device without room says so, keeps what is on the screen, and saves it when there is room", async ({
  device,
  server,
}) => {
  const { page, editor, complaints } = device;
  complaints.expect(/no room left|QuotaExceeded/);
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.newDocument("Log", "Monday.");
  await editor.expectBadge("Log", "synced");
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: server.url, quotaSize: 1 });

  // Chromium asks how much room there is every half minute only.
  const alert = page.getByRole("main").getByRole("alert").filter({ hasText: "no room left: nothing was saved" });
  let text = "Monday.";
  await expect(async () => {
    await editor.text.press("ControlOrMeta+End");
    await editor.text.pressSequentially(" Rain.");
    text += " Rain.";
    await expect(alert).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 60_000 });
  await expect(page.getByRole("status").filter({ hasText: "Not saved" })).toBeVisible();
  await editor.expectText(text);
  await editor.button("New document").click();
  await expect(page.getByRole("alert").filter({ hasText: "No document was made" })).toBeVisible();
  await editor.expectText(text);

  await session.send("Storage.overrideQuotaForOrigin", { origin: server.url });
  await editor.expectSaved();
  await expect(alert).toHaveCount(0);
  await editor.expectBadge("Log", "synced");
  await expect.poll(async () => (await ada.document("Log")).content).toBe(text);
  await editor.reload();
  await editor.expectText(text);
});

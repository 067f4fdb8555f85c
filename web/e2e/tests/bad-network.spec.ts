/** Connections, sessions and devices that fail halfway: nothing is lost by it, and nothing is done twice. */
import type { Page, Response } from "@playwright/test";
import { Account, type Credentials } from "../support/account.js";
import { expect, onBoth, test, type Device } from "../support/fixtures.js";
import { Gate, isPush, losing, pushesOf, SlowUplink, withoutSockets } from "../support/network.js";
import { drafts, expectArrived, openLaden } from "../support/queue.js";

/** The versions of a document as the server tells them, newest first. */
async function versions(account: Account, documentId: string): Promise<number[]> {
  const path = `/api/v1/documents/${documentId}/versions?workspace_id=${account.workspaceId}`;
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

// What goes over sockets is in live.spec.ts.
test.beforeEach(({ device }) => withoutSockets(device));

test("an answer that got lost is asked for again, and nothing is applied twice", onBoth, async ({ device, server }) => {
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
  const { document_id } = await ada.document("Log");
  expect(await versions(ada, document_id)).toEqual([1]);
  expect(await versions(ada, (await ada.document("Chart")).document_id)).toEqual([1]);
  await network.heal();

  const again = await losing(page, isPush, 1);
  await editor.openDocument("Log");
  await editor.write("Monday. Tuesday.");
  await expect.poll(() => again.lost).toBe(1);
  await editor.write("Monday. Tuesday. Wednesday.");
  await editor.expectAllBadges("synced", 2);
  await expect.poll(() => ada.text("Log")).toBe("Monday. Tuesday. Wednesday.");
  await editor.expectAllBadges("synced", 2);
  // How the edits fall into operations is a matter of pace; each is a version, however often it was sent.
  const sent = pushes.flat().filter((operation) => operation.document_id === document_id);
  const operations = new Set(sent.map(({ client_id }) => client_id));
  expect(sent.length).toBeGreaterThan(operations.size);
  expect(await versions(ada, document_id)).toEqual([...operations].map((_, at) => operations.size - at));
  await editor.expectText("Monday. Tuesday. Wednesday.");
  await editor.expectSynced();
});

test("a network that comes and goes ends with everything sent once", async ({ device, server }) => {
  const { page, editor, complaints } = device;
  complaints.expectNoNetwork();
  const ada = await Account.register(server, "ada");
  const written = drafts(300);
  await openLaden(editor, written);
  const uplink = await SlowUplink.of(page, 150_000);
  let failed = 0;
  page.on("requestfailed", (request) => (failed += isPush(request) ? 1 : 0));
  const leaves = page.waitForRequest(isPush);
  await editor.logIn(ada.credentials);
  await leaves;
  await uplink.cut();
  await expect.poll(() => failed, { message: "pushes that were interrupted" }).toBeGreaterThan(0);
  const answered = page.waitForResponse((answer) => isPush(answer.request()) && answer.ok());
  await uplink.mend();
  await answered;
  for (let turn = 0; turn < 3; turn += 1) {
    await uplink.cut();
    await uplink.mend();
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
    await openLaden(editor, written);
    const gate = await Gate.before(page);
    const session = sessionOf(page);
    const refreshes = refreshesOf(page);
    await editor.logIn(ada.credentials);
    gate.pass(1);
    await expect(editor.progress).toHaveJSProperty("value", 10);
    await expectOver(device, ada, session);
    gate.open();
    await expect(editor.sync).toContainText("300 of 300 synced.", { timeout: 60_000 });
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
    await editor.newDocument("Log", "Monday.");
    const session = sessionOf(page);
    await editor.logIn(ada.credentials);
    await editor.expectBadge("Log", "synced");
    const body = { refresh_token: (await session.latest()).refresh_token };
    expect((await page.request.post("/api/v1/auth/logout", { data: body })).status()).toBe(204);
    await expectOver(device, ada, session);

    await editor.type(" Tuesday.");
    await expectLoginNeeded(device, "Log", ada.credentials);
    await expect.poll(() => content(server, ada.credentials)).toBe("Monday. Tuesday. Wednesday.");
  });
});

/** Seconds that a session lasts that is not used: long enough to log in and send a document on any machine. */
const SESSION_S = 12;

test.describe("with sessions that last twelve seconds", () => {
  test.use({ settings: { LANDFALL_ACCESS_TOKEN_S: "6", LANDFALL_REFRESH_TOKEN_S: String(SESSION_S) } });

  test("a session that ran out asks for a login, and the queue goes with that", async ({ device, server }) => {
    const { page, editor, complaints } = device;
    complaints.expectNoNetwork();
    complaints.expectStatus(401);
    const ada = await Account.register(server, "ada");
    await editor.open();
    await editor.newDocument("Log", "Monday.");
    await editor.logIn(ada.credentials);
    await editor.expectBadge("Log", "synced");
    await editor.goOffline();
    const ranOut = page.waitForTimeout((SESSION_S + 1) * 1000);
    await editor.type(" Tuesday.");
    await ranOut;
    await editor.goOnline();
    await expectLoginNeeded(device, "Log", ada.credentials);
    await expect.poll(() => content(server, ada.credentials)).toBe("Monday. Tuesday. Wednesday.");
  });
});

/** The page asks for a login, keeps what is written, and sends it after that. */
async function expectLoginNeeded({ editor }: Device, title: string, credentials: Credentials): Promise<void> {
  await expect(editor.button("Log in")).toBeVisible();
  // What is typed slowly, while syncs are tried, is more than one change.
  const waiting = /Logged out: everything is kept on this device\. (One change waits|\d+ changes wait) here\./;
  await expect(editor.sync).toContainText(waiting);
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

/** What proves to the server who a page's user is. */
interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** The tokens that a page gets from now on. */
function sessionOf(page: Page): { latest(): Promise<Tokens> } {
  let next = page.waitForResponse(isSession).then((response) => response.json() as Promise<Tokens>);
  page.on("response", (response) => {
    if (isSession(response)) next = response.json() as Promise<Tokens>;
  });
  return { latest: () => next };
}

function isSession(response: Response): boolean {
  return response.ok() && /\/api\/v1\/auth\/(login|refresh)$/.test(response.url());
}

/** Waits until the page's access token is worth nothing any more. */
async function expectOver({ page }: Device, account: Account, session: { latest(): Promise<Tokens> }): Promise<void> {
  const { access_token } = await session.latest();
  const path = `/api/v1/documents/changes?workspace_id=${account.workspaceId}`;
  const options = { headers: { authorization: `Bearer ${access_token}` }, maxRetries: 1 };
  await expect.poll(async () => (await page.request.get(path, options)).status()).toBe(401);
}

test.describe("where a minute takes 640 KiB", () => {
  test.use({ settings: { LANDFALL_RATE_LIMIT: "60000", LANDFALL_RATE_LIMIT_BYTES: "655360" } });

  test("a server that asks for a pause gets it, and then the rest", async ({ device, server }) => {
    const { page, editor, complaints } = device;
    complaints.expectStatus(429);
    complaints.expectNoNetwork();
    const ada = await Account.register(server, "ada");
    const written = drafts(300);
    await openLaden(editor, written);
    const refused = page.waitForResponse((response) => response.status() === 429);
    await editor.logIn(ada.credentials);
    const pause = Number((await refused).headers()["retry-after"]);
    expect(pause).toBeGreaterThan(0);
    // What is read counts too: the last pull may meet the limit once more, and its sync has sent nothing.
    await expect(editor.sync).toContainText(/300 of 300 synced\.|Synced/, { timeout: 120_000 });
    await editor.expectAllBadges("synced", written.length);
    // Reading everything back would take minutes' worth of bytes.
    await server.restart({ LANDFALL_RATE_LIMIT: "off" });
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
  await expect.poll(() => ada.texts()).toEqual({ Log: "Monday." });
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
  await expect.poll(() => ada.text("Log")).toBe(text);
  await editor.reload();
  await editor.expectText(text);
});

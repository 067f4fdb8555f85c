/** Ends that nobody chose, in the middle of a push: of the server, of the tab. And one that somebody did: by the button. */
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, test, type Device } from "../support/fixtures.js";
import { isPush, slowUplink } from "../support/network.js";
import { watchProgress } from "../support/progress.js";
import { drafts, queueDocuments, type Draft } from "../support/queue.js";

/** Documents that are pushed. */
const COUNT = 500;
/** A push of them all takes some seconds at this pace, in bytes a second, on any machine. */
const SLOW = 400_000;

/** A device with so many documents that nobody sent yet. */
async function laden({ page, editor, complaints }: Device, queued: readonly Draft[]): Promise<void> {
  complaints.expectNoNetwork();
  await editor.open();
  await queueDocuments(page, queued);
  await expect(editor.sync).toContainText(`Logged out: everything is kept on this device. ${queued.length} changes wait here.`);
  await slowUplink(page, SLOW);
}

/** Resolves as soon as this many pushes have their answers. */
async function answered({ page }: Device, pushes: number): Promise<void> {
  let count = 0;
  await page.waitForResponse((response) => isPush(response.request()) && response.ok() && (count += 1) === pushes);
}

/** The sync comes to its end by itself; then every badge says so. */
async function expectAllSynced(editor: Editor): Promise<void> {
  await expect(editor.sync).toContainText(/^\s*Synced/, { timeout: 60_000 });
  await editor.expectAllBadges("synced", COUNT);
}

/** The server has exactly these documents, each applied once, to the character. */
async function expectArrived(account: Account, written: readonly Draft[]): Promise<void> {
  const arrived = (await account.documents()).map(({ title, version, content }) => ({ title, version, content }));
  expect(arrived).toEqual(written.map((draft) => ({ ...draft, version: 1 })));
}

test("500 documents survive a server that is killed while they are pushed", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await laden(device, written);
  const before = await watchProgress(page);
  const some = answered(device, 3);
  await editor.logIn(ada.credentials);
  await some;
  await server.kill();
  await expect(editor.sync).toContainText("The server cannot be reached; tried again by itself.");
  const first = await before.shown();
  const reached = first.at(-1)?.value ?? 0;
  expect(first.map(({ value }) => value)).toEqual(first.map(({ value }) => value).sort((a, b) => a - b));
  expect(first.every(({ max }) => max === COUNT)).toBe(true);
  expect(reached).toBeGreaterThan(0);
  expect(reached).toBeLessThan(COUNT);
  await expect(editor.sync).toContainText(`${COUNT - reached} changes wait here.`);

  await server.restart();
  await expectAllSynced(editor);
  await expectArrived(ada, written);
  await editor.openView("Failed");
  await expect(page.getByText("Nothing failed.")).toBeVisible();
});

test("500 documents survive a tab that is closed while they are pushed", async ({ device, server }) => {
  const { context, page, editor } = device;
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await laden(device, written);
  const some = answered(device, 3);
  await editor.logIn(ada.credentials);
  await some;
  await page.close();
  const sent = (await ada.documents()).length;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(COUNT);

  const opened = new Editor(await context.newPage());
  await opened.open();
  await expectAllSynced(opened);
  await expectArrived(ada, written);
});

test("a push of 500 documents is stopped and resumed by hand, and counts what it did", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await laden(device, written);
  const watch = await watchProgress(page);
  const some = answered(device, 2);
  await editor.logIn(ada.credentials);
  await some;
  await expect(editor.progress).toBeVisible();
  const counts = await editor.counts();
  expect(counts?.total).toBe(COUNT);
  await editor.cancelSync();
  await expect(editor.sync).toContainText(/Stopped at \d+ of 500\. \d+ changes wait here\./);
  const [, done, left] = /Stopped at (\d+) of 500\. (\d+) changes/.exec(await editor.sync.innerText()) ?? [];
  expect(Number(done)).toBeGreaterThan(0);
  expect(Number(done)).toBeLessThan(COUNT);
  expect(Number(done) + Number(left)).toBe(COUNT);
  expect((await watch.shown()).at(-1)?.value).toBeLessThanOrEqual(Number(done));
  expect(await ada.documents()).toHaveLength(Number(done));

  await editor.resumeSync();
  await expectAllSynced(editor);
  await expect(editor.sync).toContainText(`${left} of ${left} arrived.`);
  await expectArrived(ada, written);
});

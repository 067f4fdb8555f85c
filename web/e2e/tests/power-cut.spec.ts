/** Ends that nobody chose, in the middle of a push: of the server, of the tab. And one that somebody did: by the button. */
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, onBoth, test } from "../support/fixtures.js";
import { Gate } from "../support/network.js";
import { watchProgress, type Shown } from "../support/progress.js";
import { drafts, expectArrived, openLaden } from "../support/queue.js";

/** Documents that are pushed. */
const COUNT = 500;
/** Documents of each of the first pushes; later ones are as large as the line takes, and here at most so large. */
const CHUNK = 10;
const LARGEST = 4 * CHUNK;
/** Pushes that the client has under way at once. */
const AT_ONCE = 4;

/** Lets so many pushes through, one by one, and sees the bar move with each. */
async function advance(editor: Editor, gate: Gate, pushes: number): Promise<void> {
  for (let push = 1; push <= pushes; push += 1) {
    gate.pass(1);
    await expect(editor.progress).toHaveJSProperty("value", push * CHUNK);
  }
}

/** What the bar showed until the next try, which counts what is left, from nothing. */
function firstRun(shown: readonly Shown[]): number[] {
  const bars = shown.flatMap(({ bar }) => bar ?? []);
  const next = bars.findIndex(({ max }) => max !== COUNT);
  return bars.slice(0, next === -1 ? undefined : next).map(({ value }) => value);
}

/** The sync comes to its end by itself; then every badge says so. */
async function expectAllSynced(editor: Editor): Promise<void> {
  await expect(editor.sync).toContainText(/^\s*Synced/, { timeout: 60_000 });
  await editor.expectAllBadges("synced", COUNT);
}

test("500 documents survive a server that is killed while they are pushed", onBoth, async ({ device, server }) => {
  const { page, editor, complaints } = device;
  complaints.expectNoNetwork();
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await openLaden(editor, written);
  const gate = await Gate.before(page);
  const watch = await watchProgress(page);
  await editor.logIn(ada.credentials);
  await advance(editor, gate, 3);
  // These are with the server when it dies, or not yet, or not any more: that is the point.
  gate.pass(AT_ONCE);
  await server.kill();
  gate.open();
  const unreachable = /cannot be reached; retrying\. (\d+) changes wait here\./;
  const told = async (): Promise<string[]> => (await watch.shown()).flatMap(({ text }) => unreachable.exec(text)?.[1] ?? []);
  await expect.poll(async () => (await told()).length, { timeout: 60_000 }).toBeGreaterThan(0);
  const values = firstRun(await watch.shown());
  expect(values).toEqual([...values].sort((a, b) => a - b));
  // The first of them may have been told before the queue was read again.
  await expect.poll(async () => COUNT - Number((await told()).at(-1))).toBeGreaterThanOrEqual(values.at(-1) ?? COUNT);
  expect(COUNT - Number((await told()).at(-1))).toBeLessThanOrEqual(3 * CHUNK + AT_ONCE * LARGEST);

  await server.restart();
  await expectAllSynced(editor);
  await expectArrived(ada, written);
  await editor.openView("Failed");
  await expect(page.getByText("Nothing failed.")).toBeVisible();
});

test("500 documents survive a tab that is closed while they are pushed", async ({ device, server }) => {
  const { context, page, editor, complaints } = device;
  complaints.expectNoNetwork();
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await openLaden(editor, written);
  const gate = await Gate.before(page);
  await editor.logIn(ada.credentials);
  await advance(editor, gate, 3);
  gate.pass(AT_ONCE);
  await page.close();
  const sent = (await ada.documents()).length;
  expect(sent).toBeGreaterThanOrEqual(3 * CHUNK);
  expect(sent).toBeLessThanOrEqual(3 * CHUNK + AT_ONCE * LARGEST);

  const opened = new Editor(await context.newPage());
  await opened.open();
  await expectAllSynced(opened);
  await expectArrived(ada, written);
});

test("a push of 500 documents is stopped and resumed by hand, and counts what it did", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const written = drafts(COUNT);
  await openLaden(editor, written);
  const gate = await Gate.before(page);
  await editor.logIn(ada.credentials);
  await advance(editor, gate, 2);
  await expect(editor.sync).toContainText(`${2 * CHUNK} of ${COUNT}`);
  await editor.cancelSync();
  // What is under way is waited for, and nothing else goes.
  gate.open();
  let done = 0;
  await expect(async () => {
    const told = /Stopped at (\d+) of 500\. (\d+) changes wait here\./.exec(await editor.sync.innerText());
    done = Number(told?.[1]);
    expect(done + Number(told?.[2])).toBe(COUNT);
  }).toPass({ timeout: 60_000 });
  expect(done).toBeGreaterThanOrEqual(2 * CHUNK);
  expect(done).toBeLessThanOrEqual(2 * CHUNK + AT_ONCE * LARGEST);
  expect(await ada.documents()).toHaveLength(done);

  await editor.resumeSync();
  await expectAllSynced(editor);
  await expect(editor.sync).toContainText(`${COUNT - done} of ${COUNT - done} synced.`);
  await expectArrived(ada, written);
});

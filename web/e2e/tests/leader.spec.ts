/** One tab keeps the stream of events for all: one that hangs is replaced. */
import { bundle, show } from "../support/bundle.js";
import { expect, test } from "../support/fixtures.js";
import type {} from "../editors/page.js";

const PASSWORD = "correct horse battery staple";

test("a tab that hangs is replaced after 45 s of its silence, and the other one takes in what changes", async ({ device, newDevice }) => {
  const page = await bundle("fast");
  const [first, second] = [device.page, await device.context.newPage()];
  const streams = { first: 0, second: 0 };
  const isStream = (url: string): boolean => url.includes("/documents/events");
  first.on("request", (request) => void (isStream(request.url()) && (streams.first += 1)));
  second.on("request", (request) => void (isStream(request.url()) && (streams.second += 1)));
  await show(first, page);
  await first.evaluate(async (password) => {
    const { client } = window.editorPage;
    await client.register("ada", password);
    client.subscribe();
  }, PASSWORD);
  await expect.poll(() => streams.first).toBeGreaterThan(0);
  await show(second, page);
  await second.evaluate(() => void window.editorPage.client.subscribe());
  expect(streams.second).toBe(0);

  // It stops at its next step, with the stream open and the lock in its hands.
  const devtools = await device.context.newCDPSession(first);
  const stops = new Promise((resolve) => devtools.once("Debugger.paused", resolve));
  await devtools.send("Debugger.enable");
  await devtools.send("Debugger.pause");
  await stops;
  await expect.poll(() => streams.second).toBeGreaterThan(0);

  const phone = await newDevice();
  await show(phone.page, page);
  await phone.page.evaluate(async (password) => {
    const { client } = window.editorPage;
    await client.login("ada", password);
    await client.queueCreate({ title: "written elsewhere" });
    await client.sync();
  }, PASSWORD);
  const titles = () => second.evaluate(async () => (await window.editorPage.client.documents()).map(({ title }) => title));
  await expect.poll(titles).toEqual(["written elsewhere"]);

  // The one that hung finds that another one leads, and shows what that one took in.
  const { first: opened } = streams;
  await devtools.send("Debugger.disable");
  await expect
    .poll(() => first.evaluate(async () => (await window.editorPage.client.documents()).map(({ title }) => title)))
    .toEqual(["written elsewhere"]);
  expect(streams.first).toBe(opened);
});

test("a tab that hangs in the middle of a sync keeps the others from syncing for 45 s, and no longer", async ({ device, newDevice }) => {
  const page = await bundle("fast");
  const [first, second] = [device.page, await device.context.newPage()];
  await show(first, page);
  await show(second, page);
  await first.evaluate((password) => window.editorPage.client.register("ada", password), PASSWORD);
  // The request is under way, and no answer comes.
  const sent = first.waitForRequest((request) => request.url().endsWith("/documents/batch"));
  await first.route((url) => url.pathname.endsWith("/documents/batch"), () => new Promise(() => undefined));
  await first.evaluate(() => {
    const { client } = window.editorPage;
    const syncing = client.queueCreate({ title: "note", content: "written once" }).then(() => client.sync());
    void syncing.then(({ status }) => (document.title = status));
  });
  await sent;
  const devtools = await device.context.newCDPSession(first);
  const stops = new Promise((resolve) => devtools.once("Debugger.paused", resolve));
  await devtools.send("Debugger.enable");
  await devtools.send("Debugger.pause");
  await stops;
  const sync = () => second.evaluate(async () => (await window.editorPage.client.sync()).status);
  expect(await sync()).toBe("busy");
  await expect.poll(sync).toBe("synced");
  expect(await second.evaluate(() => window.editorPage.client.queued())).toEqual([]);

  const phone = await newDevice();
  await show(phone.page, page);
  const titles = await phone.page.evaluate(async (password) => {
    const { client } = window.editorPage;
    await client.login("ada", password);
    await client.sync();
    return (await client.documents()).map(({ title }) => title);
  }, PASSWORD);
  expect(titles).toEqual(["note"]);
  // The one that hung finds that another one did its work.
  await devtools.send("Debugger.disable");
  await expect.poll(() => first.title()).toBe("busy");
});

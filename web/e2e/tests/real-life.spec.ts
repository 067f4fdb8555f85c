/** What people meet outside of a laboratory: gateways, shared computers, many tabs, Windows line ends, quick hands. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, test } from "../support/fixtures.js";
import { landfall } from "../support/programs.js";

const run = promisify(execFile);

/** Makes a document, as another device would. */
async function create(account: Account, title: string): Promise<void> {
  await account.push([{ operation: "create", client_id: title, data: { title, content: "words" } }]);
}

test("what is typed right after “New document” is in the text", async ({ device }) => {
  const { editor, page } = device;
  await editor.open();
  for (const sentence of ["The quick brown fox jumps over the lazy dog.", "And once more."]) {
    await editor.button("New document").click();
    await page.keyboard.type(sentence);
    await editor.expectText(sentence);
    await editor.expectSaved();
  }
  await expect(editor.documents.getByRole("link")).toHaveCount(2);
});

test("a gateway's error pages and login pages harm nothing: the queue arrives by itself later", async ({ device, server }) => {
  const ada = await Account.register(server, "ada");
  const { editor, context, complaints } = device;
  for (const refused of [413, 400, 502]) complaints.expectStatus(refused);
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.expectSynced();
  let status = 413;
  await context.route("**/api/v1/documents/batch", (route) =>
    route.fulfill({ status, contentType: "text/html", body: "<html><body>gateway</body></html>" }),
  );
  await editor.newDocument("Letter", "Dear Grace");
  for (status of [413, 400, 502, 200]) {
    const answered = device.page.waitForResponse((answer) => answer.url().includes("/batch") && answer.status() === status);
    await editor.syncNow();
    await answered;
    await expect(editor.sync).toContainText("cannot be reached");
    await editor.expectBadge("Letter", "pending");
    await editor.type(` ${status}`);
  }
  await context.unroute("**/api/v1/documents/batch");
  // By itself: the page tries again after a minute at the latest.
  await expect.poll(() => ada.text("Letter"), { timeout: 90_000 }).toBe("Dear Grace 413 400 502 200");
  await editor.expectBadge("Letter", "synced");
});

test("six tabs have one stream of events, and when its tab is closed another one takes over", async ({ device, server }) => {
  const ada = await Account.register(server, "ada");
  const { editor, context } = device;
  const streams = new Map<unknown, number>();
  context.on("request", (request) => {
    if (request.url().includes("/events")) streams.set(request.frame().page(), (streams.get(request.frame().page()) ?? 0) + 1);
  });
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.expectSynced();
  const tabs = [editor];
  for (let n = 0; n < 5; n += 1) {
    const tab = new Editor(await context.newPage());
    await tab.open();
    await tab.expectSynced();
    tabs.push(tab);
  }
  await create(ada, "From elsewhere");
  for (const tab of tabs) await tab.expectBadge("From elsewhere", "synced");
  expect([...streams.keys()]).toEqual([editor.page]);
  await editor.page.close();
  await create(ada, "After it was closed");
  for (const tab of tabs.slice(1)) await tab.expectBadge("After it was closed", "synced");
  expect(streams.size).toBe(2);
});

test("a file with Windows line ends: two editors and the folder at once, and nobody harms a line", async ({
  device: laptop,
  newDevice,
  server,
}) => {
  const ada = await Account.register(server, "ada");
  const folder = await mkdtemp(join(tmpdir(), "landfall-crlf-"));
  const file = join(folder, "note.md");
  const { LANDFALL_TOKEN: _token, ...others } = process.env;
  const env = { ...others, LANDFALL_USERNAME: "ada", LANDFALL_PASSWORD: ada.credentials.password, LANDFALL_CREDENTIALS: "file" };
  const sync = (...args: string[]) => run(landfall(), args, { env: { ...env, XDG_CONFIG_HOME: folder, HOME: folder } });
  try {
    await writeFile(file, "one\r\ntwo\r\nlast line\r\n");
    await sync("init", folder, "--server", server.url);
    await sync("sync", folder);
    const phone = await newDevice();
    for (const { editor } of [laptop, phone]) {
      await editor.open();
      await editor.logIn(ada.credentials);
      await editor.openDocument("note.md");
      await editor.expectText("one\ntwo\nlast line\n");
    }
    await laptop.editor.type("END typed");
    await phone.editor.typeAtStart("zero ");
    await writeFile(file, "one\r\ntwo, in the folder\r\nlast line\r\n");
    for (const { editor } of [laptop, phone]) await editor.expectText("zero one\ntwo\nlast line\nEND typed");
    await sync("sync", folder);
    for (const { editor } of [laptop, phone]) await editor.expectText("zero one\ntwo, in the folder\nlast line\nEND typed");
    const written = await readFile(file, "utf8");
    expect(written.replaceAll("\r\n", "\n")).toBe("zero one\ntwo, in the folder\nlast line\nEND typed");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

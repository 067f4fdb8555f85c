/** Several browsers, and several tabs of one. */
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, onBoth, test, type Device } from "../support/fixtures.js";
import { pushesOf } from "../support/network.js";

/** Logs a device in, with the network to be taken away and given back as a test likes. */
async function enter({ editor, complaints }: Device, { credentials }: Account): Promise<void> {
  complaints.expectNoNetwork();
  await editor.open();
  await editor.logIn(credentials);
  await editor.expectSynced();
}

test("edits of different parts of a document, made offline in two browsers, both survive", async ({
  device: laptop,
  newDevice,
  server,
}) => {
  const ada = await Account.register(server, "ada");
  const phone = await newDevice();
  await enter(laptop, ada);
  await laptop.editor.newDocument("Plan", "# Plan\n\nFirst part\n\nLast part");
  await laptop.editor.expectBadge("Plan", "synced");
  await enter(phone, ada);
  await phone.editor.openDocument("Plan");
  await phone.editor.expectText("# Plan\n\nFirst part\n\nLast part");

  for (const { editor } of [laptop, phone]) await editor.goOffline();
  await laptop.editor.typeAtStart("From the laptop. ");
  await phone.editor.type(", from the phone.");
  for (const { editor } of [laptop, phone]) await editor.expectBadge("Plan", "pending");
  for (const { editor } of [laptop, phone]) {
    await editor.goOnline();
    await editor.expectBadge("Plan", "synced");
  }

  const both = "From the laptop. # Plan\n\nFirst part\n\nLast part, from the phone.";
  for (const { editor } of [laptop, phone]) {
    await editor.expectText(both);
    await editor.expectSynced();
  }
  expect(await ada.documents()).toMatchObject([{ title: "Plan", content: both }]);
});

test("what one browser does appears in the other by itself", onBoth, async ({ device: laptop, newDevice, server }) => {
  const ada = await Account.register(server, "ada");
  const phone = await newDevice();
  await enter(laptop, ada);
  await enter(phone, ada);
  await laptop.editor.newDocument("Letter", "Dear Grace");
  await phone.editor.expectBadge("Letter", "synced");
  await phone.editor.openDocument("Letter");
  await phone.editor.expectText("Dear Grace");

  await laptop.editor.type(", the weather is fine");
  await phone.editor.expectText("Dear Grace, the weather is fine");
  await phone.editor.type(" here too.");
  await laptop.editor.expectText("Dear Grace, the weather is fine here too.");

  await laptop.editor.rename("Letter to Grace");
  await expect(phone.editor.title).toHaveValue("Letter to Grace");
  await phone.editor.expectBadge("Letter to Grace", "synced");
  await laptop.editor.newDocument("Envelope");
  await expect(phone.editor.link("Envelope")).toBeVisible();
  await laptop.editor.deleteDocument();
  await expect(phone.editor.link("Envelope")).toHaveCount(0);
});

test("the offline switch keeps everything from being sent, until it is turned back", async ({
  device,
  newDevice,
  server,
}) => {
  const { context, page, editor } = device;
  const ada = await Account.register(server, "ada");
  await enter(device, ada);
  await editor.newDocument("Log", "Monday.");
  await expect.poll(() => ada.texts()).toEqual({ Log: "Monday." });
  await editor.expectAllBadges("synced", 1);
  const asked: string[] = [];
  const listening = page.waitForEvent("requestfailed", (request) => request.url().includes("/documents/events"));
  await editor.workOffline();
  await listening;
  context.on("request", (request) => {
    if (new URL(request.url()).pathname.startsWith("/api/")) asked.push(`${request.method()} ${request.url()}`);
  });

  await editor.type(" Tuesday.");
  await editor.newDocument("Draft", "Not for sending.");
  await editor.expectAllBadges("pending", 2);
  await expect(editor.sync).toContainText("Working offline. 2 changes wait here.");
  await expect(editor.button("Sync now")).toBeDisabled();
  const other = await newDevice();
  await enter(other, ada);
  await other.editor.newDocument("Elsewhere", "Written elsewhere.");
  await expect.poll(() => ada.texts()).toEqual({ Elsewhere: "Written elsewhere.", Log: "Monday." });
  // It is a choice, so it outlives the page; and each view has its own reasons to ask the server.
  await editor.reload();
  await expect(editor.offlineSwitch).toBeChecked();
  const tab = new Editor(await context.newPage());
  await tab.open();
  await expect(tab.offlineSwitch).toBeChecked();
  for (const view of ["Past syncs", "Sharing", "Failed", "Conflicts"] as const) await editor.openView(view);
  await editor.openDocument("Log");
  await editor.openHistory();
  await expect(page.getByText("You chose to work offline.")).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event("online")));
  // Longer than an edit waits before it is sent, and than a failed sync waits before it is tried again.
  await page.waitForTimeout(4_000);
  expect(asked).toEqual([]);
  await expect(editor.link("Elsewhere")).toHaveCount(0);
  expect((await ada.documents()).map(({ title, content }) => `${title}: ${content}`)).toEqual([
    "Elsewhere: Written elsewhere.",
    "Log: Monday.",
  ]);

  await editor.workOnline();
  await expect(tab.offlineSwitch).not.toBeChecked();
  await editor.expectAllBadges("synced", 3);
  expect((await ada.documents()).map(({ title, content }) => `${title}: ${content}`)).toEqual([
    "Draft: Not for sending.",
    "Elsewhere: Written elsewhere.",
    "Log: Monday. Tuesday.",
  ]);
  await editor.openDocument("Log");
  await other.editor.openDocument("Log");
  await other.editor.type(" Wednesday.");
  await editor.expectText("Monday. Tuesday. Wednesday.");
});

test("two tabs of a device show the same, and send each change once", async ({ device, server }) => {
  const { context, page, editor } = device;
  const ada = await Account.register(server, "ada");
  await enter(device, ada);
  await editor.newDocument("Log", "Monday.");
  await expect.poll(() => ada.texts()).toEqual({ Log: "Monday." });
  await editor.expectAllBadges("synced", 1);
  await editor.expectInstalled();
  const second = await context.newPage();
  const tab = new Editor(second);
  await tab.open();
  await tab.openDocument("Log");
  await tab.expectText("Monday.");
  const pushes = pushesOf(page, second);

  await editor.type(" Tuesday.");
  await tab.expectText("Monday. Tuesday.");
  await editor.expectAllBadges("synced", 1);
  await tab.expectAllBadges("synced", 1);
  await editor.rename("Log of days");
  await expect(tab.title).toHaveValue("Log of days");
  await expect.poll(() => ada.texts()).toEqual({ "Log of days": "Monday. Tuesday." });
  const sent = pushes.flat().map(({ client_id }) => client_id);
  expect(sent.length).toBeGreaterThan(0);
  expect(sent, "each change is sent by one tab").toEqual([...new Set(sent)]);

  await editor.goOffline();
  await editor.type(" Wednesday.");
  await tab.expectText("Monday. Tuesday. Wednesday.");
  await tab.type(" Thursday.");
  await editor.expectText("Monday. Tuesday. Wednesday. Thursday.");
  await tab.newDocument("Draft", "From the second tab.");
  await editor.expectAllBadges("pending", 2);
  await editor.openDocument("Draft");
  await editor.expectText("From the second tab.");
  await editor.rename("Draft of both");
  await expect(tab.title).toHaveValue("Draft of both");

  await editor.goOnline();
  for (const each of [editor, tab]) {
    await each.expectAllBadges("synced", 2);
    await each.expectSynced();
  }
  expect((await ada.documents()).map(({ title, content }) => [title, content])).toEqual([
    ["Draft of both", "From the second tab."],
    ["Log of days", "Monday. Tuesday. Wednesday. Thursday."],
  ]);
});

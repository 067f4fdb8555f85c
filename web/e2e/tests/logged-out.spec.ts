/** Writing before anybody is logged in, after a logout, and while there is no network. */
import { Account } from "../support/account.js";
import { expect, test } from "../support/fixtures.js";
import { pushesOf } from "../support/network.js";

test("what was written while logged out arrives with the login, all of it", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const pushes = pushesOf(page);
  await editor.open();
  const written = ["Anchors", "Buoys", "Charts", "Docks", "Engines"].map((title) => ({ title, content: `About ${title}.` }));
  for (const { title, content } of written) await editor.newDocument(title, content);
  await editor.expectAllBadges("pending", 5);
  await expect(editor.sync).toContainText("Logged out: everything is kept on this device. 5 changes wait here.");
  expect(pushes).toEqual([]);
  expect(await ada.documents()).toEqual([]);

  await editor.logIn(ada.credentials);
  await editor.expectSynced();
  await expect(editor.sync).toContainText("5 of 5 synced.");
  await editor.expectAllBadges("synced", 5);
  const arrived = (await ada.documents()).map(({ title, content }) => ({ title, content }));
  expect(arrived).toEqual(written);
});

test("three new documents and two changed ones go in one sync", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.newDocument("Anchors", "Two.");
  await editor.newDocument("Buoys", "Red.");
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 2);
  await editor.logOut();

  await editor.type(" Green.");
  await editor.openDocument("Anchors");
  await editor.type(" Three.");
  for (const title of ["Charts", "Docks", "Engines"]) await editor.newDocument(title, `About ${title}.`);
  await expect(editor.sync).toContainText("5 changes wait here.");
  const pushes = pushesOf(page);
  await editor.logIn(ada.credentials);
  await editor.expectSynced();
  await expect(editor.sync).toContainText("5 of 5 synced.");

  expect(pushes.map((operations) => operations.map(({ operation }) => operation).sort())).toEqual([
    ["create", "create", "create", "update", "update"],
  ]);
  expect((await ada.documents()).map(({ title, version, content }) => [title, version, content])).toEqual([
    ["Anchors", 2, "Two. Three."],
    ["Buoys", 2, "Red. Green."],
    ["Charts", 1, "About Charts."],
    ["Docks", 1, "About Docks."],
    ["Engines", 1, "About Engines."],
  ]);
  await editor.openView("Past syncs");
  const newest = page.getByRole("table", { name: "Past syncs" }).getByRole("row").nth(1);
  await expect(newest).toContainText("Sent and fetched");
  await expect(newest.locator("[data-column=Changes]")).toHaveText("5");
  await expect(newest.locator("[data-column=Succeeded]")).toHaveText("5");
});

test("each account on a device has its own documents, and finds them again", async ({ device, server }) => {
  const { page, editor } = device;
  const ada = await Account.register(server, "ada");
  const bob = await Account.register(server, "bob");
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.newDocument("Ada's diary", "Rain.");
  await expect.poll(() => ada.texts()).toEqual({ "Ada's diary": "Rain." });
  await editor.expectAllBadges("synced", 1);
  await editor.logOut();
  await editor.type(" Then sun.");
  await editor.expectAllBadges("pending", 1);

  await editor.logIn(bob.credentials);
  await expect(page.getByRole("heading", { name: "Hello, bob" })).toBeVisible();
  await expect(editor.documents).toHaveText("No documents yet.");
  await editor.newDocument("Bob's list", "Rope.");
  await expect.poll(() => bob.texts()).toEqual({ "Bob's list": "Rope." });
  await editor.reload();
  await editor.expectAllBadges("synced", 1);
  await editor.expectText("Rope.");
  expect((await bob.documents()).map(({ title }) => title)).toEqual(["Bob's list"]);
  expect(await ada.documents()).toMatchObject([{ title: "Ada's diary", content: "Rain." }]);
  await editor.logOut();

  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", 1);
  await editor.openDocument("Ada's diary");
  await editor.expectText("Rain. Then sun.");
  expect(await ada.documents()).toMatchObject([{ title: "Ada's diary", content: "Rain. Then sun." }]);
  expect((await bob.documents()).map(({ title }) => title)).toEqual(["Bob's list"]);
});

test("what was written offline, before and after a reload, arrives once", async ({ device, newDevice, server }) => {
  const { editor, complaints } = device;
  const ada = await Account.register(server, "ada");
  complaints.expectNoNetwork();
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.newDocument("Log", "Monday.");
  await expect.poll(() => ada.texts()).toEqual({ Log: "Monday." });
  await editor.expectAllBadges("synced", 1);
  await editor.expectInstalled();

  await editor.goOffline();
  await editor.type(" Tuesday.");
  await editor.newDocument("Before", "Written before the reload.");
  await editor.expectAllBadges("pending", 2);
  await editor.reload();
  await editor.expectText("Written before the reload.");
  await editor.type(" And after it.");
  await editor.openDocument("Log");
  await editor.expectText("Monday. Tuesday.");
  await editor.type(" Wednesday.");
  await editor.newDocument("After", "Written after the reload.");
  await editor.expectAllBadges("pending", 3);
  expect(await ada.documents()).toMatchObject([{ title: "Log", content: "Monday." }]);

  await editor.goOnline();
  await editor.expectAllBadges("synced", 3);
  await editor.expectSynced();
  const expected = [
    { title: "After", content: "Written after the reload." },
    { title: "Before", content: "Written before the reload. And after it." },
    { title: "Log", content: "Monday. Tuesday. Wednesday." },
  ];
  expect((await ada.documents()).map(({ title, content }) => ({ title, content }))).toEqual(expected);
  const other = (await newDevice()).editor;
  await other.open();
  await other.logIn(ada.credentials);
  await other.expectAllBadges("synced", 3);
  for (const { title, content } of expected) {
    await other.openDocument(title);
    await other.expectText(content);
  }
});

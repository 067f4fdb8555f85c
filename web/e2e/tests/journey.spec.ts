/** The way of most documents: written, synced, read elsewhere, changed by two, restored. */
import { Account } from "../support/account.js";
import { expect, onBoth, test } from "../support/fixtures.js";

const credentials = { username: "ada", password: "correct horse battery staple" };

test("what was written logged out is sent by the first login", onBoth, async ({ device, server }) => {
  const { editor } = device;
  await editor.open();
  await editor.newDocument("Groceries", "milk");
  await editor.expectBadge("Groceries", "pending");
  await editor.register(credentials);
  await editor.expectBadge("Groceries", "synced");
  const ada = await Account.logIn(server, credentials);
  expect(await ada.documents()).toMatchObject([{ title: "Groceries", content: "milk", version: 1 }]);
});

test("two devices see each other's words as they are synced", onBoth, async ({ device, newDevice, server }) => {
  const ada = await Account.register(server, "ada");
  const laptop = device.editor;
  await laptop.open();
  await laptop.logIn(ada.credentials);
  await laptop.newDocument("Groceries", "milk\nbread");
  await laptop.expectBadge("Groceries", "synced");

  const telephone = (await newDevice({ viewport: { width: 390, height: 800 } })).editor;
  await telephone.open();
  await telephone.logIn(ada.credentials);
  await telephone.openDocument("Groceries");
  await telephone.expectText("milk\nbread");
  await telephone.typeAtStart("oat ");
  await laptop.expectText("oat milk\nbread");
  await laptop.type(" and eggs");
  await telephone.expectText("oat milk\nbread and eggs");
  await expect.poll(() => ada.text("Groceries")).toBe("oat milk\nbread and eggs");
});

test("a conflict keeps both sides until it is settled", onBoth, async ({ device, server }) => {
  const { editor } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.logIn(ada.credentials);
  const made = await ada.push([
    { operation: "create", client_id: "op_1", data: { title: "Plan", content: "sail at six" } },
  ]);
  await editor.openDocument("Plan");
  await editor.workOffline();
  await editor.write("sail at seven");
  await editor.expectBadge("Plan", "pending");
  const document_id = made.results[0]?.document_id;
  await ada.push([
    { operation: "update", client_id: "op_2", document_id, base_version: 1, data: { content: "sail at noon" } },
  ]);
  await editor.workOnline();
  await editor.expectBadge("Plan", "conflict");
  expect(await ada.document("Plan")).toMatchObject({ version: 2, content: "sail at noon" });

  await editor.settleConflict("Plan", "merged", { text: "sail at seven, at noon at the latest" });
  await editor.expectBadge("Plan", "synced");
  await expect.poll(() => ada.find("Plan")).toMatchObject({ version: 3, content: "sail at seven, at noon at the latest" });
});

test("an old version comes back as an edit", onBoth, async ({ device, server }) => {
  const { editor } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.newDocument("Diary", "a calm day");
  await expect.poll(() => ada.texts()).toEqual({ Diary: "a calm day" });
  const { version } = await ada.document("Diary");
  await editor.write("a storm");
  await expect.poll(() => ada.text("Diary")).toBe("a storm");
  await editor.restoreVersion(version);
  await editor.expectText("a calm day");
  await expect.poll(() => ada.text("Diary")).toBe("a calm day");
});

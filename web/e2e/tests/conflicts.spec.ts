/** What two devices did to one document and no machine can put together: it waits for somebody's choice. */
import type { Choice } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, test, type Device } from "../support/fixtures.js";

/** Two devices of one account that have the same documents. */
interface Pair {
  ada: Account;
  laptop: Device;
  phone: Device;
}

type Making = { server: Parameters<typeof Account.register>[0]; newDevice: () => Promise<Device> };

/** A document on both devices; then the phone has no network any more. */
async function apart({ server, newDevice }: Making, kind: "yjs" | "text", content: string): Promise<Pair> {
  const ada = await Account.register(server, "ada");
  const [laptop, phone] = [await newDevice(), await newDevice()];
  if (kind === "text") await ada.push([{ operation: "create", client_id: "note", data: { title: "Note", content } }]);
  for (const { editor } of [laptop, phone]) {
    await editor.open();
    await editor.logIn(ada.credentials);
    if (kind === "yjs" && editor === laptop.editor) await editor.newDocument("Note", content);
    await expect.poll(() => ada.texts()).toEqual({ Note: content });
    await editor.expectBadge("Note", "synced");
    await editor.openDocument("Note");
    await editor.expectText(content);
  }
  phone.complaints.expectNoNetwork();
  await phone.editor.goOffline();
  return { ada, laptop, phone };
}

/** Both devices and the server have exactly these documents, titles with texts, and nothing waits anywhere. */
async function expectAgreement({ ada, laptop, phone }: Pair, documents: Record<string, string>): Promise<void> {
  const titles = Object.keys(documents).sort();
  for (const { editor } of [laptop, phone]) {
    await editor.expectAllBadges("synced", titles.length);
    await editor.expectSynced();
    await expect(editor.sync).not.toContainText("attention");
    for (const title of titles) {
      await editor.openDocument(title);
      if (documents[title] !== undefined) await editor.expectText(documents[title]);
    }
  }
  const told = (await ada.documents()).map(({ title, content }) => [title, content]);
  expect(told).toEqual(titles.map((title) => [title, documents[title]]));
}

const titles: { choice: Choice; outcome?: { title?: string; text?: string }; leaves: Record<string, string> }[] = [
  { choice: "mine", leaves: { Mine: "Text." } },
  { choice: "theirs", leaves: { Theirs: "Text." } },
  { choice: "merged", outcome: { title: "Ours", text: "Text of both." }, leaves: { Ours: "Text of both." } },
  { choice: "both", leaves: { Mine: "Text.", Theirs: "Text." } },
];
for (const { choice, outcome, leaves } of titles) {
  test(`two titles for one document, settled by hand: ${choice}`, async ({ server, newDevice }) => {
    const pair = await apart({ server, newDevice }, "yjs", "Text.");
    const { ada, laptop, phone } = pair;
    await phone.editor.rename("Mine");
    await phone.editor.expectBadge("Mine", "pending");
    await laptop.editor.rename("Theirs");
    await laptop.editor.expectBadge("Theirs", "synced");
    await phone.editor.goOnline();

    await phone.editor.expectBadge("Mine", "conflict");
    await expect(phone.editor.sync).toContainText("1 change needs attention.");
    await expect(phone.page.getByRole("alert")).toContainText("This document and the server’s copy clash.");
    await phone.editor.openConflict("Mine");
    await expect(phone.page.getByText("each gave this document another title")).toBeVisible();
    for (const [side, title] of [["Mine", "Mine"], ["Theirs", "Theirs"]] as const) {
      await expect(phone.page.getByRole("region", { name: side, exact: true }).locator(".side-title")).toHaveText(title);
    }
    // Nothing is overwritten before the choice, not by another sync and not by a reload either.
    await phone.editor.reload();
    await phone.editor.syncNow();
    await phone.editor.expectBadge("Mine", "conflict");
    await laptop.editor.expectBadge("Theirs", "synced");
    expect(await ada.documents()).toMatchObject([{ title: "Theirs", content: "Text." }]);

    await phone.editor.settleConflict("Mine", choice, outcome);
    await expectAgreement(pair, leaves);
  });
}

const deletedHere: { choice: Choice; leaves: Record<string, string> }[] = [
  { choice: "mine", leaves: {} },
  { choice: "theirs", leaves: { Note: "Text. Written on." } },
];
for (const { choice, leaves } of deletedHere) {
  test(`deleted here, changed there, settled by hand: ${choice}`, async ({ server, newDevice }) => {
    const pair = await apart({ server, newDevice }, "yjs", "Text.");
    const { ada, laptop, phone } = pair;
    await phone.editor.deleteDocument();
    await laptop.editor.type(" Written on.");
    await expect.poll(() => ada.documents()).toMatchObject([{ content: "Text. Written on." }]);
    await phone.editor.goOnline();
    await expect(phone.editor.sync).toContainText("1 change needs attention.");
    expect(await ada.documents()).toMatchObject([{ title: "Note", content: "Text. Written on." }]);
    await laptop.editor.expectText("Text. Written on.");

    await phone.editor.settleConflict("Note", choice);
    await expectAgreement(pair, leaves);
  });
}

const deletedThere: { choice: Choice; leaves: Record<string, string> }[] = [
  { choice: "mine", leaves: { Note: "Text. Written on." } },
  { choice: "theirs", leaves: {} },
  { choice: "both", leaves: { Note: "Text. Written on." } },
];
for (const { choice, leaves } of deletedThere) {
  test(`changed here, deleted there, settled by hand: ${choice}`, async ({ server, newDevice }) => {
    const pair = await apart({ server, newDevice }, "yjs", "Text.");
    const { ada, laptop, phone } = pair;
    await phone.editor.type(" Written on.");
    await phone.editor.expectBadge("Note", "pending");
    await laptop.editor.deleteDocument();
    await expect.poll(() => ada.documents()).toEqual([]);
    await phone.editor.goOnline();
    await phone.editor.expectBadge("Note", "conflict");
    await phone.editor.expectText("Text. Written on.");
    expect(await ada.documents()).toEqual([]);
    await expect(laptop.editor.documents).toHaveText("No documents yet.");

    await phone.editor.settleConflict("Note", choice);
    await expectAgreement(pair, leaves);
  });
}

test("the same line of a plain text, changed on both sides, is merged by hand", async ({ server, newDevice }) => {
  const pair = await apart({ server, newDevice }, "text", "one\ntwo\nthree\n");
  const { ada, laptop, phone } = pair;
  await phone.editor.write("one\ntwo, mine\nthree\n");
  await phone.editor.expectBadge("Note", "pending");
  await laptop.editor.write("one\ntwo, theirs\nthree\n");
  await expect.poll(() => ada.documents()).toMatchObject([{ content: "one\ntwo, theirs\nthree\n" }]);
  await phone.editor.goOnline();
  await phone.editor.expectBadge("Note", "conflict");
  await phone.editor.expectText("one\ntwo, mine\nthree\n");
  expect(await ada.documents()).toMatchObject([{ title: "Note", content: "one\ntwo, theirs\nthree\n" }]);

  await phone.editor.openConflict("Note");
  const main = phone.page.getByRole("main");
  await expect(main.getByText("changed the same lines of this text")).toBeVisible();
  await expect(main.getByRole("region", { name: "Mine", exact: true }).getByRole("group")).toHaveText("one\ntwo, mine\nthree\n");
  await expect(main.getByRole("region", { name: "Theirs", exact: true }).getByRole("group")).toHaveText("one\ntwo, theirs\nthree\n");
  await main.getByRole("button", { name: "Merge by hand" }).click();
  await expect(main.getByLabel("Merged text")).toHaveValue(/<<<<<<<.*\ntwo, mine\n=======\ntwo, theirs\n>>>>>>>/);
  await main.getByRole("button", { name: "Save merged" }).click();
  await expect(main.getByRole("alert").filter({ hasText: "is still a conflict marker" })).toBeVisible();
  expect(await ada.documents()).toMatchObject([{ content: "one\ntwo, theirs\nthree\n" }]);

  await phone.editor.settleConflict("Note", "merged", { text: "one\ntwo, of both\nthree\n" });
  await expectAgreement(pair, { Note: "one\ntwo, of both\nthree\n" });
});

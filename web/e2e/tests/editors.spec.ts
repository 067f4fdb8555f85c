/**
 * Editors that people use, bound to `@landfall/client` as docs/client.md shows: typed into on two devices offline, synced, equal.
 */
import type { Page } from "@playwright/test";
import { bundle, show } from "../support/bundle.js";
import { expect, test, type Device } from "../support/fixtures.js";
import type {} from "../editors/page.js";

const PASSWORD = "correct horse battery staple";

interface Case {
  name: string;
  /** Where one types. */
  field: string;
  /** What a person sees of the text. */
  read: string;
  /** The text as it is stored, where that is more than what is seen. */
  stored?: string;
}

const cases: Case[] = [
  { name: "codemirror", field: ".cm-content", read: ".cm-content" },
  { name: "tiptap", field: ".tiptap", read: ".tiptap" },
  // Its last block is always an empty one: who goes to the end and types begins a block.
  { name: "blocknote", field: ".bn-editor", read: ".bn-editor", stored: "Laptop: Begun. \nand from the phone" },
  { name: "quill", field: ".ql-editor", read: ".ql-editor" },
  { name: "lexical", field: "[contenteditable]", read: "[contenteditable]" },
  { name: "monaco", field: ".monaco-editor .view-lines", read: ".monaco-editor .view-lines" },
];

for (const { name, field, read, stored: whole } of cases) {
  test(`${name}: typed on two devices offline, synced, equal`, async ({ device: laptop, newDevice }) => {
    const page = await bundle(name);
    const phone = await newDevice();
    for (const device of [laptop, phone]) await show(device.page, page);
    const id = await laptop.page.evaluate(async (password) => {
      const { client } = window.editorPage;
      await client.register("ada", password);
      return client.queueCreate({ title: "A document" });
    }, PASSWORD);
    await open(laptop, id);
    await type(laptop, field, "Start", "Begun. ");
    await sync(laptop);
    await phone.page.evaluate((password) => window.editorPage.client.login("ada", password), PASSWORD);
    await sync(phone);
    await open(phone, id);
    await expect.poll(() => textOf(phone.page, read)).toBe("Begun. ");

    for (const { context } of [laptop, phone]) await context.setOffline(true);
    await type(laptop, field, "Start", "Laptop: ");
    await type(phone, field, "End", "and from the phone");
    for (const { context } of [laptop, phone]) await context.setOffline(false);
    for (const device of [laptop, phone, laptop]) await sync(device);

    const both = "Laptop: Begun. and from the phone";
    for (const { page: shown } of [laptop, phone]) await expect.poll(() => textOf(shown, read)).toBe(both);
    const stored = await laptop.page.evaluate(
      async (documentId) => (await window.editorPage.client.document(documentId))?.content,
      id,
    );
    expect(stored?.trim()).toBe(whole ?? both);
    // A whole text is merged where the root is a text, and refused where it is not: never a second root beside it.
    const roots = await phone.page.evaluate(async (documentId) => {
      const { client } = window.editorPage;
      const refusal = await client.queueUpdate(documentId, { content: "a whole text" }).catch(String);
      return { refusal, roots: [...(await client.openDocument(documentId)).share.keys()] };
    }, id);
    expect(roots.roots).toEqual([name === "lexical" ? "root" : "content"]);
    if (["tiptap", "blocknote", "lexical"].includes(name)) expect(roots.refusal).toContain("rich text");
    else expect(roots.refusal).toBeUndefined();
  });
}

async function open({ page }: Device, id: string): Promise<void> {
  await page.evaluate((documentId) => window.editorPage.open(documentId), id);
}

async function type({ page }: Device, field: string, end: "Start" | "End", text: string): Promise<void> {
  await page.locator(field).click();
  await page.keyboard.press(end === "Start" ? "ControlOrMeta+Home" : "ControlOrMeta+End");
  await page.keyboard.type(text);
  await page.evaluate(() => window.editorPage.client.flush());
}

async function sync({ page }: Device): Promise<void> {
  const report = await page.evaluate(async () => {
    const { status, error, progress } = await window.editorPage.client.sync();
    return { status, error: String(error), failed: progress.failed };
  });
  expect(report).toEqual({ status: "synced", error: "undefined", failed: 0 });
}

/** The text as it is shown, with ordinary spaces. */
async function textOf(page: Page, read: string): Promise<string> {
  const text = (await page.locator(read).textContent()) ?? "";
  return text.replaceAll("\u00a0", " ");
}

/**
 * Editors that people use, bound to `@landfall/client` as docs/client.md shows: typed into on two devices offline, synced, equal.
 */
import type { BrowserContext, Page } from "@playwright/test";
import { bundle, type Bundle } from "../support/bundle.js";
import { expect, test, type Device } from "../support/fixtures.js";
import type {} from "../editors/page.js";

const PASSWORD = "correct horse battery staple";

interface Case {
  name: string;
  /** Where one types. */
  field: string;
  /** What a person sees of the text. */
  read: string;
}

const cases: Case[] = [
  { name: "codemirror", field: ".cm-content", read: ".cm-content" },
  { name: "tiptap", field: ".tiptap", read: ".tiptap" },
  { name: "quill", field: ".ql-editor", read: ".ql-editor" },
  { name: "lexical", field: "[contenteditable]", read: "[contenteditable]" },
  { name: "monaco", field: ".monaco-editor .view-lines", read: ".monaco-editor .view-lines" },
];

for (const { name, field, read } of cases) {
  test(`${name}: typed on two devices offline, synced, equal`, async ({ device: laptop, newDevice }) => {
    const page = await bundle(name);
    const phone = await newDevice();
    for (const device of [laptop, phone]) await show(device, page);
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
    expect(stored?.trim()).toBe(both);
    // A whole text is merged where the root is a text, and refused where it is not: never a second root beside it.
    const roots = await phone.page.evaluate(async (documentId) => {
      const { client } = window.editorPage;
      const refusal = await client.queueUpdate(documentId, { content: "a whole text" }).catch(String);
      return { refusal, roots: [...(await client.openDocument(documentId)).share.keys()] };
    }, id);
    expect(roots.roots).toEqual([name === "lexical" ? "root" : "content"]);
    if (name === "tiptap" || name === "lexical") expect(roots.refusal).toContain("rich text");
    else expect(roots.refusal).toBeUndefined();
  });
}

/** Shows the page of an editor, at the server's own address. */
async function show({ context, page }: Device, { js, css }: Bundle): Promise<void> {
  await serve(context, "/editor.js", "text/javascript", js);
  await serve(context, "/editor.css", "text/css", css);
  const html = `<!doctype html><link rel="stylesheet" href="/editor.css"><body><script type="module" src="/editor.js"></script>`;
  await serve(context, "/editor", "text/html", html);
  await page.goto("/editor");
  await page.waitForFunction(() => "editorPage" in window);
}

async function serve(context: BrowserContext, path: string, contentType: string, body: string): Promise<void> {
  await context.route((url) => url.pathname === path, (route) => route.fulfill({ contentType, body }));
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

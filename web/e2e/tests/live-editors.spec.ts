/**
 * The code of docs/live.md, as it stands: the editors that people use, by each kind of provider, two browsers in one document.
 */
import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { Account } from "../support/account.js";
import { show } from "../support/bundle.js";
import { expect, test } from "../support/fixtures.js";
import { bundleOf, readCode } from "../support/guide.js";
import { pushesOf } from "../support/network.js";
import type {} from "../snippets/place.js";

interface Look {
  /** Where one types. */
  field: string;
  /** The names at the others' cursors. */
  names: string;
  /** Parts of a cursor that lie in the text. */
  cursor: string;
}

const looks: Record<string, Look> = {
  Tiptap: { field: ".tiptap", names: ".collaboration-carets__label", cursor: ".collaboration-carets__caret" },
  BlockNote: {
    field: ".bn-editor",
    names: ".bn-collaboration-cursor__label",
    cursor: ".bn-collaboration-cursor__base",
  },
  CodeMirror: { field: ".cm-content", names: ".cm-ySelectionInfo", cursor: ".cm-ySelectionCaret" },
  Lexical: { field: "[contenteditable]", names: "body > div > span > span:not(:empty)", cursor: "none" },
};

/** Providers, and the editors that are bound to them. */
const pairs = [
  ...["Tiptap", "BlockNote", "CodeMirror"].map((editor) => ["LandfallProvider", editor] as const),
  ["", "Lexical"],
  ["y-websocket", "Tiptap"],
  ["y-websocket", "CodeMirror"],
  ["Hocuspocus", "Tiptap"],
  ["Hocuspocus", "BlockNote"],
] as const;

for (const [provider, editor] of pairs) {
  test(`${editor}, ${provider || "LandfallProvider"}: two type, each sees the other's keys and cursor`, async ({
    device: laptop,
    newDevice,
    server,
  }) => {
    const look = looks[editor];
    if (!look) throw new Error(editor);
    const ada = await Account.register(server, "ada");
    const phone = await newDevice();
    const bundle = await bundleOf([provider, editor].filter((heading) => heading !== ""), server.url);
    const documentId = randomUUID();
    for (const [{ page, context }, name, color] of [[laptop, "Ada", "#3366cc"], [phone, "Grace", "#cc6633"]] as const) {
      // A page that a test makes up counts as one from the internet.
      await context.grantPermissions(["local-network-access"]);
      await page.addInitScript((place) => void (window.place = place), {
        workspaceId: ada.workspaceId,
        documentId,
        token: ada.token,
        credentials: ada.credentials,
        user: { name, color },
        isFirst: name === "Ada",
      });
      await show(page, bundle);
    }
    const pushes = pushesOf(laptop.page, phone.page);
    await laptop.page.locator(look.field).click();
    await phone.page.locator(look.field).click();
    await laptop.page.keyboard.type("Hello ");
    await expectText("Hello ", look, phone.page);
    await phone.page.keyboard.press("End");
    await phone.page.keyboard.type("there");
    await expectText("Hello there", look, laptop.page);
    await expect(namesIn(laptop.page, look)).toHaveText(["Grace"]);
    await expect(namesIn(phone.page, look)).toHaveText(["Ada"]);

    await laptop.page.keyboard.press("Home");
    for (let n = 0; n < 15; n += 1) await Promise.all([laptop.page.keyboard.type("l"), phone.page.keyboard.type("p")]);
    const text = `${"l".repeat(15)}Hello there${"p".repeat(15)}`;
    await expectText(text, look, laptop.page, phone.page);
    const stored = async () => (await ada.documents()).find(({ document_id }) => document_id === documentId)?.content?.trim();
    await expect.poll(stored).toBe(text);
    // All of it went live.
    expect(pushes).toEqual([]);

    await laptop.page.close();
    await expect(namesIn(phone.page, look)).toHaveCount(0);
  });
}

test("all code of the page is run", async () => {
  const used = new Set(pairs.flat().filter((heading) => heading !== ""));
  expect([...(await readCode()).keys()].sort()).toEqual([...used].sort());
});

function namesIn(page: Page, { names }: Look): Locator {
  return page.locator(names);
}

/** What a person sees of the text, without cursors and with ordinary spaces. */
async function expectText(text: string, { field, cursor }: Look, ...pages: Page[]): Promise<void> {
  for (const page of pages) {
    const shown = () =>
      page.locator(field).evaluate((element, selector) => {
        const copy = element.cloneNode(true) as HTMLElement;
        for (const part of copy.querySelectorAll(selector)) part.remove();
        return copy.textContent.replaceAll("\u00a0", " ").replaceAll("\u2060", "");
      }, cursor);
    await expect.poll(shown).toBe(text);
  }
}

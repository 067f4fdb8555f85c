/**
 * Hundreds of documents on a device at once: queued by the client itself, into the store that the page works on.
 *
 * @module
 */
import { resolve } from "node:path";
import { expect, type Page } from "@playwright/test";
import { build } from "esbuild";
import type { Editor } from "../editor.js";
import type { Account } from "./account.js";

/** A document to be written. */
export interface Draft {
  title: string;
  content: string;
}

/** The client in a script, with one function that makes documents. */
const SCRIPT = `
import { BatchSyncService, IndexedDbStore } from "./index.ts";
globalThis.landfallQueue = async (drafts) => {
  const store = await IndexedDbStore.open(JSON.parse(localStorage.getItem("landfall.accounts"))?.current ?? "landfall-device");
  const client = new BatchSyncService({ url: "", store });
  for (const draft of drafts) await client.queueCreate(draft);
  await client.close();
  await store.close();
};
`;

let script: Promise<string> | undefined;

/** As many drafts of about 2 KB, each with a text of its own. */
export function drafts(count: number): Draft[] {
  return Array.from({ length: count }, (_, at) => {
    const number = String(at + 1).padStart(3, "0");
    const lines = Array.from({ length: 40 }, (_line, line) => `${number}/${line}: the log goes on, all well aboard.`);
    return { title: `Entry ${number}`, content: `# Entry ${number}\n\n${lines.join("\n")}\n` };
  });
}

/** Queues documents on the device of a page, as another of its tabs would; they are on its disk when the promise resolves. */
export async function queueDocuments(page: Page, documents: readonly Draft[]): Promise<void> {
  script ??= bundled();
  const tab = await page.context().newPage();
  // Any page of the same origin; this one brings no client of its own.
  await tab.goto("/api/health");
  // Not as a script element: the page's policy rightly bars it.
  await tab.evaluate(`(() => { ${await script} })()`);
  await tab.evaluate(
    (wanted) => (globalThis as unknown as { landfallQueue(list: typeof wanted): Promise<void> }).landfallQueue(wanted),
    documents,
  );
  await tab.close();
}

/** Opens the page on a device with documents that nobody sent yet. */
export async function openLaden(editor: Editor, documents: readonly Draft[]): Promise<void> {
  await editor.open();
  await queueDocuments(editor.page, documents);
  await expect(editor.sync).toContainText(`Logged out: everything is kept on this device. ${documents.length} changes wait here.`);
}

/** The server has exactly these documents, each applied once, to the character. */
export async function expectArrived(account: Account, written: readonly Draft[]): Promise<void> {
  const arrived = (await account.documents()).map(({ title, version, content }) => ({ title, version, content }));
  expect(arrived).toEqual(written.map((draft) => ({ ...draft, version: 1 })));
}

async function bundled(): Promise<string> {
  const source = resolve(import.meta.dirname, "../../client/src");
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: source, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild made no script of the client");
  return file.text;
}

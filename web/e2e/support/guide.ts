/**
 * The code of docs/live.md, as it stands there.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleCode, type Bundle } from "./bundle.js";

const PAGE = join(import.meta.dirname, "../../../docs/live.md");
/** The server of the page. */
const ADDRESS = "//notes.example";
/** What it takes from the page that it stands in. */
const PLACE = 'import { accessToken, documentId, element, user, workspaceId } from "./place.js";';
const SYNC = 'import { sync } from "./sync.js";';

/** The code below each heading that has any. */
export async function readCode(): Promise<Map<string, string>> {
  const sections = (await readFile(PAGE, "utf8")).split(/^## /m).slice(1);
  return new Map(
    sections.flatMap((section): [string, string][] => {
      const code = [...section.matchAll(/^```\w*\n([^]*?)^```$/gm)].map(([, block = ""]) => block).join("\n");
      return code === "" ? [] : [[section.slice(0, section.indexOf("\n")), code]];
    }),
  );
}

/** The code below these headings as one page, which connects to the server at `url`. */
export async function bundleOf(headings: string[], url: string): Promise<Bundle> {
  const code = await readCode();
  const parts = headings.map((heading) => {
    const part = code.get(heading);
    if (part === undefined) throw new Error(`docs/live.md has no code below ${heading}`);
    return part;
  });
  const { host } = new URL(url);
  const whole = parts.join("\n").replaceAll(`wss:${ADDRESS}`, `ws://${host}`);
  const sync = /\bsync\b/.test(whole) ? SYNC : "";
  return bundleCode(`${PLACE}\n${sync}\n${whole}\nwindow.editorPage = {};\n`);
}

/**
 * What page checkers look for and a machine can tell: what the head says, how files are kept, what bars people.
 *
 * @module
 */
import type { Browser } from "@playwright/test";
import axe from "axe-core";
import { Editor } from "../editor.js";
import type { TestServer } from "../support/server.js";

/** A check, and what came of it. */
export interface Check {
  name: string;
  outcome: string;
}

/** Looks the page over, in light and in dark. */
export async function check(browser: Browser, server: TestServer): Promise<Check[]> {
  const checks: Check[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    const context = await browser.newContext({ baseURL: server.url, colorScheme });
    const page = await context.newPage();
    const editor = new Editor(page);
    await editor.open();
    await editor.newDocument("Note", "# One line\n\nAnd **another**.");
    await page.evaluate(`(() => { ${axe.source} })()`);
    const { violations, passes } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document),
    );
    const found = violations.map(({ id }) => id).join(", ");
    checks.push({
      name: `accessibility, contrast included (axe-core), ${colorScheme}`,
      outcome: found === "" ? `${passes.length} rules passed, none violated` : `violated: ${found}`,
    });
    if (colorScheme === "light") checks.push({ name: "the head of the page", outcome: await page.evaluate(headOf) });
    await context.close();
  }
  checks.push({ name: "how long the page is kept", outcome: await keptFor(server.url, "/") });
  const [script = ""] = /\/assets\/[^"]+\.js/.exec(await (await fetch(server.url)).text()) ?? [];
  checks.push({ name: "how long its scripts are kept", outcome: await keptFor(server.url, script) });
  return checks;
}

function headOf(): string {
  const wanted = {
    title: document.title !== "",
    language: document.documentElement.lang !== "",
    description: document.querySelector("meta[name=description]") !== null,
    viewport: document.querySelector("meta[name=viewport]") !== null,
    "theme colour": document.querySelector("meta[name=theme-color]") !== null,
    manifest: document.querySelector("link[rel=manifest]") !== null,
  };
  const list = (has: boolean): string =>
    Object.entries(wanted)
      .filter(([, is]) => is === has)
      .map(([name]) => name)
      .join(", ");
  return `has ${list(true)}${list(false) === "" ? "" : `; lacks ${list(false)}`}`;
}

async function keptFor(url: string, path: string): Promise<string> {
  return `\`${(await fetch(url + path)).headers.get("cache-control") ?? "not said"}\``;
}

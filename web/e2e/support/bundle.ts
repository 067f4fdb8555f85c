/**
 * Builds the page of an editor under test.
 *
 * @module
 */
import type { Page } from "@playwright/test";
import { build } from "esbuild";
import { join } from "node:path";

/** A page with a script and a style sheet. */
export interface Bundle {
  js: string;
  css: string;
}

/** Bundles one of the pages in `editors/`. */
export async function bundle(name: string): Promise<Bundle> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "../editors", `${name}.ts`)],
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: "out",
    write: false,
    loader: { ".ttf": "dataurl" },
    // What y-monaco imports lies elsewhere in later versions of Monaco.
    alias: { "monaco-editor/esm/vs/editor/editor.api.js": "monaco-editor/editor/editor.api.js" },
    logLevel: "error",
  });
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return { js: textOf(".js"), css: textOf(".css") };
}

/** Shows the page of an editor, at the server's own address. */
export async function show(page: Page, { js, css }: Bundle): Promise<void> {
  await serve(page, "/editor.js", "text/javascript", js);
  await serve(page, "/editor.css", "text/css", css);
  const html = `<!doctype html><link rel="stylesheet" href="/editor.css"><body><script type="module" src="/editor.js"></script>`;
  await serve(page, "/editor", "text/html", html);
  await page.goto("/editor");
  await page.waitForFunction(() => "editorPage" in window);
}

async function serve(page: Page, path: string, contentType: string, body: string): Promise<void> {
  await page.route((url) => url.pathname === path, (route) => route.fulfill({ contentType, body }));
}

/**
 * Builds the page of an editor under test.
 *
 * @module
 */
import type { Page } from "@playwright/test";
import { build, type BuildOptions } from "esbuild";
import { join } from "node:path";

/** A page with a script and a style sheet. */
export interface Bundle {
  js: string;
  css: string;
}

/** Bundles one of the pages in `editors/`. */
export function bundle(name: string): Promise<Bundle> {
  return bundled({ entryPoints: [join(import.meta.dirname, "../editors", `${name}.ts`)] });
}

/** Bundles code that is a module, as if it lay in `snippets/`. */
export function bundleCode(contents: string): Promise<Bundle> {
  return bundled({
    stdin: { contents, resolveDir: join(import.meta.dirname, "../snippets"), loader: "tsx" },
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
  });
}

async function bundled(what: BuildOptions): Promise<Bundle> {
  const { outputFiles } = await build({
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: "out",
    write: false,
    loader: { ".ttf": "dataurl" },
    alias: {
      // What y-monaco imports lies elsewhere in later versions of Monaco.
      "monaco-editor/esm/vs/editor/editor.api.js": "monaco-editor/editor/editor.api.js",
      "@landfall/client": join(import.meta.dirname, "../../client/src/index.ts"),
    },
    logLevel: "error",
    ...what,
  });
  const textOf = (ending: string): string => outputFiles?.find(({ path }) => path.endsWith(ending))?.text ?? "";
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

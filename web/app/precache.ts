/**
 * Builds the service worker, and tells it what the page is made of.
 *
 * The list of files is written into the worker, so that the worker's bytes change exactly when the page does; that is
 * what makes a browser take the new one.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build, type Plugin, type ResolvedConfig } from "vite";

/** A file of the page, as `workbox-precaching` takes it. */
interface PrecacheEntry {
  url: string;
  /** A digest; absent for files whose name holds one. */
  revision: string | null;
}

/** Names that hold a digest of the contents, as Vite makes them. */
const HASHED = /^assets\/.+-[\w-]{8}\.\w+$/;

async function listFiles(root: string): Promise<PrecacheEntry[]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const entries: PrecacheEntry[] = [];
  for (const file of names) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const url = path.slice(root.length + 1).replaceAll("\\", "/");
    if (url === "sw.js" || /\.(br|gz|map)$/.test(url)) continue;
    const revision = HASHED.test(url) ? null : createHash("sha256").update(await readFile(path)).digest("hex").slice(0, 16);
    entries.push({ url: `/${url}`, revision });
  }
  return entries.sort((a, b) => (a.url < b.url ? -1 : 1));
}

/** Adds `sw.js` to the build, made from `worker`, in which `__PRECACHE__` stands for the list of files. */
export function precache({ worker }: { worker: string }): Plugin {
  let config: ResolvedConfig;
  return {
    name: "landfall-precache",
    apply: "build",
    configResolved: (resolved) => void (config = resolved),
    async closeBundle() {
      const outDir = resolve(config.root, config.build.outDir);
      await build({
        configFile: false,
        root: config.root,
        publicDir: false,
        logLevel: "warn",
        define: {
          __PRECACHE__: JSON.stringify(await listFiles(outDir)),
          "process.env.NODE_ENV": '"production"',
        },
        build: {
          outDir,
          emptyOutDir: false,
          target: "es2022",
          rollupOptions: { input: join(config.root, worker), output: { format: "iife", entryFileNames: "sw.js" } },
        },
      });
    },
  };
}

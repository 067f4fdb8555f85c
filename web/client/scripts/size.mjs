// Prints how large the client is in a page: all of it with its IndexedDB store, bundled and minified, without Yjs,
// gzipped. Fails above the limit.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/**
 * Bytes, gzipped. It was 15 KB until the rules that every client keeps (tests/client_rules) came: telling the server's answers
 * from a gateway's, three-way merges, line ends, pulls by state vector, one stream for all tabs, and queued edits that are made
 * anew on what others wrote, letter by letter. Since then: lists that read no texts, live editing and its problems, and taking
 * over from tabs that hang.
 */
const LIMIT = 27 * 1024;

const { outputFiles } = await build({
  stdin: {
    contents: 'export { BatchSyncService, IndexedDbStore } from "./index.ts"',
    resolveDir: fileURLToPath(new URL("../src", import.meta.url)),
  },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  external: ["yjs"],
  write: false,
});
const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`${bytes} bytes gzipped, without Yjs (at most ${LIMIT})`);
if (bytes > LIMIT) process.exit(1);

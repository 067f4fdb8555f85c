// The store of Node, in a process that is killed while it writes: what was confirmed is there, whole.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BatchSyncService, type Store } from "../src/index.js";
import { FileStore } from "../src/node.js";
import { DRIVERS, drivers, openStore } from "./support/sqlite.js";

/** Writes documents and edits one after another, and prints each one's title once it is on disk. */
const WRITER = `
  import { BatchSyncService } from "./src/index.ts";
  import { FileStore } from "./src/node.ts";
  import { drivers, openStore } from "./test/support/sqlite.ts";
  const [path, from, kind] = process.argv.slice(2);
  const driver = (await drivers(() => undefined)).find(({ name }) => name === kind);
  const store = driver ? openStore(driver, path) : await FileStore.open(path);
  const client = new BatchSyncService({ url: "http://none", store });
  for (let n = Number(from); ; n += 1) {
    const id = await client.queueCreate({ title: "note " + n, content: "text of " });
    const text = (await client.openDocument(id)).getText("content");
    text.insert(text.length, String(n));
    await client.flush();
    process.stdout.write(n + "\\n");
  }
`;

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "landfall-crash-"));
  await build({
    stdin: { contents: WRITER, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: join(directory, "writer.mjs"),
    // The bundle lies elsewhere than the sources that it looks beside.
    define: { "import.meta.url": JSON.stringify(new URL("../support/sqlite.js", DRIVERS).href) },
    logLevel: "error",
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const kinds = [
  { kind: "file", open: (path: string): Promise<Store> => FileStore.open(path) },
  ...(await drivers()).map((driver) => ({ kind: driver.name, open: async (path: string) => openStore(driver, path) })),
];

test.each(kinds)("killed ten times while it writes ($kind): everything that was confirmed is there", async ({ kind, open }) => {
  const store = join(directory, kind.replace(/\W/g, "-"));
  let confirmed = -1;
  for (let round = 0; round < 10; round += 1) {
    const child = spawn(process.execPath, [join(directory, "writer.mjs"), store, String(confirmed + 1), kind], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const until = confirmed + 3 + round;
    for await (const line of createInterface({ input: child.stdout })) {
      confirmed = Number(line);
      if (confirmed === until) child.kill("SIGKILL");
    }
    await gone;
  }
  const opened = await open(store);
  const client = new BatchSyncService({ url: "http://none", store: opened });
  const all = await Promise.all((await client.documents()).map(({ document_id }) => client.document(document_id)));
  const texts = new Map(all.map((document) => [document?.title, document?.content]));
  for (let n = 0; n <= confirmed; n += 1) expect(texts.get(`note ${n}`)).toBe(`text of ${n}`);
  expect(await client.queued()).toHaveLength(all.length);
  await client.close();
  await opened.close();
});

// The store of Node, in a process that is killed while it writes: what was confirmed is there, whole.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BatchSyncService } from "../src/index.js";
import { FileStore } from "../src/node.js";

/** Writes documents and edits one after another, and prints each one's title once it is on disk. */
const WRITER = `
  import { BatchSyncService } from "./src/index.ts";
  import { FileStore } from "./src/node.ts";
  const client = new BatchSyncService({ url: "http://none", store: await FileStore.open(process.argv[2]) });
  for (let n = Number(process.argv[3]); ; n += 1) {
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
    logLevel: "error",
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("killed ten times while it writes: everything that was confirmed is there", async () => {
  const store = join(directory, "store");
  let confirmed = -1;
  for (let round = 0; round < 10; round += 1) {
    const child = spawn(process.execPath, [join(directory, "writer.mjs"), store, String(confirmed + 1)], {
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
  const opened = await FileStore.open(store);
  const client = new BatchSyncService({ url: "http://none", store: opened });
  const all = await Promise.all((await client.documents()).map(({ document_id }) => client.document(document_id)));
  const texts = new Map(all.map((document) => [document?.title, document?.content]));
  for (let n = 0; n <= confirmed; n += 1) expect(texts.get(`note ${n}`)).toBe(`text of ${n}`);
  expect(await client.queued()).toHaveLength(all.length);
  await client.close();
  await opened.close();
});

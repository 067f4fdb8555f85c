// What the package promises of itself: types in step with the server, its size, and the example of its README.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TestServer } from "./support/server.js";

const run = promisify(execFile);

test("the types of the wire are those of openapi.yaml", async () => {
  await run("node", ["scripts/generate.mjs", "--check"]);
});

test("it is small", async () => {
  expect((await run("node", ["scripts/size.mjs"])).stdout).toContain("bytes gzipped");
});

test("the example of the README runs as it stands, on the package as it is built", async () => {
  await run("npx", ["tsc", "-p", "tsconfig.build.json"]);
  const readme = await readFile("README.md", "utf8");
  const [, example] = /```js\n([^]*?)```/.exec(readme) ?? [];
  const [, printed] = /prints\n\n```text\n([^]*?)```/.exec(readme) ?? [];
  const server = await TestServer.start();
  const directory = await mkdtemp(join(tmpdir(), "landfall-example-"));
  try {
    // Inside the package, so that its name resolves to itself.
    await mkdir("dist", { recursive: true });
    const script = resolve("dist/example.mjs");
    await writeFile(script, example ?? "");
    const { stdout } = await run("node", [script], {
      cwd: directory,
      env: { ...process.env, LANDFALL_URL: server.url },
    });
    expect(stdout).toBe(printed);
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);

test("what is published installs with the right types, in every way that is promised", async () => {
  await run("npx", ["tsc", "-p", "tsconfig.build.json"]);
  await run("npx", ["tsc", "-p", "tsconfig.build.json"], { cwd: "../react" });
  const directory = await mkdtemp(join(tmpdir(), "landfall-packed-"));
  try {
    for (const cwd of [".", "../react"]) {
      const packed = await run("npm", ["pack", "--silent", "--pack-destination", directory], { cwd });
      const tarball = join(directory, packed.stdout.trim());
      await run("npx", ["publint", "--strict", tarball]);
      await run("npx", ["attw", "--profile", "esm-only", tarball]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);

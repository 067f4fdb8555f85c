// Packs the packages, installs them into a copy of each example as a user would, and builds it. With names, only those.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const directory = await mkdtemp(join(tmpdir(), "landfall-examples-"));

async function npm(cwd, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  const { stdout } = await run("npm", args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }).catch((error) => {
    throw new Error(`npm ${args.join(" ")} in ${cwd}:\n${error.stdout}\n${error.stderr}`);
  });
  return stdout.trim();
}

try {
  const tarballs = {};
  await npm(join(here, "../react"), "run", "build");
  for (const name of ["client", "react"]) {
    const packed = await npm(join(here, "..", name), "pack", "--pack-destination", directory, "--silent");
    tarballs[`@landfall/${name}`] = `file:${join(directory, packed.split("\n").at(-1))}`;
  }
  const names = process.argv.length > 2 ? process.argv.slice(2) : ["vite", "next"];
  for (const name of names) {
    const copy = join(directory, name);
    await cp(join(here, name), copy, { recursive: true });
    // Both examples show the same component.
    if (name === "next") await cp(join(here, "vite/src/Notes.tsx"), join(copy, "app/Notes.tsx"));
    const manifest = JSON.parse(await readFile(join(copy, "package.json"), "utf8"));
    Object.assign(manifest.dependencies, tarballs);
    await writeFile(join(copy, "package.json"), JSON.stringify(manifest, null, 2));
    await npm(copy, "install", "--no-audit", "--no-fund");
    await npm(copy, "run", "build");
    console.log(`${name}: installed from the tarballs, types checked, built`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

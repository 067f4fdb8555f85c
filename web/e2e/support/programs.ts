/**
 * Finds the programs that the tests run: the server, a Chromium, and those of Postgres.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

const POSTGRES_VERSIONS = "/usr/lib/postgresql";

/** The server under test. */
export function landfall(): string {
  const root = resolve(import.meta.dirname, "../../..");
  const program = resolve(process.env["LANDFALL_BIN"] ?? join(root, "target/release/landfall"));
  if (existsSync(program)) return program;
  throw new Error(`there is no server at ${program}: cargo build --release, or name one in LANDFALL_BIN`);
}

/** Chromium without what draws its own window: the same pages with little more than half of the work. */
const HEADLESS = "chromium-headless-shell";

/** A Chromium of the system; nothing is downloaded. */
export function chromium(first: string[] = []): string {
  const named = process.env["LANDFALL_CHROMIUM"];
  if (named !== undefined) return named;
  const names = [...first, "chromium", "chromium-browser", "google-chrome", HEADLESS];
  const found = names.map(onPath).find((path) => path !== undefined);
  if (found !== undefined) return found;
  throw new Error("there is no chromium on the PATH: install it (Debian: chromium), or name one in LANDFALL_CHROMIUM");
}

/** The one that is best for tests, which look at no window. */
export function chromiumForTests(): string {
  return chromium([HEADLESS]);
}

/** The folder of Postgres's server programs. */
export function postgresPrograms(): string {
  const versions = existsSync(POSTGRES_VERSIONS) ? readdirSync(POSTGRES_VERSIONS).sort().reverse() : [];
  const installed = versions.map((version) => join(POSTGRES_VERSIONS, version, "bin"));
  const told = output("pg_config", ["--bindir"]);
  const folders = [...(told === undefined ? [] : [told]), ...installed, ...pathFolders()];
  const found = folders.find((folder) => ["initdb", "pg_ctl", "psql"].every((name) => existsSync(join(folder, name))));
  if (found !== undefined) return found;
  throw new Error("these tests need Postgres: initdb, pg_ctl and psql, on the PATH or where pg_config says");
}

/** What a program writes, or nothing if it cannot be run or fails. */
export function output(program: string, parameters: readonly string[]): string | undefined {
  try {
    return execFileSync(program, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

function onPath(name: string): string | undefined {
  return pathFolders()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

/**
 * A private Postgres for a worker of the tests, and a database of its own for each test.
 *
 * The server lies in a temporary directory and listens on a socket there. It ends, and the directory goes, when this
 * process does, however that ends. `LANDFALL_TEST_POSTGRES_URL` names a running server to use instead.
 *
 * @module
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { output, postgresPrograms } from "./programs.js";

/** Starts the server, says so, waits until this process's end of the pipe is closed, and cleans up. */
const KEEPER = `
trap '' INT TERM
directory=$1 bin=$2
if "$bin/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C >"$directory/log" 2>&1 </dev/null &&
   "$bin/pg_ctl" -D "$directory/data" -l "$directory/log" -w -t 60 \
       -o "-k $directory -c listen_addresses= -c max_connections=100 -c fsync=off" start >/dev/null 2>&1 </dev/null
then echo ready
else tail -n 3 "$directory/log" | tr '\\n' ' '; echo
fi
read -r _
"$bin/pg_ctl" -D "$directory/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$directory"
`;

/** A running Postgres. */
export class Postgres {
  readonly #url: string;
  readonly #keeper: ChildProcess | undefined;

  private constructor(url: string, keeper: ChildProcess | undefined) {
    this.#url = url;
    this.#keeper = keeper;
  }

  /** Starts one, or takes the one that `LANDFALL_TEST_POSTGRES_URL` names. */
  static async start(): Promise<Postgres> {
    const running = process.env["LANDFALL_TEST_POSTGRES_URL"];
    if (running !== undefined) return new Postgres(running, undefined);
    const bin = postgresPrograms();
    const directory = mkdtempSync(join(tmpdir(), "landfall-pg-"));
    const [program, prefix] = unprivileged(directory);
    const parameters = [...prefix, "-c", KEEPER, "sh", directory, bin];
    const keeper = spawn(program, parameters, { cwd: directory, stdio: ["pipe", "pipe", "inherit"] });
    if (keeper.stdout === null) throw new Error("the shell that keeps Postgres says nothing");
    const [said] = (await once(createInterface({ input: keeper.stdout }), "line")) as [string];
    if (said !== "ready") throw new Error(`Postgres could not be started from ${bin}: ${said}`);
    return new Postgres(`postgres:///postgres?host=${directory}&user=postgres`, keeper);
  }

  /** Makes an empty database; its URL. */
  createDatabase(): string {
    const name = `landfall_e2e_${randomUUID().replaceAll("-", "")}`;
    this.#execute(`CREATE DATABASE ${name}`);
    const [address = "", parameters = ""] = this.#url.split("?");
    return `${address.replace(/(:\/\/[^/]*)\/.*$/, "$1")}/${name}?${parameters}`;
  }

  /** Removes a database that {@link createDatabase} made. */
  dropDatabase(url: string): void {
    const name = /\/(landfall_e2e_[0-9a-f]+)\?/.exec(url)?.[1];
    if (name === undefined) throw new Error(`${url} is no database of these tests`);
    this.#execute(`DROP DATABASE ${name} WITH (FORCE)`);
  }

  #execute(statement: string): void {
    const psql = join(postgresPrograms(), "psql");
    const parameters = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement, this.#url];
    execFileSync(psql, parameters, { stdio: ["ignore", "ignore", "pipe"] });
  }

  /** Ends the server, and waits until it and its files are gone. */
  async stop(): Promise<void> {
    if (this.#keeper === undefined) return;
    const gone = once(this.#keeper, "exit");
    this.#keeper.stdin?.end();
    await gone;
  }
}

/** A shell that is not root's: Postgres refuses to run as root, so there the directory becomes another user's. */
function unprivileged(directory: string): [string, string[]] {
  if (process.getuid?.() !== 0) return ["sh", []];
  const user = ["postgres", "nobody"].find((name) => output("id", ["-u", name]) !== undefined) ?? "nobody";
  const [userId = "", groupId = ""] = [output("id", ["-u", user]), output("id", ["-g", user])];
  chownSync(directory, Number(userId), Number(groupId));
  return ["setpriv", ["--reuid", userId, "--regid", groupId, "--clear-groups", "sh"]];
}

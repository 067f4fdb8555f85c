// The real server: started on a free port with a directory of its own, killed and started again at will; and a proxy
// that can lose answers.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const program = resolve(process.env["LANDFALL_BIN"] ?? "../../target/debug/landfall");

/** A server with its data. */
export class TestServer {
  #process: ChildProcess | undefined;
  #listen = "127.0.0.1:0";
  readonly #directory: string;
  url = "";

  readonly #settings: Record<string, string>;

  private constructor(directory: string, settings: Record<string, string>) {
    this.#directory = directory;
    this.#settings = settings;
  }

  static async start(settings: Record<string, string> = {}): Promise<TestServer> {
    if (!existsSync(program)) throw new Error(`there is no server at ${program}: cargo build, or set LANDFALL_BIN`);
    const server = new TestServer(await mkdtemp(join(tmpdir(), "landfall-client-")), settings);
    await server.#run();
    return server;
  }

  async #run(): Promise<void> {
    const env = { PATH: process.env["PATH"], LANDFALL_REGISTRATION: "open", RUST_LOG: "warn", ...this.#settings };
    const args = ["serve", "--listen", this.#listen, "--data-dir", this.#directory];
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^listening on (\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      this.url = url;
      this.#listen = new URL(url).host;
      child.stdout.resume();
      return;
    }
    throw new Error("the server ended before it listened");
  }

  /** Kills it as a power failure would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  }

  /** Starts it again, on the same port and data. Meanwhile the port may be somebody else's, who leaves it soon. */
  async restart(): Promise<void> {
    await this.kill();
    const deadline = Date.now() + 45_000;
    for (;;) {
      try {
        return await this.#run();
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await new Promise((done) => setTimeout(done, 200));
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A fetch that sends requests on, and loses the answers that `loses` picks. */
export function losing(loses: (path: string, method: string) => boolean): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!loses(new URL(String(input)).pathname, init?.method ?? "GET")) return response;
    await response.arrayBuffer();
    throw new TypeError("the connection was lost");
  };
}

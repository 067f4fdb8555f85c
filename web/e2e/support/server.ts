/**
 * The real server: started on a free port with data of its own, killed as by a power failure and started again.
 *
 * @module
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { landfall } from "./programs.js";

/** Meanwhile the port may be somebody else's; they get as long to leave it, in milliseconds. */
const PORT_IS_FREE_MS = 45_000;

/** A server with its data. */
export class TestServer {
  /** Where it is; the same after each restart. */
  url = "";
  /** All that it has written, over all its lives. */
  log = "";
  #process: ChildProcess | undefined;
  #listen = "127.0.0.1:0";
  readonly #directory: string;
  #settings: Record<string, string>;

  private constructor(directory: string, settings: Record<string, string>) {
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Starts one with these settings (environment variables). */
  static async start(settings: Record<string, string>): Promise<TestServer> {
    const server = new TestServer(await mkdtemp(join(tmpdir(), "landfall-e2e-")), settings);
    await server.#run();
    return server;
  }

  async #run(): Promise<void> {
    const defaults = { LANDFALL_REGISTRATION: "open", LANDFALL_RATE_LIMIT: "off", RUST_LOG: "warn" };
    const env = { PATH: process.env["PATH"], ...defaults, ...this.#settings };
    const parameters = ["serve", "--listen", this.#listen, "--data-dir", this.#directory];
    const child = spawn(landfall(), parameters, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^listening on (\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      this.url = url;
      this.#listen = new URL(url).host;
      child.stdout.resume();
      return;
    }
    throw new Error(`the server ended before it listened:\n${this.log}`);
  }

  /** Kills it as a power failure would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Starts it again after {@link kill} or {@link stop}, on the same port and data, with these settings changed. */
  async restart(settings: Record<string, string> = {}): Promise<void> {
    await this.kill();
    this.#settings = { ...this.#settings, ...settings };
    const deadline = Date.now() + PORT_IS_FREE_MS;
    for (;;) {
      const before = this.log;
      try {
        return await this.#run();
      } catch (error) {
        if (!/in use/i.test(this.log.slice(before.length)) || Date.now() > deadline) throw error;
      }
      await new Promise((done) => setTimeout(done, 200));
    }
  }

  /** Stops it as an operator would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** Kills it and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

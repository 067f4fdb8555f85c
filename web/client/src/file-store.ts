/**
 * The store of Node: a journal in a directory. Each transaction is one line, on disk before it counts; a line that was
 * torn by a crash was never confirmed, and is cut off at the next start.
 *
 * @module
 */
import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { StorageFullError, StoreInUseError } from "./errors.js";
import { MemoryStore, type Change } from "./memory-store.js";
import { getMeta, setMeta, TABLES } from "./store.js";
import { FORMAT, toSecondFormat } from "./upgrade.js";

/** The journal is written anew at the start once it is longer than this, in bytes. */
const COMPACT_AT = 4 * 1024 * 1024;

/** Keeps its tables in a directory, for one process at a time. */
export class FileStore extends MemoryStore {
  readonly #directory: string;
  #journal: FileHandle;
  #length: number;

  private constructor(directory: string, journal: FileHandle, length: number) {
    super(directory);
    this.#directory = directory;
    this.#journal = journal;
    this.#length = length;
  }

  /**
   * Opens the store of a directory, and makes both if they are not there.
   *
   * @throws {@link StoreInUseError} if another process has it open
   */
  static async open(directory: string): Promise<FileStore> {
    await mkdir(directory, { recursive: true });
    await takeLock(directory);
    const path = join(directory, "journal.jsonl");
    const journal = await open(path, "a+");
    const bytes = await readFile(path);
    const whole = bytes.lastIndexOf(0x0a) + 1;
    await journal.truncate(whole);
    const store = new FileStore(directory, journal, whole);
    for (const line of bytes.subarray(0, whole).toString("utf8").split("\n")) {
      if (line !== "") store.apply(decode(line));
    }
    await store.#upgrade();
    if (whole > COMPACT_AT) await store.#compact(path);
    return store;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#journal.close();
    await rm(join(this.#directory, "lock"), { force: true });
  }

  protected override async persist(changes: readonly Change[]): Promise<void> {
    const line = Buffer.from(`${encode(changes)}\n`);
    try {
      await this.#journal.appendFile(line);
      await this.#journal.datasync();
    } catch (error) {
      // What was written of the line must not stand before the next one.
      await this.#journal.truncate(this.#length);
      throw isFull(error) ? new StorageFullError({ cause: error }) : error;
    }
    this.#length += line.length;
  }

  /** One line of the journal, so that it is done or is not. */
  async #upgrade(): Promise<void> {
    await this.transaction("write", async (tx) => {
      if ((await getMeta(tx, "format")) !== undefined) return;
      await toSecondFormat(tx);
      await setMeta(tx, "format", FORMAT);
    });
  }

  async #compact(path: string): Promise<void> {
    const text = [...this.rows()].map((change) => `${encode([change])}\n`).join("");
    const fresh = await open(`${path}.new`, "w");
    await fresh.writeFile(text);
    await fresh.sync();
    await fresh.close();
    await rename(`${path}.new`, path);
    const directory = await open(this.#directory, "r");
    await directory.sync();
    await directory.close();
    await this.#journal.close();
    this.#journal = await open(path, "a+");
    this.#length = Buffer.byteLength(text);
  }
}

/** A file that names the process. One left behind by a process that died is taken over. */
async function takeLock(directory: string): Promise<void> {
  const path = join(directory, "lock");
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (code(error) !== "EEXIST") throw error;
      const holder = Number(await readFile(path, "utf8"));
      if (holder > 0 && isAlive(holder)) throw new StoreInUseError(directory, holder);
      await rm(path, { force: true });
    }
  }
  throw new StoreInUseError(directory);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return code(error) === "EPERM";
  }
}

function code(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(String(code(error)));
}

function encode(changes: readonly Change[]): string {
  return JSON.stringify(changes, (_key, value: unknown) =>
    value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString("base64") } : value,
  );
}

function decode(line: string): Change[] {
  const changes = JSON.parse(line, (_key, value: unknown) =>
    typeof value === "object" && value !== null && "$bytes" in value && typeof value.$bytes === "string"
      ? new Uint8Array(Buffer.from(value.$bytes, "base64"))
      : value,
  ) as Change[];
  return changes.filter((change) => TABLES.includes(change.table));
}

/**
 * When to sync without being asked.
 *
 * @module
 */
import type { SyncReport } from "@landfall/client";
import { listen } from "./browser.js";
import type { SyncStore } from "./sync-store.js";

/** Typing without a pause is pushed this often, in milliseconds; more seldom only where a longer delay is asked for. */
const LONGEST_DELAY_MS = 2000;

/** The first wait after a failure, doubled with each further one, and the longest; in milliseconds. */
const RETRY_MS = 2000;
const LONGEST_RETRY_MS = 60_000;

/** No timer can wait for longer, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function retryMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (failures - 1));
}

/**
 * Syncs at the start, some time after something was queued, when the network is back, when the page is shown again, and
 * again and again while the server cannot be reached; follows the server's events, and connects open documents, while somebody is
 * logged in.
 */
export class AutoSync {
  readonly #store: SyncStore;
  /** The delays that the providers ask for; the shortest counts. */
  readonly #wanted: number[] = [];
  #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first edit of the burst was queued, milliseconds since the epoch. */
  #burstMs: number | undefined;
  #failures = 0;
  /** How many syncs in a row have left operations that failed alone. */
  #leftovers = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(store: SyncStore) {
    this.#store = store;
  }

  /** Begins, for one more provider; the returned function ends that. */
  start(delayMs: number): () => void {
    this.#wanted.push(delayMs);
    if (this.#wanted.length === 1) {
      this.#listen();
      // Not at once: in React's strict mode the first start is taken back in the same task.
      this.#wait(0);
    }
    return () => {
      this.#wanted.splice(this.#wanted.indexOf(delayMs), 1);
      if (this.#wanted.length > 0) return;
      for (const end of this.#ends) end();
      this.#ends = [];
      this.halt();
    };
  }

  /** Whether anybody wants it. */
  get isWanted(): boolean {
    return this.#wanted.length > 0;
  }

  /** Starts a sync and the subscription now, if that is wanted and may succeed. */
  async begin(): Promise<void> {
    this.#clear();
    if (this.#isIdle()) return;
    const { logged_in } = await this.#store.client.status();
    if (!logged_in || this.#isIdle()) return;
    this.#unsubscribe ??= this.#store.client.subscribe();
    this.#store.setLive(true);
    await this.#store.client.sync();
  }

  /** Ends the subscription, and what is waited for. */
  halt(): void {
    this.#clear();
    this.#failures = 0;
    this.#unfollow();
    this.#store.setLive(false);
  }

  #isIdle(): boolean {
    return !this.isWanted || this.#store.sync().isPaused;
  }

  #listen(): void {
    const { client } = this.#store;
    const page = globalThis.document as Document | undefined;
    this.#ends = [
      // What is on its way already needs no sync.
      client.on("queued", ({ live }) => live || this.#queued()),
      client.on("synced", (report) => this.#synced(report)),
      client.on("auth-needed", () => this.#unfollow()),
      client.on("reachable", ({ reachable }) => {
        if (reachable && this.#failures > 0 && !client.isSyncing) this.#start();
      }),
      listen(globalThis.window, "online", () => {
        // The stream that broke waits longer and longer before it tries again, and so did this.
        this.#unfollow();
        this.#failures = 0;
        this.#start();
      }),
      listen(page, "visibilitychange", () => {
        if (page?.visibilityState === "visible") this.#start();
      }),
    ];
  }

  #queued(): void {
    // While the server cannot be reached, the next try takes along what is queued meanwhile.
    if (this.#failures > 0 || this.#isIdle() || this.#store.sync().needsLogin) return;
    const delay = Math.min(...this.#wanted);
    const now = Date.now();
    this.#burstMs ??= now;
    this.#wait(Math.max(0, Math.min(delay, this.#burstMs + Math.max(LONGEST_DELAY_MS, delay) - now)));
  }

  #synced({ status, direction, again, retry_at }: SyncReport): void {
    // Another tab is soon done, and nothing of it tells when: no reason to wait longer and longer.
    if (status === "busy") return this.#waitAbout(RETRY_MS);
    if (status === "offline" || status === "rate-limited" || status === "failed") {
      this.#failures += 1;
      const askedMs = retry_at === undefined ? 0 : Date.parse(retry_at) - Date.now();
      if (askedMs > LONGEST_RETRY_MS) return this.#wait(Math.min(askedMs, LONGEST_TIMER_MS));
      return this.#waitAbout(retryMs(this.#failures));
    }
    if (direction !== "pull") this.#leftovers = again > 0 ? this.#leftovers + 1 : 0;
    // What failed alone is tried again, and meanwhile holds up nothing else: a new edit takes it along.
    if (again > 0) this.#waitAbout(retryMs(this.#leftovers));
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#clear();
    // For what was queued meanwhile; a pull that came through shows that a push would.
    if (status === "synced") this.#wait(direction === "pull" ? 0 : Math.min(...this.#wanted));
  }

  /** Waits half of this time or more, so that several clients do not come at once. */
  #waitAbout(upperMs: number): void {
    this.#wait(upperMs * (0.5 + Math.random() / 2));
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isIdle()) return;
    this.#timer = setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    void this.begin().catch((error: unknown) => console.error(error));
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#burstMs = undefined;
  }

  #unfollow(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}

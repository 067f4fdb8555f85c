/**
 * Work that is asked for more often than it has to be done.
 *
 * @module
 */

/** Runs a task when it is asked for: never twice at once, and at most once in an interval. */
export class Coalesced {
  readonly #task: () => Promise<void>;
  readonly #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #lastMs = -Infinity;
  #isWanted = false;
  #isStopped = false;

  /** @param intervalMs from the end of one run to the beginning of the next, in milliseconds */
  constructor(task: () => Promise<void>, intervalMs: number) {
    this.#task = task;
    this.#intervalMs = intervalMs;
  }

  /** Asks for a run: soon, or when the interval is over. */
  soon(): void {
    this.#isWanted = true;
    this.#isStopped = false;
    if (this.#running || this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastMs + this.#intervalMs - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // After the end of its use, a client that was closed meanwhile is no news.
      void this.#run().catch((error: unknown) => this.#isStopped || console.error(error));
    }, wait);
  }

  /** Resolves when a run is over that began after this call; does not wait for the interval. */
  async now(): Promise<void> {
    await this.#running?.catch(() => undefined);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#running ?? this.#run());
  }

  /** Forgets what was asked for. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isWanted = false;
    this.#isStopped = true;
  }

  #run(): Promise<void> {
    this.#isWanted = false;
    this.#running = this.#task().finally(() => {
      this.#running = undefined;
      this.#lastMs = Date.now();
      if (this.#isWanted) this.soon();
    });
    return this.#running;
  }
}

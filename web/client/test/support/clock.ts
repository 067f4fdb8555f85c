// A clock that goes only as far as somebody waits for it.
import type { Clock } from "../../src/index.js";

export class TestClock implements Clock {
  #time: number;
  #timers = new Map<number, { at: number; callback: () => void }>();
  #made = 0;

  constructor(now = Date.parse("2026-11-22T09:00:00Z")) {
    this.#time = now;
  }

  now(): number {
    return this.#time;
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.#made += 1;
    this.#timers.set(this.#made, { at: this.#time + Math.max(0, ms), callback });
    return this.#made;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** Lets time pass from timer to timer until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = () => (settled = true);
    promise.then(end, end);
    for (let turns = 0; turns < 100_000; turns += 1) {
      await quiet();
      if (settled) return promise;
      this.#next();
    }
    throw new Error("still waiting after a very long time");
  }

  /** Lets some time pass. */
  async pass(ms: number): Promise<void> {
    await this.run(new Promise<void>((resolve) => this.setTimeout(resolve, ms)));
  }

  #next(): void {
    const [handle, timer] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
    if (handle === undefined || !timer) return;
    this.#timers.delete(handle);
    this.#time = Math.max(this.#time, timer.at);
    timer.callback();
  }
}

/** Until everything that can go on without time has gone on. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

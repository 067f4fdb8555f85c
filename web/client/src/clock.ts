/**
 * Time and chance, as the client takes them: replaceable, so that tests need not wait.
 *
 * @module
 */

/** A source of time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after some milliseconds. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Takes back a `setTimeout`. */
  clearTimeout(handle: unknown): void;
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

/** A point of time as RFC 3339. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** Waits; ends early, without an error, when the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clock.clearTimeout(handle);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const handle = clock.setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}

/** Waits for a promise, but no longer than this; `undefined` if the time ran out. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const late = sleep(clock, ms, over.signal).then(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

/** How long to wait between tries. */
export interface Backoff {
  /** The first wait's upper end, in milliseconds. */
  baseMs: number;
  /** Each further wait's upper end is this many times the one before. */
  factor: number;
  /** The longest wait, in milliseconds. */
  capMs: number;
  /** A number from 0 to below 1. */
  random: () => number;
}

/** Base 1 s, factor 2, cap 60 s. */
export const defaultBackoff: Backoff = { baseMs: 1000, factor: 2, capMs: 60_000, random: Math.random };

/**
 * Exponential backoff with full jitter: anything between nothing and the upper end. `Retry-After` is obeyed: the wait
 * is never shorter.
 *
 * @param attempt tries that have failed, from 1
 */
export function backoffMs(backoff: Backoff, attempt: number, retryAfterMs = 0): number {
  const upper = Math.min(backoff.capMs, backoff.baseMs * backoff.factor ** (attempt - 1));
  return Math.max(retryAfterMs, Math.floor(backoff.random() * upper));
}

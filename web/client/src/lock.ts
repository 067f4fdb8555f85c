/**
 * One tab at a time: Web Locks where there are any, else a lease in the store.
 *
 * @module
 */
import { uuidv7 } from "./bytes.js";
import { sleep, type Clock } from "./clock.js";
import { getMeta, setMeta, type Store } from "./store.js";

/** How long a lease lasts that nobody renews, in milliseconds; it is renewed three times as often. */
const LEASE_MS = 30_000;

/** Lets one client of a store do something at a time. */
export interface Lock {
  /** Runs `body` if nobody else holds the lock; `undefined` if somebody does, or has taken it away meanwhile. */
  attempt<R>(name: string, body: () => Promise<R>): Promise<{ result: R } | undefined>;
  /** Runs `body` when the lock is free; rejects if the wait is given up, or if somebody else took the lock away. */
  wait<R>(name: string, body: () => Promise<R>, how?: WaitOptions): Promise<R>;
}

/** How to wait for a lock. */
export interface WaitOptions {
  /** Gives the wait up. */
  signal?: AbortSignal;
  /** Takes the lock from who has it, if it does not run out by itself. */
  steal?: boolean;
}

/** The best lock there is here. */
export function lockFor(store: Store, clock: Clock): Lock {
  // Not in every browser, nor in Node 20.
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  return locks ? new WebLock(locks, store.name) : new LeaseLock(store, clock);
}

/** The browser's own; it ends with its tab. */
export class WebLock implements Lock {
  readonly #locks: LockManager;
  readonly #prefix: string;

  constructor(locks: LockManager, storeName: string) {
    this.#locks = locks;
    this.#prefix = `landfall:${storeName}:`;
  }

  async attempt<R>(name: string, body: () => Promise<R>): Promise<{ result: R } | undefined> {
    let done: { result: R } | undefined;
    let isRunning = false;
    const run = async (lock: unknown): Promise<void> => {
      isRunning = lock !== null;
      if (lock) done = { result: await body().finally(() => (isRunning = false)) };
    };
    // Somebody may take it away from a tab that hangs: then that one has it, and what goes on here does no harm.
    await this.#locks.request(this.#prefix + name, { ifAvailable: true }, run).catch((error: unknown) => {
      if (!isRunning) throw error;
    });
    return done;
  }

  async wait<R>(name: string, body: () => Promise<R>, { signal, steal = false }: WaitOptions = {}): Promise<R> {
    const how: LockOptions = steal ? { steal } : signal ? { signal } : {};
    return await this.#locks.request(this.#prefix + name, how, body);
  }
}

/** A note in the store that says who, and until when. Should two hold it after a long sleep, receipts still see to it
 * that nothing is applied twice. */
export class LeaseLock implements Lock {
  readonly #store: Store;
  readonly #clock: Clock;
  /** This client; it may take back a lease that it could not give back. */
  readonly #holder: string;
  /** What this client holds now. */
  readonly #held = new Set<string>();

  constructor(store: Store, clock: Clock) {
    this.#holder = uuidv7(clock.now());
    this.#store = store;
    this.#clock = clock;
  }

  async attempt<R>(name: string, body: () => Promise<R>): Promise<{ result: R } | undefined> {
    if (this.#held.has(name)) return undefined;
    this.#held.add(name);
    try {
      return (await this.#take(name)) ? { result: await this.#renewing(name, body) } : undefined;
    } finally {
      this.#held.delete(name);
    }
  }

  /** Runs `body` with a lease that does not run out, and gives it back. */
  async #renewing<R>(name: string, body: () => Promise<R>): Promise<R> {
    let timer: unknown;
    let renewing: Promise<unknown> = Promise.resolve();
    const renewLater = () => {
      timer = this.#clock.setTimeout(() => {
        renewing = this.#take(name).catch(() => undefined);
        renewLater();
      }, LEASE_MS / 3);
    };
    renewLater();
    try {
      return await body();
    } finally {
      this.#clock.clearTimeout(timer);
      await renewing;
      // One that cannot be given back, for want of room, runs out.
      await this.#release(name).catch(() => undefined);
    }
  }

  async wait<R>(name: string, body: () => Promise<R>, { signal }: WaitOptions = {}): Promise<R> {
    for (;;) {
      signal?.throwIfAborted();
      const done = await this.attempt(name, body);
      if (done) return done.result;
      // Who gives a wait up may wait for long.
      await sleep(this.#clock, signal ? 1000 : 100, signal);
    }
  }

  /** Takes or renews the lease. */
  #take(name: string): Promise<boolean> {
    return this.#store.transaction("write", async (tx) => {
      const lease = await getMeta(tx, `lease:${name}`);
      const now = this.#clock.now();
      if (lease && lease.holder !== this.#holder && lease.until > now) return false;
      await setMeta(tx, `lease:${name}`, { holder: this.#holder, until: now + LEASE_MS });
      return true;
    });
  }

  #release(name: string): Promise<void> {
    return this.#store.transaction("write", async (tx) => {
      if ((await getMeta(tx, `lease:${name}`))?.holder === this.#holder) await setMeta(tx, `lease:${name}`, undefined);
    });
  }
}

// One tab for all: another one takes over at once when it is closed, and after 45 s when it says nothing.
import { afterEach, expect, test } from "vitest";
import { inOneTab } from "../src/leader.js";
import type { Lock, WaitOptions } from "../src/lock.js";
import { TestClock } from "./support/clock.js";

/** One lock, as browsers give it: it can be waited for, and taken from who has it. Node has none. */
class BrowserLock implements Lock {
  #held: { lose: (reason: Error) => void } | undefined;
  #freed: (() => void)[] = [];

  attempt<R>(): Promise<{ result: R } | undefined> {
    throw new Error("not asked for here");
  }

  async wait<R>(_name: string, body: () => Promise<R>, { signal, steal = false }: WaitOptions = {}): Promise<R> {
    while (this.#held && !steal) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#freed.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      });
      signal?.throwIfAborted();
    }
    this.#held?.lose(new Error("somebody took the lock"));
    let lose: (reason: Error) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => (lose = reject));
    const mine = { lose };
    this.#held = mine;
    try {
      return await Promise.race([body(), lost]);
    } finally {
      if (this.#held === mine) this.#held = undefined;
      for (const free of this.#freed.splice(0)) free();
    }
  }
}

const channels: BroadcastChannel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A tab with its own time: one whose time stands still is frozen. */
function tab(name: string, lock: Lock, led: string[]) {
  const clock = new TestClock();
  const channel = new BroadcastChannel("landfall:leader-test");
  channels.push(channel);
  const end = new AbortController();
  const body = async (signal: AbortSignal): Promise<void> => {
    led.push(name);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  };
  const over = inOneTab({ lock, clock, channel }, body, end.signal);
  return { clock, end, over };
}

/** Lets what was posted arrive. */
const arrived = () => new Promise((resolve) => setTimeout(resolve, 20));

test("a tab that beats keeps the stream; one that is silent for 45 s loses it", async () => {
  const [lock, led] = [new BrowserLock(), [] as string[]];
  const first = tab("first", lock, led);
  await arrived();
  const second = tab("second", lock, led);
  for (let n = 0; n < 12; n += 1) {
    await first.clock.pass(5000);
    await arrived();
    await second.clock.pass(5000);
  }
  expect(led).toEqual(["first"]);
  // From here on the first one is frozen.
  await second.clock.pass(40_000);
  expect(led).toEqual(["first"]);
  await second.clock.pass(15_000);
  expect(led).toEqual(["first", "second"]);
  for (const { end } of [first, second]) end.abort();
  await Promise.all([first.over, second.over]);
});

test("when the tab that leads is closed another one leads at once", async () => {
  const [lock, led] = [new BrowserLock(), [] as string[]];
  const first = tab("first", lock, led);
  await arrived();
  const second = tab("second", lock, led);
  first.end.abort();
  await first.over;
  await arrived();
  expect(led).toEqual(["first", "second"]);
  second.end.abort();
  await second.over;
});

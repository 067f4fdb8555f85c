/**
 * One tab for all: of the tabs that have a store open, one keeps the stream of events, and takes in for the others.
 *
 * @module
 */
import type { Clock } from "./clock.js";
import type { Lock } from "./lock.js";
import type { Message } from "./tabs.js";

/** How often the tab that leads says that it is there, and for how long it may be silent, in milliseconds. */
const BEAT_MS = 5000;
const SILENT_MS = 45_000;

/**
 * Runs `body` in one tab at a time, until `signal` is aborted or the body ends by itself. When the tab that leads is closed
 * another one takes over at once, and when it is silent, as one that the browser has frozen, after 45 s.
 */
export async function inOneTab(
  { lock, clock, channel }: { lock: Lock; clock: Clock; channel: BroadcastChannel },
  body: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let heardMs = clock.now();
  let isSilent = false;
  const hear = ({ data }: MessageEvent<Message>) => void ("beat" in data && (heardMs = clock.now()));
  channel.addEventListener("message", hear);
  let isDone = false;
  while (!isDone && !signal.aborted) {
    const turn = new AbortController();
    const end = () => turn.abort();
    signal.addEventListener("abort", end);
    let isLeading = false;
    let timer: unknown;
    const beat = () => {
      if (isLeading) channel.postMessage({ beat: true } satisfies Message);
      else if (clock.now() - heardMs > SILENT_MS) {
        isSilent = true;
        end();
      }
      timer = clock.setTimeout(beat, BEAT_MS);
    };
    timer = clock.setTimeout(beat, BEAT_MS);
    const lead = async () => {
      isLeading = true;
      await body(turn.signal);
      isDone = true;
    };
    const steal = isSilent;
    isSilent = false;
    // It rejects when the wait is given up, and when another tab took over from this one.
    await lock.wait("stream", lead, { signal: turn.signal, steal }).catch(() => undefined);
    end();
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", end);
    heardMs = clock.now();
  }
  channel.removeEventListener("message", hear);
}

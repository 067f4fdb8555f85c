/**
 * What the tabs of a browser tell each other.
 *
 * @module
 */
import { sleep, type Clock } from "./clock.js";
import type { Emitter } from "./emitter.js";
import type { SyncEvents } from "./engine.js";

/** Documents that changed in another tab. */
export interface Notice {
  document_ids: string[];
  /** Whether they began anew from another state. */
  replaced: boolean;
}

/** What one tab tells the others. */
export type Message =
  | Notice
  /** The tab that keeps the stream of events is there. */
  | { beat: true }
  /** The tab that syncs goes on. */
  | { syncing: true }
  /** Save what is being written, and answer. */
  | { flush: string }
  | { flushed: string };

/** For so long other tabs are waited for, in milliseconds. What one of them could not save by then becomes a copy. */
const PATIENCE_MS = 300;

/** What a tab holds for as long as it uses a store, so that the others know of it. */
function presenceOf(name: string): string {
  return `landfall:${name}:tab`;
}

function webLocks(): LockManager | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
}

/** Shows other tabs that this one is there, until the returned function is called. */
export function bePresent(name: string): () => void {
  let leave: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  void webLocks()?.request(presenceOf(name), { mode: "shared" }, () => left);
  return leave;
}

/** Lets every other tab save what is being written in it. */
export async function flushOthers(channel: BroadcastChannel, clock: Clock, name: string): Promise<void> {
  const locks = await webLocks()?.query();
  const tabs = locks?.held?.filter((lock) => lock.name === presenceOf(name));
  let left = tabs ? tabs.length - 1 : Infinity;
  if (left <= 0) return;
  const done = new AbortController();
  const id = crypto.randomUUID();
  const hear = ({ data }: MessageEvent<Message>) => {
    if ("flushed" in data && data.flushed === id && (left -= 1) <= 0) done.abort();
  };
  channel.addEventListener("message", hear);
  channel.postMessage({ flush: id } satisfies Message);
  await sleep(clock, PATIENCE_MS, done.signal);
  channel.removeEventListener("message", hear);
}

/** How often a tab that syncs says so, and for how long it may be silent, in milliseconds. */
const BEAT_MS = 5000;
const SILENT_MS = 45_000;

/**
 * Watches the tab that syncs, since the others leave the work to it: one that hangs would keep it for good.
 *
 * @returns told how a sync of this tab ended, and answers whether the next one may take the work away
 */
export function watchSyncs(clock: Clock, events: Emitter<SyncEvents>, channel: BroadcastChannel): () => boolean {
  let toldMs = -Infinity;
  /** Since when nothing is known of the tab that syncs; nothing while none does. */
  let silentMs: number | undefined;
  events.on("progress", () => {
    if (clock.now() - toldMs < BEAT_MS) return;
    toldMs = clock.now();
    channel.postMessage({ syncing: true } satisfies Message);
  });
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if ("syncing" in data && silentMs !== undefined) silentMs = clock.now();
  });
  events.on("synced", ({ status }) => void (silentMs = status === "busy" ? (silentMs ?? clock.now()) : undefined));
  return () => silentMs !== undefined && clock.now() - silentMs > SILENT_MS;
}

/** Tells the other tabs what a sync of this one settled: they have no other way to see that it is no longer queued. */
export function relaySettled(events: Emitter<SyncEvents>, channel: BroadcastChannel): void {
  const settled = new Set<string>();
  const tell = (): void => {
    channel.postMessage({ document_ids: [...settled], replaced: false } satisfies Message);
    settled.clear();
  };
  events.on("result", ({ document_id }) => void (document_id !== undefined && settled.add(document_id)));
  events.on("dead-letter", ({ document_id }) => void settled.add(document_id));
  events.on("progress", () => void (settled.size > 0 && tell()));
  // Even if nothing else did, the time at which everything was last in sync has changed.
  events.on("synced", ({ status }) => void (status !== "busy" && tell()));
}

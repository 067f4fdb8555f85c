/**
 * What the tabs of a browser tell each other.
 *
 * @module
 */
import type { Emitter } from "./emitter.js";
import type { SyncEvents } from "./engine.js";

/** Documents that changed in another tab. */
export interface Notice {
  document_ids: string[];
  /** Whether they began anew from another state. */
  replaced: boolean;
}

/** Tells the other tabs what a sync of this one settled: they have no other way to see that it is no longer queued. */
export function relaySettled(events: Emitter<SyncEvents>, channel: BroadcastChannel): void {
  const settled = new Set<string>();
  const tell = (): void => {
    const notice: Notice = { document_ids: [...settled], replaced: false };
    channel.postMessage(notice);
    settled.clear();
  };
  events.on("result", ({ document_id }) => void (document_id !== undefined && settled.add(document_id)));
  events.on("dead-letter", ({ document_id }) => void settled.add(document_id));
  events.on("progress", () => void (settled.size > 0 && tell()));
  // Even if nothing else did, the time at which everything was last in sync has changed.
  events.on("synced", ({ status }) => void (status !== "busy" && tell()));
}

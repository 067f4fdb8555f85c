/**
 * What a browser may clear away when the disk is full.
 *
 * @module
 */
import type { Emitter } from "./emitter.js";
import type { SyncEvents } from "./engine.js";

/** Asks the browser, if there is one, to keep what is queued, once there is something that nobody else has. */
export function askToPersist(events: Emitter<SyncEvents>): void {
  const end = events.on("queued", () => {
    end();
    const { storage } = (globalThis.navigator ?? {}) as Partial<Navigator>;
    storage?.persist?.().catch(() => undefined);
  });
}

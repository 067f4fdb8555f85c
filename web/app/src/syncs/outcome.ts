/**
 * How a sync ended, in a sentence.
 *
 * @module
 */
import type { SyncReport } from "@landfall/client";

/** What became of a sync, and what it means for the work that waits here. */
export function outcomeOf({ status, progress, error, guard }: SyncReport): string {
  switch (status) {
    case "synced":
      return "The last sync ended well.";
    case "cancelled":
      return `Stopped at ${progress.processed} of ${progress.total}.`;
    case "auth-needed":
      return "Stopped at the login: log in, and it goes on.";
    case "offline":
      return "The server cannot be reached.";
    case "rate-limited":
      return "The server asks for a pause: too much was sent at once. The rest is sent later.";
    case "guarded":
      return guard?.side === "device"
        ? "Stopped: too much would be deleted from this device."
        : "Stopped: too much would be deleted on the server, so nothing is sent.";
    case "storage-full":
      return "This device has no room left. Nothing was lost: free some space, and sync again.";
    case "busy":
      return "Another window is syncing.";
    case "failed":
      return `The sync failed on this device: ${error instanceof Error ? error.message : String(error)}.`;
    case "refused":
      return `The server refused: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

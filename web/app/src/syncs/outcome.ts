/**
 * How a sync ended, in a sentence.
 *
 * @module
 */
import type { SyncReport } from "@landfall/client";
import { moment } from "../times.ts";

/** What became of a sync, and what it means for the work that waits here. */
export function outcomeOf({ status, progress, error, guard, again, retry_at }: SyncReport): string {
  const later = retry_at === undefined ? "" : ` It asks to be left alone until ${moment(retry_at)}.`;
  switch (status) {
    case "synced":
      return again === 0 ? "The last sync ended well." : "Some changes failed on the server; retrying…";
    case "cancelled":
      return `Stopped at ${progress.processed} of ${progress.total}.`;
    case "auth-needed":
      return "Stopped at the login: log in, and it goes on.";
    case "offline":
      return `The server cannot be reached.${later}`;
    case "rate-limited":
      return `The server asks for a pause: too much was sent at once. The rest is sent later.${later}`;
    case "guarded":
      return guard?.side === "device"
        ? "Many documents were deleted elsewhere: they wait for your answer, everything else is synced."
        : "Many documents were deleted here: they wait for your answer, everything else is synced.";
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

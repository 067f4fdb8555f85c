/**
 * Why something that lies on the server cannot be shown now, and what to do about it.
 *
 * @module
 */
import { LoginNeeded, RequestRefused, Unreachable } from "@landfall/client";
import { useSync } from "@landfall/react";
import type { ReactElement } from "react";
import { useOfflineSwitch } from "../offline.ts";

/** Whether the server may be asked now: somebody is logged in, wants to be online, and the server was there last. */
export function useMayAsk(): boolean {
  const { status, isPaused, needsLogin, isOnline } = useSync();
  return status !== undefined && !isPaused && !needsLogin && isOnline;
}

/**
 * Says what is in the way; nothing if nothing is.
 *
 * @param what a sentence that says what lies on the server
 */
export function Obstacle({
  what,
  error,
  onRetry,
}: {
  what: string;
  error: unknown;
  onRetry: () => void;
}): ReactElement | null {
  const { status, needsLogin, isOnline, sync } = useSync();
  const { isPaused, setPaused } = useOfflineSwitch();
  if (!status) return null;
  if (isPaused) {
    return (
      <p className="notice" role="status">
        {what} You chose to work offline.
        <button className="small-button" onClick={() => setPaused(false)}>
          Go online
        </button>
      </p>
    );
  }
  if (needsLogin || error instanceof LoginNeeded) {
    return (
      <p className="notice" role="status">
        {what} Log in, at the top of the page, to see this; your documents are here all the same.
      </p>
    );
  }
  const isAway = !isOnline || error instanceof Unreachable;
  if (!isAway && error === undefined) return null;
  return (
    <p className={isAway ? "notice" : "notice problem"} role={isAway ? "status" : "alert"}>
      {what} {isAway ? "The server cannot be reached; this is shown as soon as it can." : said(error)}
      <button className="small-button" onClick={() => (isOnline ? onRetry() : void sync())}>
        Try again
      </button>
    </p>
  );
}

/** An error of the server's, in a sentence. */
export function said(error: unknown): string {
  if (error instanceof Unreachable) return "The server cannot be reached. Nothing was changed; try again later.";
  if (error instanceof LoginNeeded) return "Somebody has to log in first.";
  if (error instanceof RequestRefused && error.status === 429) return "The server asks for a pause: try again soon.";
  if (error instanceof RequestRefused && error.status >= 500) return "The server is not well. Try again soon.";
  if (error instanceof RequestRefused) return `The server refused: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/**
 * Trying dead letters again.
 *
 * @module
 */
import type { DeadLetter } from "@landfall/client";
import { useSync } from "@landfall/react";
import { useState } from "react";
import { quoted } from "./letters.ts";

/** What {@link useRetry} gives. */
export interface Retry {
  /** Queues these again, syncs, and says what came of it. */
  retry: (letters: readonly DeadLetter[], title?: string) => Promise<void>;
  isRetrying: boolean;
}

/** Retries, and tells of the outcome through `say`. */
export function useRetry(say: (said: string) => void): Retry {
  const { client, retryDeadLetters, sync, isPaused, status } = useSync();
  const [isRetrying, setRetrying] = useState(false);

  async function retry(letters: readonly DeadLetter[], title?: string): Promise<void> {
    const what =
      title === undefined ? (letters.length === 1 ? "One change" : `${letters.length} changes`) : quoted(title);
    const isOne = letters.length === 1;
    setRetrying(true);
    try {
      const ids = letters.map(({ client_id }) => client_id);
      await retryDeadLetters(ids);
      if (isPaused || !status?.logged_in) {
        return say(`${what} ${isOne ? "is" : "are"} queued again, and will be sent with the next sync.`);
      }
      await sync();
      const queued = new Set((await client.queued()).map(({ client_id }) => client_id));
      const again = (await client.deadLetters()).filter(({ client_id }) => ids.includes(client_id)).length;
      const waiting = ids.filter((id) => queued.has(id)).length;
      if (waiting > 0) say(`${what} ${isOne ? "is" : "are"} queued again, and will be sent with the next sync.`);
      else if (again === 0) say(`${what} ${isOne ? "was" : "were"} sent.`);
      else if (isOne) say(`${what} was refused again.`);
      else say(`${what} were retried: ${letters.length - again} sent, ${again} refused again.`);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    } finally {
      setRetrying(false);
    }
  }
  return { retry, isRetrying };
}

/**
 * Why a document is not live, in plain words, and what to do about it.
 *
 * @module
 */
import type { LandfallProvider, LiveProblem } from "@landfall/client";
import { useCallback, useSyncExternalStore, type ReactElement } from "react";

const BY_SYNC = "Your changes are sent after each pause instead, and you see those of others then.";

interface Words {
  what: string;
  next: string;
}

/** By close code (docs/protocol.md §8). */
const WORDS: Readonly<Record<number, Words>> = {
  1009: { what: "A change was too large to be sent live.", next: `${BY_SYNC} Paste long texts in parts, or spread them over several documents.` },
  4403: { what: "You are no longer a member of this workspace.", next: "What you write stays on this device. Ask an owner to invite you again." },
  4404: { what: "This workspace is not open to you.", next: "What you write stays on this device. Ask an owner to invite you." },
  4429: { what: "Too many documents are open to edit this one live.", next: `${BY_SYNC} Close some of the others.` },
  4529: { what: "Too many tabs and devices are connected to edit this document live.", next: `${BY_SYNC} Close some of the others.` },
};

/** What passes by itself, or is said elsewhere on the page. */
const UNSAID = new Set([1012, 1013, 4401, 4410]);

function wordsFor({ code, reason }: LiveProblem): Words | undefined {
  if (code !== undefined && UNSAID.has(code)) return undefined;
  const known = code === undefined ? undefined : WORDS[code];
  return known ?? { what: `This document cannot be edited live: ${reason}.`, next: BY_SYNC };
}

/** Nothing, as long as the document is live or will soon be. */
export function LiveNotice({ provider }: { provider: LandfallProvider | undefined }): ReactElement | null {
  const problem = useProblem(provider);
  const words = problem && wordsFor(problem);
  if (!words) return null;
  return (
    <p className="notice" role="status">
      {words.what} {words.next}
    </p>
  );
}

function useProblem(provider: LandfallProvider | undefined): LiveProblem | undefined {
  const subscribe = useCallback(
    (listener: () => void) => {
      provider?.on("problem", listener);
      return () => provider?.off("problem", listener);
    },
    [provider],
  );
  return useSyncExternalStore(subscribe, () => provider?.problem);
}

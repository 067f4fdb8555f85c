/**
 * Both sides of one conflict, and the choice between them.
 *
 * @module
 */
import type { Conflict, Resolution, Settled } from "@landfall/client";
import { useSync } from "@landfall/react";
import { ArrowLeft, CopyPlus, Merge } from "lucide-react";
import { useRef, useState, type ReactElement } from "react";
import { go, hrefOf } from "../route.ts";
import { shownTitle } from "../titles.ts";
import { carry, useArrival } from "./arrival.ts";
import { choicesFor, explanationOf, type Mine } from "./clash.ts";
import { CopyForm } from "./CopyForm.tsx";
import { Differences } from "./Differences.tsx";
import { MergeForm } from "./MergeForm.tsx";
import { MySide, TheirSide } from "./Sides.tsx";
import { useMine } from "./use-mine.ts";

/** Takes a choice; `said` tells of it in the next view. */
export type Settle = (resolution: Resolution, said: string) => Promise<void>;

/** One conflict. */
export function OneConflict({ conflict }: { conflict: Conflict }): ReactElement {
  const { status } = useSync();
  const { heading, said } = useArrival(true);
  const mine = useMine(conflict);
  const { settle, isBusy, problem } = useSettle(conflict, mine);
  const { theirs } = conflict;
  const who = theirs.updated_by === status?.username ? "another of your devices" : theirs.updated_by;
  return (
    <section className="page conflicts">
      <a className="way-back" href={hrefOf({ view: "conflicts" })}>
        <ArrowLeft aria-hidden />
        All conflicts
      </a>
      <h1 ref={heading} tabIndex={-1}>
        {shownTitle(mine.title || theirs.title)}
      </h1>
      <p className="done" role="status">
        {said}
      </p>
      <p>{explanationOf(conflict, who)} Nothing is overwritten before you choose.</p>
      {problem !== undefined && (
        <p className="notice problem" role="alert">
          {problem}
        </p>
      )}
      <div className="sides">
        <MySide conflict={conflict} mine={mine} isBusy={isBusy} settle={settle} />
        <TheirSide conflict={conflict} mine={mine} who={who} isBusy={isBusy} settle={settle} />
      </div>
      <More conflict={conflict} mine={mine} isBusy={isBusy} settle={settle} />
      <Differences conflict={conflict} mine={mine} />
    </section>
  );
}

/** The choices that need a word more. */
function More({
  conflict,
  mine,
  isBusy,
  settle,
}: {
  conflict: Conflict;
  mine: Mine;
  isBusy: boolean;
  settle: Settle;
}): ReactElement | null {
  const [form, setForm] = useState<"merge" | "copy">();
  const openers = { merge: useRef<HTMLButtonElement>(null), copy: useRef<HTMLButtonElement>(null) };
  const { canMerge, canCopy } = choicesFor(mine, conflict);
  if (!canMerge && !canCopy) return null;
  const close = (): void => {
    if (form) openers[form].current?.focus();
    setForm(undefined);
  };
  const opener = (which: "merge" | "copy", label: string, icon: ReactElement): ReactElement => (
    <button
      ref={openers[which]}
      aria-expanded={form === which}
      disabled={isBusy}
      onClick={() => setForm(form === which ? undefined : which)}
    >
      {icon}
      {label}
    </button>
  );
  return (
    <div className="more">
      <p className="quiet">{canMerge ? "Or make one of both, or keep both:" : "Or keep your text apart:"}</p>
      <div className="actions">
        {canMerge && opener("merge", "Merge by hand", <Merge aria-hidden />)}
        {canCopy && opener("copy", "Keep both", <CopyPlus aria-hidden />)}
      </div>
      {form === "merge" && (
        <MergeForm conflict={conflict} mine={mine} isBusy={isBusy} settle={settle} onClose={close} />
      )}
      {form === "copy" && <CopyForm conflict={conflict} mine={mine} isBusy={isBusy} settle={settle} onClose={close} />}
    </div>
  );
}

/** Settles the conflict, starts a sync, and goes on to the next conflict, or else to the document. */
function useSettle(conflict: Conflict, mine: Mine): { settle: Settle; isBusy: boolean; problem: string | undefined } {
  const { conflicts, resolve, sync } = useSync();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  const settle: Settle = async (resolution, said) => {
    setBusy(true);
    setProblem(undefined);
    let settled: Settled;
    try {
      settled = await resolve(conflict.client_id, resolution);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
      return;
    }
    sync().catch((error: unknown) => console.error(error));
    const next = conflicts.find((each) => each.client_id !== conflict.client_id);
    const left = documentLeft(conflict, mine, resolution, settled);
    // One side or the other would have been lost.
    const isCopied = resolution.choice === "mine" && settled.copy_id !== undefined;
    if (next || left === undefined || isCopied) {
      carry(isCopied ? `The two cannot be merged: yours is kept as “${mine.title} (copy)”, beside the server’s.` : said);
      go(next ? { view: "conflicts", id: next.client_id } : { view: "conflicts" });
      return;
    }
    // The button that had the focus goes away with this view.
    document.getElementById("view")?.focus();
    go({ view: "document", id: left });
  };
  return { settle, isBusy, problem };
}

/** The document that a choice leaves to be looked at; none if it leaves a deleted one. */
function documentLeft(
  { document_id: id, theirs }: Conflict,
  mine: Mine,
  { choice }: Resolution,
  { copy_id }: Settled,
): string | undefined {
  if (choice === "mine") return mine.deleted ? undefined : id;
  if (choice === "merged") return id;
  return theirs.deleted ? copy_id : id;
}

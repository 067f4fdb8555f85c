/**
 * How the sync stands, in one line: what waits, how far it is, what to do.
 *
 * @module
 */
import type { Progress, SyncReport } from "@landfall/client";
import { useSync } from "@landfall/react";
import { useEffect, useState, type ReactElement } from "react";
import { outcomeOf } from "../syncs/outcome.ts";
import { ago, duration } from "../times.ts";
import { READ_ONLY, useMayWrite } from "../workspace.ts";
import { GuardDialog, useGuardQuestion } from "./GuardDialog.tsx";

/** How the sync stands. */
export function SyncPanel(): ReactElement {
  const { isSyncing, progress, report, cancel, resume, isPaused, status } = useSync();
  const mayWrite = useMayWrite();
  const question = useGuardQuestion();
  const isCounting = isSyncing && progress !== undefined && progress.total > 0;
  const canResume = !isSyncing && !isPaused && report?.status === "cancelled" && (status?.queued ?? 0) > 0;
  return (
    <section className="sync" aria-label="Sync">
      {isCounting && progress && <Bar progress={progress} />}
      <p className="sync-line">
        {isCounting && progress ? <Counts progress={progress} /> : <Standing />}
        {isCounting && (
          <button className="small-button" onClick={() => void cancel()}>
            Cancel sync
          </button>
        )}
        {canResume && (
          <button className="small-button" onClick={() => void resume()}>
            Resume sync
          </button>
        )}
        {question.guard && !question.isShown && (
          <button className="small-button" onClick={question.show}>
            Decide
          </button>
        )}
      </p>
      {!mayWrite && <p className="read-only">{READ_ONLY}</p>}
      {question.guard && question.isShown && <GuardDialog guard={question.guard} question={question} />}
    </section>
  );
}

function Bar({ progress }: { progress: Progress }): ReactElement {
  return <progress aria-label="Sync" max={progress.total} value={progress.processed} />;
}

/** Counts, rate, and the time that is left. */
function Counts({ progress }: { progress: Progress }): ReactElement {
  const now = useNow(500);
  const { processed, total, failed, started_at, estimated_completion } = progress;
  const seconds = (now - Date.parse(started_at)) / 1000;
  const rate = seconds > 0 ? Math.round(processed / seconds) : 0;
  const left = estimated_completion === undefined ? undefined : Date.parse(estimated_completion) - now;
  return (
    <span>
      {processed} of {total}
      {rate > 0 && <span className="quiet"> · {rate} a second</span>}
      {left !== undefined && left > 0 && <span className="quiet"> · {duration(left)} left</span>}
      {failed > 0 && <strong> · {failed} need attention</strong>}
    </span>
  );
}

function Standing(): ReactElement {
  const { status, isPaused, isSyncing, needsLogin, isOnline, report } = useSync();
  useNow(30_000);
  const queued = status?.queued ?? 0;
  const waiting = queued === 0 ? "" : queued === 1 ? " One change waits here." : ` ${queued} changes wait here.`;
  const attention = (status?.conflicts ?? 0) + (status?.dead_letters ?? 0);
  let text: string;
  if (!status) text = "Opening…";
  else if (isPaused) text = `Working offline.${waiting}`;
  else if (isSyncing) text = "Syncing…";
  else if (needsLogin || !status.logged_in) text = `Logged out: everything is kept on this device.${waiting}`;
  else if (!isOnline) text = `The server cannot be reached; retrying.${waiting}`;
  else if (report && report.status !== "synced") text = outcomeOf(report) + waiting;
  else if (queued > 0) text = waiting.trim();
  else text = `Synced${status.synced_at ? ` ${ago(status.synced_at)}` : ""}.${counted(report)}`;
  return (
    <span role="status">
      {text}
      {attention > 0 && <strong> {attention === 1 ? "1 change needs" : `${attention} changes need`} attention.</strong>}
    </span>
  );
}

function counted(report: SyncReport | undefined): string {
  const { total = 0, succeeded = 0 } = report?.progress ?? {};
  return total === 0 ? "" : ` ${succeeded} of ${total} synced.`;
}

/** The present time, kept fresh. */
function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

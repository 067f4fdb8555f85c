/**
 * The last sync of this device: what became of it, and of each change that it sent.
 *
 * @module
 */
import type { Progress, SyncReport } from "@landfall/client";
import { useDocuments, useSync } from "@landfall/react";
import type { ReactElement } from "react";
import { ago, duration, moment } from "../times.ts";
import { ErrorList } from "./ErrorList.tsx";
import { outcomeOf } from "./outcome.ts";

/** What this device knows of its last sync. */
export function LastSync(): ReactElement {
  const { report, progress, isSyncing, status } = useSync();
  const { documents } = useDocuments();
  const shown = isSyncing ? progress : report?.progress;
  const queued = status?.queued ?? 0;
  return (
    <section aria-label="This device">
      <h2>This device</h2>
      <p>
        {isSyncing ? "A sync is under way." : report ? endOf(report, status?.synced_at) : restOf(status?.synced_at)}
        {queued > 0 && ` ${queued === 1 ? "One change waits" : `${queued} changes wait`} here.`}
      </p>
      {shown && shown.total > 0 && <Counts progress={shown} pulled={isSyncing ? 0 : (report?.pulled ?? 0)} />}
      {shown && shown.errors.length > 0 && (
        <details>
          <summary>What went wrong</summary>
          <ErrorList errors={shown.errors} documents={documents} />
        </details>
      )}
    </section>
  );
}

function Counts({ progress, pulled }: { progress: Progress; pulled: number }): ReactElement {
  const { total, succeeded, failed, skipped, started_at } = progress;
  const told: [string, string | number][] = [
    ["Started", moment(started_at)],
    ["Changes", total],
    ["Succeeded", succeeded],
    ["Need attention", failed],
    ["Left for later", skipped],
    ["Documents fetched", pulled],
  ];
  return (
    <dl className="counts">
      {told.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function restOf(synced_at: string | undefined): string {
  if (synced_at === undefined) return "This device has never been in step with the server.";
  return `Everything was last in step with the server ${ago(synced_at)}.`;
}

function endOf(report: SyncReport, synced_at: string | undefined): string {
  if (report.status !== "synced") return outcomeOf(report);
  const { started_at } = report.progress;
  const took = synced_at === undefined ? -1 : Date.parse(synced_at) - Date.parse(started_at);
  return `The last sync ended well ${ago(started_at)}${took < 0 ? "" : `, in ${duration(took)}`}.`;
}

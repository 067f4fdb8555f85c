/**
 * The syncs of the past: the last one of this device, and those of all devices as the server remembers them.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { listSyncRuns, type SyncRunSummary } from "@landfall/client/workspace";
import { ChevronDown, RefreshCw, Undo2 } from "lucide-react";
import { useState, type ReactElement } from "react";
import { Obstacle, useMayAsk } from "../remote/Obstacle.tsx";
import { ReflowTable, type TableRow } from "../remote/ReflowTable.tsx";
import { usePages } from "../remote/use-remote.ts";
import { duration, moment } from "../times.ts";
import { useMayWrite } from "../workspace.ts";
import { ErrorsDialog } from "./ErrorsDialog.tsx";
import { LastSync } from "./LastSync.tsx";
import { RestoreTo } from "./RestoreTo.tsx";
import { TakeBackDialog } from "./TakeBackDialog.tsx";
import "./syncs.css";

/** Syncs of a page. */
const PAGE_SIZE = 25;

const COLUMNS = ["Started", "Direction", "Device", "Changes", "Succeeded", "Need attention", "Took", "Outcome", "Actions"];

/** The view of past syncs. */
export default function SyncsView(): ReactElement {
  const { client, status, report, isSyncing } = useSync();
  const when = useMayAsk();
  const runs = usePages(status?.workspace_id ?? "", () => listSyncRuns(client, { pageSize: PAGE_SIZE }), {
    when,
    fresh: `${isSyncing} ${report?.progress.started_at}`,
  });
  const mayWrite = useMayWrite();
  const [asked, setAsked] = useState<SyncRunSummary>();
  const [undone, setUndone] = useState<SyncRunSummary>();
  const [told, setTold] = useState("");
  const { items } = runs;
  return (
    <section className="page syncs">
      <h1>Past syncs</h1>
      <LastSync />
      <h2>All of your devices</h2>
      <p className="quiet">Each sync that sent something to this workspace. Fetching alone is not recorded.</p>
      {(!when || runs.error !== undefined) && (
        <Obstacle what="This list is kept on the server." error={runs.error} onRetry={runs.reload} />
      )}
      {runs.isLoading && <p className="opening">Opening…</p>}
      {items?.length === 0 && <p>Nothing was sent yet.</p>}
      {items && items.length > 0 && (
        <ReflowTable
          label="Past syncs"
          columns={COLUMNS}
          endsInActions
          rows={items.map((run) => rowOf(run, status?.device_id, () => setAsked(run), mayWrite ? () => setUndone(run) : undefined))}
        />
      )}
      {items && (
        <p className="actions">
          <button className="small-button" onClick={runs.reload}>
            <RefreshCw aria-hidden />
            Look again
          </button>
          {runs.more && (
            <button className="small-button" disabled={runs.isGrowing} onClick={runs.more}>
              <ChevronDown aria-hidden />
              Older syncs
            </button>
          )}
        </p>
      )}
      {mayWrite && when && <RestoreTo onDone={setTold} />}
      <p role="status">{told}</p>
      {undone && (
        <TakeBackDialog
          title={`Undo the sync of ${moment(undone.started_at)}?`}
          verb="Undo"
          what={{ sync_id: undone.sync_id }}
          onDone={(done) => {
            setUndone(undefined);
            setTold(done);
          }}
          onClose={() => setUndone(undefined)}
        />
      )}
      {asked && <ErrorsDialog run={asked} onClose={() => setAsked(undefined)} />}
    </section>
  );
}

const DIRECTIONS = { push: "Sent", pull: "Fetched", both: "Sent and fetched" };

const OUTCOMES = {
  idle: "Just begun",
  processing: "Under way",
  completed: "Done",
  error: "Broken off",
  cancelled: "Cancelled",
};

function rowOf(
  run: SyncRunSummary,
  device: string | undefined,
  onErrors: () => void,
  onUndo: (() => void) | undefined,
): TableRow {
  const { sync_id, started_at, finished_at, direction, device_id, status, message, error_count } = run;
  const took = finished_at === undefined ? "" : duration(Date.parse(finished_at) - Date.parse(started_at));
  const started = moment(started_at);
  return {
    key: sync_id,
    cells: [
      <time dateTime={started_at}>{started}</time>,
      DIRECTIONS[direction],
      device_id === undefined ? "" : device_id === device ? "This device" : "Another device",
      run.total,
      run.succeeded,
      run.failed + run.skipped,
      took,
      <span className={`outcome ${status}`} title={message}>
        {OUTCOMES[status]}
      </span>,
      <>
        {error_count > 0 && (
          <button className="small-button" aria-label={`Show errors of the sync of ${started}`} onClick={onErrors}>
            Show errors
          </button>
        )}
        {onUndo && run.succeeded > 0 && (
          <button className="small-button" aria-label={`Undo the sync of ${started}`} onClick={onUndo}>
            <Undo2 aria-hidden />
            Undo
          </button>
        )}
      </>,
    ],
  };
}

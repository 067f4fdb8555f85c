/**
 * What went wrong in a sync, asked for when somebody wants to know.
 *
 * @module
 */
import { useDocuments, useSync } from "@landfall/react";
import { readSyncRun, type SyncRunSummary } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { Obstacle } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { Dialog } from "../shell/Dialog.tsx";
import { moment } from "../times.ts";
import { ErrorList } from "./ErrorList.tsx";

/** The errors of one sync. */
export function ErrorsDialog({ run, onClose }: { run: SyncRunSummary; onClose: () => void }): ReactElement {
  const { client } = useSync();
  const { documents } = useDocuments();
  const { value, error, isLoading, reload } = useRemote(run.sync_id, () => readSyncRun(client, run.sync_id));
  return (
    <Dialog title={`Errors of the sync of ${moment(run.started_at)}`} onClose={onClose}>
      {isLoading && <p role="status">Opening…</p>}
      {error !== undefined && <Obstacle what="The errors are kept on the server." error={error} onRetry={reload} />}
      {value?.message !== undefined && <p>{value.message}</p>}
      {value && <ErrorList errors={value.errors} documents={documents} />}
      {value && value.error_count > value.errors.length && (
        <p className="quiet">These are the newest {value.errors.length} of {value.error_count}.</p>
      )}
      <div className="actions">
        <button autoFocus onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

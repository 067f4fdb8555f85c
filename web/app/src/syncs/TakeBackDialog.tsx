/**
 * Taking back a sync, or all that was done since a moment: what would change is shown first.
 *
 * @module
 */
import { useDocuments, useSync } from "@landfall/react";
import {
  previewRestore,
  readSyncRun,
  restoreDocuments,
  type BatchAnswer,
  type PutBack,
} from "@landfall/client/workspace";
import { useRef, useState, type ReactElement } from "react";
import { Obstacle } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { Dialog } from "../shell/Dialog.tsx";
import { shownTitle } from "../titles.ts";

/** Documents that are listed. */
const LISTED = 100;
/** Between two looks at a restore that goes on by itself, in milliseconds. */
const LOOK_EVERY = 500;

/** Asks, with a preview; `onDone` is told what came of it. */
export function TakeBackDialog({
  title,
  verb,
  what,
  onDone,
  onClose,
}: {
  title: string;
  /** What the button says. */
  verb: string;
  what: PutBack;
  onDone: (told: string) => void;
  onClose: () => void;
}): ReactElement {
  const { client } = useSync();
  const { value, error, isLoading, reload } = useRemote(JSON.stringify(what), () => previewRestore(client, what));
  const [isWorking, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();
  // The same for each try, so that it is done once.
  const name = useRef(crypto.randomUUID());
  const documents = value?.documents ?? 0;

  async function takeBack(): Promise<void> {
    setWorking(true);
    setProblem(undefined);
    try {
      let answer: Counts = countsOf(await restoreDocuments(client, what, name.current));
      while (answer.runId !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
        answer = countsOf(await readSyncRun(client, answer.runId));
      }
      await client.sync();
      const left = answer.failed === 0 ? "" : ` ${counted(answer.failed)} stayed as they are.`;
      onDone(`${counted(answer.done)} put back.${left}`);
    } catch (refusal) {
      setProblem(refusal instanceof Error ? refusal.message : String(refusal));
      setWorking(false);
    }
  }

  return (
    <Dialog title={title} onClose={onClose}>
      {isLoading && <p role="status">Looking…</p>}
      {error !== undefined && <Obstacle what="The history is kept on the server." error={error} onRetry={reload} />}
      {value && documents === 0 && <p>Nothing has changed since: there is nothing to take back.</p>}
      {value && documents > 0 && (
        <>
          <p>
            {counted(documents)} would change, by new edits: what others wrote since on other lines stays, and this can be
            undone as well.
          </p>
          <Preview answer={value} />
        </>
      )}
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button className="main-button" disabled={documents === 0 || isWorking} onClick={() => void takeBack()}>
          {isWorking ? "Working…" : verb}
        </button>
        <button disabled={isWorking} onClick={onClose}>
          Leave it as it is
        </button>
      </div>
    </Dialog>
  );
}

interface Counts {
  done: number;
  failed: number;
  /** The run that it goes on under; absent when it has ended. */
  runId: string | undefined;
}

function countsOf(answer: object): Counts {
  const { results, successful, failed, skipped, succeeded, status, sync_id } = answer as Partial<{
    results: unknown[];
    successful: number;
    failed: number;
    skipped: number;
    succeeded: number;
    status: string;
    sync_id: string;
  }>;
  const goesOn = results === undefined && (status === "idle" || status === "processing");
  return {
    done: successful ?? succeeded ?? 0,
    failed: (failed ?? 0) + (skipped ?? 0),
    runId: goesOn ? sync_id : undefined,
  };
}

function Preview({ answer }: { answer: BatchAnswer }): ReactElement {
  const { documents } = useDocuments();
  const titles = new Map(documents.map(({ document_id, title }) => [document_id, title]));
  const hidden = (answer.documents ?? 0) - Math.min(answer.results.length, LISTED);
  return (
    <ul className="preview" aria-label="What would change">
      {answer.results.slice(0, LISTED).map(({ client_id, document_id, status, error, change }) => (
        <li key={client_id}>
          <strong>{nameOf(change?.title?.to ?? titles.get(document_id ?? ""))}</strong>{" "}
          {status === "success" ? effectOf(change) : `stays as it is: ${reasonOf(error)}`}
          {change?.diff !== undefined && (
            <details>
              <summary>Show the difference</summary>
              <pre tabIndex={0}>{change.diff}</pre>
            </details>
          )}
        </li>
      ))}
      {hidden > 0 && <li>and {counted(hidden)} more</li>}
    </ul>
  );
}

function nameOf(title: string | undefined): string {
  return title === undefined ? "A deleted document" : shownTitle(title);
}

/** Why a document cannot be taken back; the server's own words are for programs that can send something else. */
function reasonOf(error: BatchAnswer["results"][number]["error"]): string {
  if (error?.code === "version_mismatch") return "a later change clashes with that";
  if (error?.code === "deleted") return "it was deleted since";
  return error?.message ?? "the server does not say why";
}

function effectOf(change: BatchAnswer["results"][number]["change"]): string {
  const effects = [];
  if (change?.deleted) effects.push(change.deleted.to ? "is deleted" : "comes back");
  if (change?.title) effects.push(`is called that again, not “${shownTitle(change.title.from)}”`);
  if (change?.diff !== undefined || change?.omitted) effects.push("gets its text back");
  return effects.join(", ") || "stays as it is";
}

function counted(count: number): string {
  return count === 1 ? "1 document" : `${count} documents`;
}

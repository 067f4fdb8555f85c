/**
 * What was deleted, here or elsewhere, and can still be brought back.
 *
 * @module
 */
import type { LocalDocument } from "@landfall/client";
import { useDocuments, useSync } from "@landfall/react";
import { RotateCcw } from "lucide-react";
import { useEffect, useState, type ReactElement } from "react";
import { go, hrefOf } from "../route.ts";
import { ago, moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { useMayWrite } from "../workspace.ts";

/** The view of deleted documents. */
export default function DeletedView(): ReactElement {
  const { client } = useSync();
  const mayWrite = useMayWrite();
  const deleted = useDeleted();
  const [problem, setProblem] = useState<string>();

  async function bringBack({ document_id: id }: LocalDocument): Promise<void> {
    try {
      await client.queueUpdate(id, { restore: true });
    } catch (error) {
      return setProblem(error instanceof Error ? error.message : String(error));
    }
    // The button that had the focus goes away with this view.
    document.getElementById("view")?.focus();
    go({ view: "document", id });
  }

  return (
    <section className="page">
      <h1>Deleted</h1>
      <p>
        Deleted documents stay here for a while, and can be brought back, with or without a network. Their history,
        which is kept on the server, has their text.
      </p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          It could not be brought back: {problem}
        </p>
      )}
      {deleted?.length === 0 && <p>Nothing was deleted.</p>}
      {deleted && deleted.length > 0 && (
        <ul className="rows" aria-label="Deleted documents">
          {deleted.map((document) => (
            <li key={document.document_id}>
              <a href={hrefOf({ view: "history", id: document.document_id })}>{shownTitle(document.title)}</a>
              <span className="quiet">
                deleted{" "}
                <time dateTime={document.updated_at} title={moment(document.updated_at)}>
                  {ago(document.updated_at)}
                </time>
              </span>
              {mayWrite && (
                <button
                  className="small-button"
                  aria-label={`Bring back ${shownTitle(document.title)}`}
                  onClick={() => void bringBack(document)}
                >
                  <RotateCcw aria-hidden />
                  Bring back
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** The deleted documents, newest first; read anew whenever the live ones change. */
function useDeleted(): LocalDocument[] | undefined {
  const { client } = useSync();
  const { documents } = useDocuments();
  const [deleted, setDeleted] = useState<LocalDocument[]>();
  useEffect(() => {
    let wanted = true;
    void client.documents({ deleted: true }).then((found) => {
      if (wanted) setDeleted(found.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at)));
    });
    return () => void (wanted = false);
  }, [client, documents]);
  return deleted;
}

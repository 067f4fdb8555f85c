/**
 * Tells what was deleted last, and takes it back.
 *
 * @module
 */
import { useDocuments } from "@landfall/react";
import { X } from "lucide-react";
import { useEffect, useRef, useState, type ReactElement } from "react";
import { go } from "../route.ts";
import { shownTitle } from "../titles.ts";
import type { Deletion } from "./deletion.ts";

/** The notice; it stays until it is answered, since nothing else may lead back to what the server never had. */
export function DeletionNotice({
  deletion,
  onDone,
}: {
  deletion: Deletion | undefined;
  onDone: () => void;
}): ReactElement {
  const [problem, setProblem] = useState<string>();
  useReturn(deletion, onDone);

  function leave(): void {
    setProblem(undefined);
    onDone();
    // The button that had the focus goes away.
    document.getElementById("view")?.focus();
  }

  async function undo({ document_id, undo: bringBack }: Deletion): Promise<void> {
    try {
      await bringBack();
    } catch (error) {
      return setProblem(error instanceof Error ? error.message : String(error));
    }
    go({ view: "document", id: document_id });
    leave();
  }

  return (
    <div className={deletion ? "notice deletion" : "unseen"}>
      {/* There from the beginning, so that what comes into it is told. */}
      <p role="status">{deletion && `“${shownTitle(deletion.title)}” was deleted.`}</p>
      {deletion && (
        <>
          <button className="small-button" onClick={() => void undo(deletion)}>
            Undo
          </button>
          <button className="small-button quiet-button" aria-label="Dismiss" title="Dismiss" onClick={leave}>
            <X aria-hidden />
          </button>
        </>
      )}
      {problem !== undefined && (
        <p className="problem" role="alert">
          It could not be brought back: {problem}
        </p>
      )}
    </div>
  );
}

/** A document may come back by another way; then nothing is left to tell. */
function useReturn(deletion: Deletion | undefined, onReturn: () => void): void {
  const { documents } = useDocuments();
  const isHere = documents.some(({ document_id }) => document_id === deletion?.document_id);
  const gone = useRef<Deletion>(undefined);
  useEffect(() => {
    // The list may still have it when its deletion is told.
    if (deletion && !isHere) gone.current = deletion;
    else if (deletion && gone.current === deletion) onReturn();
  });
}

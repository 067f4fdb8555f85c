/**
 * Keeping both sides: this device's becomes a document of its own.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import { useDocuments } from "@landfall/react";
import { useEffect, useId, useMemo, useRef, useState, type FormEvent, type ReactElement } from "react";
import { copyTitle, isTaken, type Mine } from "./clash.ts";
import type { Settle } from "./OneConflict.tsx";
import { shownTitle } from "../titles.ts";

/** Asks for the title of the copy; one that is free stands there already. */
export function CopyForm({
  conflict,
  mine,
  isBusy,
  settle,
  onClose,
}: {
  conflict: Conflict;
  mine: Mine;
  isBusy: boolean;
  settle: Settle;
  onClose: () => void;
}): ReactElement {
  const { documents } = useDocuments();
  const { document_id, theirs } = conflict;
  const taken = useMemo(() => {
    const others = documents.filter((each) => each.document_id !== document_id).map(({ title }) => title);
    return theirs.deleted ? others : [...others, theirs.title];
  }, [documents, document_id, theirs]);
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  const [hint, refusal] = [useId(), useId()];
  // A title that only this device gave is free once the document has theirs again.
  const [start] = useState(() => (isTaken(mine.title, taken) ? copyTitle(mine.title, taken) : mine.title));
  useEffect(() => field.current?.select(), []);

  function save(event: FormEvent): void {
    event.preventDefault();
    const title = field.current?.value.trim() ?? "";
    if (!isTaken(title, taken)) {
      const kept = theirs.deleted ? "" : ` next to “${shownTitle(theirs.title)}”`;
      return void settle({ choice: "copy", title }, `Kept your side as “${title}”${kept}.`);
    }
    setProblem(`Another document has the title “${title}”. Give the copy one of its own.`);
    field.current?.focus();
  }

  return (
    <form className="choice-form" onSubmit={save}>
      <label>
        Title of the copy
        <input
          ref={field}
          defaultValue={start}
          maxLength={500}
          required
          pattern=".*\S.*"
          aria-describedby={`${hint} ${refusal}`}
          aria-invalid={problem !== undefined}
        />
      </label>
      <p className="quiet" id={hint}>
        {theirs.deleted
          ? "The old document stays deleted; your text becomes a new one."
          : `Your side becomes a new document, and “${shownTitle(theirs.title)}” is what they made of it.`}
      </p>
      <p className="problem" id={refusal} role="alert">
        {problem}
      </p>
      <div className="actions">
        <button className="main-button" disabled={isBusy}>
          Save copy
        </button>
        <button type="button" className="quiet-button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

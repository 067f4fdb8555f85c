/**
 * The title, to be changed in place.
 *
 * @module
 */
import { useState, type ReactElement } from "react";
import { useDraft } from "./use-draft.ts";

/** How long after the last key a title counts as meant, in milliseconds. */
const MEANT_AFTER_MS = 600;

/** What a title that is being typed stands for: nothing while it is empty. */
function meaning(typed: string): string | undefined {
  return typed.trim() || undefined;
}

/** A field for the title. What is typed is queued when it counts as meant, and at the latest when the field is left. */
export function TitleField({
  title,
  version,
  onRename,
  onTyping,
  isReadOnly = false,
}: {
  title: string;
  /** The document's version that `title` is of. */
  version: number;
  /** Queues a title, with the version on which it was typed. */
  onRename: (title: string, version: number) => Promise<unknown>;
  /** Is told whether a title was typed that is not on disk yet. */
  onTyping: (isTyping: boolean) => void;
  isReadOnly?: boolean;
}): ReactElement {
  const [problem, setProblem] = useState<unknown>();
  const draft = useDraft({
    present: title,
    version,
    pauseMs: MEANT_AFTER_MS,
    meaning,
    queue: onRename,
    onTyping,
    onProblem: setProblem,
  });
  return (
    <>
      <input
        className="title-field"
        aria-label="Title"
        value={draft.value}
        maxLength={500}
        readOnly={isReadOnly}
        onChange={(event) => draft.type(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && draft.settle()}
        onBlur={draft.settle}
      />
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem instanceof Error ? problem.message : String(problem)}
        </p>
      )}
    </>
  );
}

/**
 * An editor of a document that is no Yjs document: its text is queued as a whole, and the server merges it by line.
 *
 * @module
 */
import type { ReactElement } from "react";
import { useDraft } from "./use-draft.ts";

/** How long after the last key a text is queued, in milliseconds. */
const PAUSE_MS = 400;

/** A text stands for itself, an empty one too. */
function meaning(typed: string): string {
  return typed;
}

/** A field for the whole text. What others changed appears while nothing is being typed here. */
export function PlainTextEditor({
  content,
  version,
  onEdit,
  onTyping,
  onProblem,
  isReadOnly = false,
}: {
  content: string;
  /** The document's version that `content` is of. */
  version: number;
  /** Queues a text, with the version on which it was typed. */
  onEdit: (content: string, version: number) => Promise<unknown>;
  /** Is told whether something was typed that is not on disk yet. */
  onTyping: (isTyping: boolean) => void;
  /** Is told why a text could not be saved; of nothing, once it is. */
  onProblem: (problem: unknown) => void;
  isReadOnly?: boolean;
}): ReactElement {
  const draft = useDraft({ present: content, version, pauseMs: PAUSE_MS, meaning, queue: onEdit, onTyping, onProblem });
  return (
    <textarea
      className="writing"
      aria-label="Text"
      placeholder={isReadOnly ? undefined : "Write here"}
      readOnly={isReadOnly}
      value={draft.value}
      onChange={(event) => draft.type(event.target.value)}
    />
  );
}

/**
 * A text made from both sides by hand.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import { useEffect, useId, useRef, useState, type FormEvent, type ReactElement } from "react";
import { markerLine, type Mine } from "./clash.ts";
import type { Settle } from "./OneConflict.tsx";
import { shownTitle } from "../titles.ts";

/** Title and text of the merged document; refused while conflict markers are left in it. */
export function MergeForm({
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
  const { theirs, merge } = conflict;
  const sides = [mine.content, theirs.content ?? ""];
  // The text with markers was made from what was sent; if more was typed since, that must not be lost.
  const [start] = useState(merge !== undefined && mine.content === conflict.mine.content ? merge : mine.content);
  const [problem, setProblem] = useState<string>();
  const titleField = useRef<HTMLInputElement>(null);
  const textField = useRef<HTMLTextAreaElement>(null);
  const [hint, refusal] = [useId(), useId()];
  useEffect(() => titleField.current?.focus(), []);

  function save(event: FormEvent): void {
    event.preventDefault();
    const title = titleField.current?.value.trim() ?? "";
    const content = textField.current?.value ?? "";
    const at = markerLine(content, sides);
    if (at < 0) return void settle({ choice: "merged", title, content }, `Saved your merge of “${title}”.`);
    setProblem(
      `Line ${at + 1} is still a conflict marker. Keep what shall stay, take out every line that begins with ` +
        "<<<<<<<, ======= or >>>>>>>, and save again.",
    );
    select(textField.current, at);
  }

  return (
    <form className="choice-form" onSubmit={save}>
      <label>
        Merged title
        <input ref={titleField} defaultValue={mine.title} maxLength={500} required pattern=".*\S.*" />
      </label>
      {mine.title !== theirs.title && (
        <p className="quiet">
          Mine is “{shownTitle(mine.title)}”, theirs “{shownTitle(theirs.title)}”.
        </p>
      )}
      <label>
        Merged text
        <textarea
          ref={textField}
          defaultValue={start}
          rows={14}
          spellCheck
          aria-describedby={`${hint} ${refusal}`}
          aria-invalid={problem !== undefined}
        />
      </label>
      <p className="quiet" id={hint}>
        {start === merge
          ? "What clashes stands between <<<<<<< and >>>>>>>, mine above the ======= and theirs below it. Everything else is merged already."
          : mine.content === theirs.content
            ? "The texts are the same already; only the title is to be chosen."
            : "This is your text. Add to it what you want to have of theirs."}
      </p>
      <p className="problem" id={refusal} role="alert">
        {problem}
      </p>
      <div className="actions">
        <button className="main-button" disabled={isBusy}>
          Save merged
        </button>
        <button type="button" className="quiet-button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** Shows a line of the text by selecting it. */
function select(field: HTMLTextAreaElement | null, line: number): void {
  if (!field) return;
  const lines = field.value.split("\n");
  const start = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[line]?.length ?? 0));
}

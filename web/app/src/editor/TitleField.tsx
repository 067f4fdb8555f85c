/**
 * The title, to be changed in place.
 *
 * @module
 */
import { useEffect, useRef, useState, type ReactElement } from "react";

/** How long after the last key a title counts as meant, in milliseconds. */
const MEANT_AFTER_MS = 600;

/** A field for the title. What is typed is queued when it counts as meant, and at the latest when the field is left. */
export function TitleField({
  title,
  onRename,
}: {
  title: string;
  onRename: (title: string) => Promise<unknown>;
}): ReactElement {
  const [typed, setTyped] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const latest = useRef({ typed, title, onRename });
  latest.current = { typed, title, onRename };

  const save = useRef(() => {
    const { typed: wanted, title: present, onRename: rename } = latest.current;
    if (wanted === undefined || wanted.trim() === "" || wanted.trim() === present) return;
    rename(wanted.trim()).then(
      () => setProblem(undefined),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }).current;

  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(save, MEANT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed, save]);
  useEffect(() => save, [save]);

  return (
    <>
      <input
        className="title-field"
        aria-label="Title"
        value={typed ?? title}
        maxLength={500}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        onBlur={() => {
          save();
          setTyped(undefined);
        }}
      />
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

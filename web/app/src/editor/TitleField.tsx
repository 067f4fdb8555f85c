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
  version,
  onRename,
  onTyping,
}: {
  title: string;
  /** The document's version that `title` is of. */
  version: number;
  /** Queues a title, with the version on which it was typed. */
  onRename: (title: string, version: number) => Promise<unknown>;
  /** Is told whether a title was typed that is not on disk yet. */
  onTyping: (isTyping: boolean) => void;
}): ReactElement {
  const [typed, setTyped] = useState<string>();
  const [problem, setProblem] = useState<string>();
  /** Another version may come in between the first key and the queueing: it must not count as seen, unless it is one's own. */
  const began = useRef(version);
  const queued = useRef<string>(undefined);
  if (typed === undefined || title === queued.current) began.current = version;
  const latest = useRef({ typed, title, onRename });
  latest.current = { typed, title, onRename };

  const save = useRef(async (): Promise<void> => {
    const { typed: wanted, title: present, onRename: rename } = latest.current;
    if (wanted === undefined || wanted.trim() === "" || wanted.trim() === present) return;
    await rename(wanted.trim(), began.current).then(
      () => {
        queued.current = wanted.trim();
        setProblem(undefined);
      },
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }).current;

  const meant = typed?.trim() ?? "";
  const isTyping = meant !== "" && meant !== title;
  useEffect(() => onTyping(isTyping), [isTyping, onTyping]);

  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(() => void save(), MEANT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed, save]);
  useEffect(() => () => void save(), [save]);

  /** Saves at once; then the field shows the document's title again, whoever gave it. */
  function settle(): void {
    void save().then(() => setTyped((now) => (now === typed ? undefined : now)));
  }

  return (
    <>
      <input
        className="title-field"
        aria-label="Title"
        value={typed ?? title}
        maxLength={500}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && settle()}
        onBlur={settle}
      />
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

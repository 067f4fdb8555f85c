/**
 * An editor of a document that is no Yjs document: its text is queued as a whole, and the server merges it by line.
 *
 * @module
 */
import { useEffect, useRef, useState, type ReactElement } from "react";

/** How long after the last key a text is queued, in milliseconds. */
const PAUSE_MS = 400;

/** A field for the whole text. What others changed appears while nothing is being typed here. */
export function PlainTextEditor({
  content,
  onEdit,
}: {
  content: string;
  onEdit: (content: string) => Promise<unknown>;
}): ReactElement {
  const [typed, setTyped] = useState<string>();
  const latest = useRef({ typed, onEdit });
  latest.current = { typed, onEdit };
  const save = useRef(() => {
    const { typed: wanted, onEdit: edit } = latest.current;
    if (wanted !== undefined) void edit(wanted).then(() => setTyped((now) => (now === wanted ? undefined : now)));
  }).current;

  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(save, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, save]);
  // What was typed last is not lost when the view is left.
  useEffect(() => save, [save]);

  return (
    <textarea
      className="writing"
      aria-label="Text"
      placeholder="Write here"
      value={typed ?? content}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

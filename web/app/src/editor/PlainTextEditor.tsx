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
  version,
  onEdit,
  onTyping,
}: {
  content: string;
  /** The document's version that `content` is of. */
  version: number;
  /** Queues a text, with the version on which it was typed. */
  onEdit: (content: string, version: number) => Promise<unknown>;
  /** Is told whether something was typed that is not on disk yet. */
  onTyping: (isTyping: boolean) => void;
}): ReactElement {
  const [typed, setTyped] = useState<string>();
  /** What is on disk, though `content` may not tell it yet. */
  const [saved, setSaved] = useState<string>();
  /** Another version may come in between the first key and the queueing: it must not count as seen. */
  const began = useRef(version);
  if (typed === undefined) began.current = version;
  const latest = useRef({ typed, saved, onEdit });
  latest.current = { typed, saved, onEdit };
  const save = useRef(() => {
    const { typed: wanted, saved: present, onEdit: edit } = latest.current;
    if (wanted !== undefined && wanted !== present) void edit(wanted, began.current).then(() => setSaved(wanted));
  }).current;

  const isTyping = typed !== undefined && typed !== saved && typed !== content;
  useEffect(() => onTyping(isTyping), [isTyping, onTyping]);
  useEffect(() => {
    // Until the list has been read anew, `content` is what was there before the last keys: it must not come back.
    setTyped((now) => (now === content || now === latest.current.saved ? undefined : now));
    setSaved(undefined);
  }, [content]);
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

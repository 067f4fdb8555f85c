/**
 * An editor of a document that is no Yjs document: its text is queued as a whole, and the server merges it by line.
 *
 * @module
 */
import { useEffect, useRef, useState, type ReactElement } from "react";

/** How long after the last key a text is queued, in milliseconds. */
const PAUSE_MS = 400;

/** Between two tries to queue what could not be saved, in milliseconds. */
const RETRY_MS = 3000;

/** A field for the whole text. What others changed appears while nothing is being typed here. */
export function PlainTextEditor({
  content,
  version,
  onEdit,
  onTyping,
  onProblem,
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
}): ReactElement {
  const [typed, setTyped] = useState<string>();
  /** What is on disk, though `content` may not tell it yet. */
  const [saved, setSaved] = useState<string>();
  const [failures, setFailures] = useState(0);
  /** Another version may come in between the first key and the queueing: it must not count as seen, unless it is one's own. */
  const began = useRef(version);
  const queued = useRef<string>(undefined);
  if (typed === undefined || content === queued.current) began.current = version;
  const latest = useRef({ typed, saved, onEdit, onProblem });
  latest.current = { typed, saved, onEdit, onProblem };
  const save = useRef(() => {
    const { typed: wanted, saved: present, onEdit: edit, onProblem: tell } = latest.current;
    if (wanted === undefined || wanted === present) return;
    const done = (): void => {
      queued.current = wanted;
      setSaved(wanted);
      setFailures(0);
      tell(undefined);
    };
    const failed = (error: unknown): void => {
      setFailures((count) => count + 1);
      tell(error);
    };
    void edit(wanted, began.current).then(done, failed);
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
    const timer = setTimeout(save, failures === 0 ? PAUSE_MS : RETRY_MS);
    return () => clearTimeout(timer);
  }, [typed, failures, save]);
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

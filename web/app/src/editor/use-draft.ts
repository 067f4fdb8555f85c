/**
 * A value that is typed here while others may change it too.
 *
 * @module
 */
import { useEffect, useRef, useState } from "react";

/** Between two tries to queue what could not be saved, in milliseconds. */
const RETRY_MS = 3000;

/** What a draft is made of. */
export interface DraftOptions {
  /** The document's value, of this device. */
  present: string;
  /** The document's version that it is of. */
  version: number;
  /** How long after the last key a draft counts as meant, in milliseconds. */
  pauseMs: number;
  /** What a draft stands for; absent where it stands for nothing yet. */
  meaning: (typed: string) => string | undefined;
  /** Queues a value, with the version on which it was typed. */
  queue: (value: string, version: number) => Promise<unknown>;
  /** Is told whether something was typed that is not on disk yet. */
  onTyping: (isTyping: boolean) => void;
  /** Is told why a value could not be queued; of nothing, once it is. */
  onProblem: (problem: unknown) => void;
}

/** A draft, as a field needs it. */
export interface Draft {
  /** What the field shows. */
  value: string;
  /** Takes what was typed. */
  type: (value: string) => void;
  /** Queues it at once: nothing more is typed. What stands for nothing is given up. */
  settle: () => void;
}

/**
 * Queues what is typed once it counts as meant, at the latest when the field goes away, and tries again what could not be
 * queued. What others changed appears while nothing is being typed here.
 */
export function useDraft(options: DraftOptions): Draft {
  const { present, version, pauseMs, onTyping } = options;
  const [typed, setTyped] = useState<string>();
  /** What is on disk, though `present` may not tell it yet. */
  const [saved, setSaved] = useState<string>();
  const [failures, setFailures] = useState(0);
  /** Another version may come in between the first key and the queueing: it must not count as seen, unless it is one's own. */
  const began = useRef(version);
  const queued = useRef<string>(undefined);
  if (typed === undefined || present === queued.current) began.current = version;
  const latest = useRef({ ...options, typed, saved });
  latest.current = { ...options, typed, saved };

  const save = useRef(async (): Promise<void> => {
    const { typed: draft, present: known, saved: onDisk, meaning, queue, onProblem } = latest.current;
    const wanted = draft === undefined ? undefined : meaning(draft);
    if (wanted === undefined || wanted === known || wanted === onDisk) return;
    try {
      await queue(wanted, began.current);
    } catch (problem) {
      setFailures((count) => count + 1);
      return onProblem(problem);
    }
    queued.current = wanted;
    setSaved(wanted);
    setFailures(0);
    onProblem(undefined);
  }).current;

  const meant = typed === undefined ? undefined : options.meaning(typed);
  const isTyping = meant !== undefined && meant !== saved && meant !== present;
  useEffect(() => onTyping(isTyping), [isTyping, onTyping]);
  useEffect(() => {
    // Until the document has been read anew, `present` is what was there before the last keys: it must not come back.
    setTyped((now) => (now === present || now === latest.current.saved ? undefined : now));
    setSaved(undefined);
  }, [present]);
  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(() => void save(), failures === 0 ? pauseMs : RETRY_MS);
    return () => clearTimeout(timer);
  }, [typed, failures, pauseMs, save]);
  // What was typed last is not lost when the view is left.
  useEffect(() => () => void save(), [save]);

  function settle(): void {
    void save();
    setTyped(meant === present ? undefined : meant);
  }

  return { value: typed ?? present, type: setTyped, settle };
}

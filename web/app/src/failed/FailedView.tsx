/**
 * What the server refused for good, or what failed too often: kept here until it is retried or discarded.
 *
 * @module
 */
import type { DeadLetter } from "@landfall/client";
import { useDocuments, useSync } from "@landfall/react";
import { Check, Download, RotateCcw } from "lucide-react";
import { useEffect, useRef, useState, type ReactElement } from "react";
import { shownTitle } from "../titles.ts";
import { download } from "./download.ts";
import { GiveUpDialog } from "./GiveUpDialog.tsx";
import { LetterRow } from "./LetterRow.tsx";
import { quoted } from "./letters.ts";
import { useRetry } from "./use-retry.ts";
import "./failed.css";

/** The view of dead letters. */
export default function FailedView(): ReactElement {
  const { client, deadLetters, discardDeadLetter, status, sync } = useSync();
  const { documents } = useDocuments();
  const [said, setSaid] = useState("");
  const [asked, setAsked] = useState<DeadLetter>();
  const { retry, isRetrying } = useRetry(setSaid);
  const heading = useRef<HTMLHeadingElement>(null);
  useFocusAfter(asked ? undefined : deadLetters.length, heading);

  const titleOf = ({ document_id: id, operation }: DeadLetter): string => {
    const title = documents.find((each) => each.document_id === id)?.title ?? operation.title;
    return title === undefined ? "A document without a title here" : shownTitle(title);
  };

  async function giveUp(letter: DeadLetter): Promise<void> {
    const title = titleOf(letter);
    await discardDeadLetter(letter.client_id);
    setAsked(undefined);
    setSaid(`Gave up ${quoted(title)}.`);
    // What the server has in its place comes with a sync.
    sync().catch((error: unknown) => console.error(error));
  }

  async function save(): Promise<void> {
    download(`landfall-failed-${new Date().toISOString().slice(0, 10)}.json`, await client.exportDeadLetters());
    setSaid("Exported everything that failed, with its texts.");
  }

  if (!status) return <p className="opening">Opening…</p>;
  return (
    <section className="page failed">
      <h1 ref={heading} tabIndex={-1}>
        Failed
      </h1>
      <p className="done" role="status">
        {said}
      </p>
      {deadLetters.length === 0 ? (
        <p className="nothing">
          <Check aria-hidden /> Nothing failed. What the server refuses would be kept here, and hold up nothing else.
        </p>
      ) : (
        <>
          <p>
            The server refused{" "}
            {deadLetters.length === 1 ? "this change. It is" : `these ${deadLetters.length} changes. They are`} kept on
            this device, and everything else goes on.
          </p>
          <div className="actions">
            <button disabled={isRetrying} onClick={() => void retry(deadLetters)}>
              <RotateCcw aria-hidden />
              Retry all
            </button>
            <button onClick={() => void save()}>
              <Download aria-hidden />
              Export
            </button>
          </div>
          <ul className="letters">
            {deadLetters.map((letter) => (
              <LetterRow
                key={letter.client_id}
                letter={letter}
                title={titleOf(letter)}
                isHere={documents.some((each) => each.document_id === letter.document_id)}
                isBusy={isRetrying}
                onRetry={() => void retry([letter], titleOf(letter))}
                onGiveUp={() => setAsked(letter)}
              />
            ))}
          </ul>
        </>
      )}
      {asked && (
        <GiveUpDialog
          letter={asked}
          title={titleOf(asked)}
          onClose={() => setAsked(undefined)}
          onGiveUp={() => giveUp(asked)}
        />
      )}
    </section>
  );
}

/**
 * When a row goes, the button that had the focus goes with it: the heading takes it over.
 *
 * @param rows how many there are; `undefined` while a dialog has the focus
 */
function useFocusAfter(rows: number | undefined, heading: { current: HTMLElement | null }): void {
  const before = useRef(rows ?? 0);
  useEffect(() => {
    if (rows === undefined) return;
    const isFewer = rows < before.current;
    before.current = rows;
    if (!isFewer) return;
    // A dialog that closes gives the focus back first.
    const timer = setTimeout(() => document.activeElement === document.body && heading.current?.focus());
    return () => clearTimeout(timer);
  }, [rows, heading]);
}

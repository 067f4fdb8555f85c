/**
 * One dead letter.
 *
 * @module
 */
import type { DeadLetter } from "@landfall/client";
import { RotateCcw, Trash2 } from "lucide-react";
import { useId, type ReactElement } from "react";
import { hrefOf } from "../route.ts";
import { ago, moment } from "../times.ts";
import { adviceOn, deedOf } from "./letters.ts";

/** What was tried, why it was refused, and what can be done. */
export function LetterRow({
  letter,
  title,
  isHere,
  isBusy,
  onRetry,
  onGiveUp,
}: {
  letter: DeadLetter;
  title: string;
  /** Whether the document can be opened. */
  isHere: boolean;
  isBusy: boolean;
  onRetry: () => void;
  onGiveUp: () => void;
}): ReactElement {
  const heading = useId();
  const { error, buried_at, document_id: id } = letter;
  const advice = adviceOn(letter);
  return (
    <li className="letter" aria-labelledby={heading}>
      <div className="letter-text">
        <h2 id={heading}>{isHere ? <a href={hrefOf({ view: "document", id })}>{title}</a> : title}</h2>
        <p className="quiet">
          {deedOf(letter)} failed{" "}
          <time dateTime={buried_at} title={moment(buried_at)}>
            {ago(buried_at)}
          </time>
          .
        </p>
        <p className="reason">
          {error.message} <code>{error.code}</code>
        </p>
        {advice !== undefined && <p>{advice}</p>}
      </div>
      <div className="letter-deeds">
        <button aria-describedby={heading} disabled={isBusy} onClick={onRetry}>
          <RotateCcw aria-hidden />
          Retry
        </button>
        <button className="danger-button" aria-describedby={heading} disabled={isBusy} onClick={onGiveUp}>
          <Trash2 aria-hidden />
          Discard
        </button>
      </div>
    </li>
  );
}

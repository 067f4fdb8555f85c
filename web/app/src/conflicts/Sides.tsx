/**
 * The two sides of a conflict, each with the button that keeps it.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import { Check, Cloud, Laptop } from "lucide-react";
import { useId, type ReactElement, type ReactNode } from "react";
import { ago, moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { isTitleAlone, type Mine } from "./clash.ts";
import type { Settle } from "./OneConflict.tsx";

/** What this device has. */
export function MySide({
  conflict,
  mine,
  isBusy,
  settle,
}: {
  conflict: Conflict;
  mine: Mine;
  isBusy: boolean;
  settle: Settle;
}): ReactElement {
  const { theirs, operation } = conflict;
  const outcome = mine.deleted
    ? "Deletes the document for everybody; its history is kept."
    : theirs.deleted
      ? "Brings the document back, with your text."
      : isTitleAlone(conflict, mine)
        ? "The document gets your title everywhere."
        : "Your side becomes the document; theirs stays in its history.";
  return (
    <Side
      name="Mine"
      icon={<Laptop aria-hidden />}
      about={<>on this device, {since(operation.queued_at)}</>}
      title={mine.title}
      otherTitle={theirs.title}
      text={mine.deleted ? undefined : mine.content}
      deleted="You deleted it."
      keep="Keep mine"
      outcome={outcome}
      isBusy={isBusy}
      onKeep={() =>
        settle({ choice: "mine" }, mine.deleted ? `Deleted “${shownTitle(theirs.title)}”.` : `Kept your side of “${shownTitle(mine.title)}”.`)
      }
    />
  );
}

/** What the server has. */
export function TheirSide({
  conflict,
  mine,
  who,
  isBusy,
  settle,
}: {
  conflict: Conflict;
  mine: Mine;
  who: string;
  isBusy: boolean;
  settle: Settle;
}): ReactElement {
  const { theirs } = conflict;
  const outcome = theirs.deleted
    ? "It stays deleted; what you wrote here is discarded."
    : mine.deleted
      ? "The document comes back to this device."
      : isTitleAlone(conflict, mine)
        ? "The document gets their title here too."
        : "Their side becomes the document; what you wrote here is discarded.";
  return (
    <Side
      name="Theirs"
      icon={<Cloud aria-hidden />}
      about={
        <>
          on the server, by {who}, {since(theirs.deleted_at ?? theirs.updated_at)}
        </>
      }
      title={theirs.title}
      otherTitle={mine.title}
      text={theirs.deleted ? undefined : (theirs.content ?? "")}
      deleted="It was deleted."
      keep="Keep theirs"
      outcome={outcome}
      isBusy={isBusy}
      onKeep={() =>
        settle(
          { choice: "theirs" },
          theirs.deleted ? `“${shownTitle(theirs.title)}” stays deleted.` : `Kept their side of “${shownTitle(theirs.title)}”.`,
        )
      }
    />
  );
}

function since(time: string): ReactNode {
  return (
    <time dateTime={time} title={moment(time)}>
      {ago(time)}
    </time>
  );
}

function Side({
  name,
  icon,
  about,
  title,
  otherTitle,
  text,
  deleted,
  keep,
  outcome,
  isBusy,
  onKeep,
}: {
  name: string;
  icon: ReactNode;
  about: ReactNode;
  title: string;
  otherTitle: string;
  /** The text; `undefined` if this side deleted the document. */
  text: string | undefined;
  deleted: string;
  keep: string;
  outcome: string;
  isBusy: boolean;
  onKeep: () => Promise<void>;
}): ReactElement {
  const heading = useId();
  const hint = useId();
  return (
    <section className="side-of" aria-labelledby={heading}>
      <header>
        <h2 id={heading}>
          {icon}
          {name}
        </h2>
        <p className="quiet">{about}</p>
      </header>
      <p className={title === otherTitle ? "side-title" : "side-title differs"}>{shownTitle(title)}</p>
      {text === undefined ? (
        <p className="side-text gone">{deleted}</p>
      ) : (
        <div className="side-text" role="group" aria-label={`${name}: text`} tabIndex={0}>
          {text === "" ? <span className="quiet">The text is empty.</span> : text}
        </div>
      )}
      <footer>
        <button className="main-button" aria-describedby={hint} disabled={isBusy} onClick={() => void onKeep()}>
          <Check aria-hidden />
          {keep}
        </button>
        <p className="quiet" id={hint}>
          {outcome}
        </p>
      </footer>
    </section>
  );
}

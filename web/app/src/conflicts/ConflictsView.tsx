/**
 * The conflicts of this device: all of them, or both sides of one.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import { useSync } from "@landfall/react";
import { Check } from "lucide-react";
import { useState, type ReactElement } from "react";
import { hrefOf } from "../route.ts";
import { ago, moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { useArrival } from "./arrival.ts";
import { kindOf } from "./clash.ts";
import { OneConflict } from "./OneConflict.tsx";
import "./conflicts.css";

/** The view of conflicts; with `id`, the `client_id` of one, both sides of that. */
export default function ConflictsView({ id }: { id?: string | undefined }): ReactElement {
  const { conflicts, status } = useSync();
  const found = conflicts.find((each) => each.client_id === id);
  // Once it is settled it is no longer in the list, and is shown until the next view is.
  const [shown, setShown] = useState(found);
  if (found && found !== shown) setShown(found);
  const conflict = found ?? shown;

  if (!status) return <p className="opening">Opening…</p>;
  if (id === undefined) return <All conflicts={conflicts} />;
  return conflict ? <OneConflict conflict={conflict} /> : <Settled />;
}

function All({ conflicts }: { conflicts: readonly Conflict[] }): ReactElement {
  const { heading, said } = useArrival(false);
  return (
    <section className="page conflicts">
      <h1 ref={heading} tabIndex={-1}>
        Conflicts
      </h1>
      <p className="done" role="status">
        {said}
      </p>
      {conflicts.length === 0 ? (
        <p className="nothing">
          <Check aria-hidden /> Nothing clashes. When two devices change the same thing and the server cannot put it
          together, both sides are kept and wait here for your choice.
        </p>
      ) : (
        <>
          <p>
            Both sides of {conflicts.length === 1 ? "this document" : `these ${conflicts.length} documents`} are kept,
            and nothing is overwritten before you choose. What you write meanwhile stays on this device.
          </p>
          <ul className="rows">
            {conflicts.map((conflict) => (
              <Row key={conflict.client_id} conflict={conflict} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Row({ conflict }: { conflict: Conflict }): ReactElement {
  const { client_id: id, mine, theirs, detected_at } = conflict;
  return (
    <li>
      <a href={hrefOf({ view: "conflicts", id })}>{shownTitle(mine.title || theirs.title)}</a>
      <span className="quiet">
        {kindOf(conflict)}, found{" "}
        <time dateTime={detected_at} title={moment(detected_at)}>
          {ago(detected_at)}
        </time>
      </span>
    </li>
  );
}

function Settled(): ReactElement {
  return (
    <section className="page conflicts">
      <h1>This conflict is settled</h1>
      <p>It was settled before, perhaps in another window.</p>
      <a href={hrefOf({ view: "conflicts" })}>All conflicts</a>
    </section>
  );
}

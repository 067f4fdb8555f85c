/**
 * What differs between the two sides of a conflict, and what each changed since they were one.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import type { ReactElement } from "react";
import { Difference } from "../difference/Difference.tsx";
import { shownTitle } from "../titles.ts";
import type { Mine } from "./clash.ts";

/** The differences; nothing where a side deleted the document and there is nothing to compare it with. */
export function Differences({ conflict, mine }: { conflict: Conflict; mine: Mine }): ReactElement | null {
  const { theirs, base } = conflict;
  const here = mine.deleted ? undefined : mine.content;
  const there = theirs.deleted ? undefined : (theirs.content ?? "");
  return (
    <>
      {here !== undefined && there !== undefined && (
        <section>
          <h2>Differences</h2>
          {here !== there && (
            <p className="quiet">
              <del>Struck through</del> is only in theirs, <ins>underlined</ins> only in mine.
            </p>
          )}
          <Difference before={there} after={here} label="Differences from theirs to mine" />
        </section>
      )}
      {base && (
        <details>
          <summary>What both began with</summary>
          <p>
            Version {base.version}: <strong>{shownTitle(base.title)}</strong>
          </p>
          {here !== undefined && <Since side="mine" before={base.content ?? ""} after={here} />}
          {there !== undefined && <Since side="theirs" before={base.content ?? ""} after={there} />}
        </details>
      )}
    </>
  );
}

function Since({ side, before, after }: { side: "mine" | "theirs"; before: string; after: string }): ReactElement {
  const label = side === "mine" ? "What you changed since" : "What they changed since";
  return (
    <>
      <h3>{label}</h3>
      <Difference before={before} after={after} label={label} />
    </>
  );
}

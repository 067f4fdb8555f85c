/**
 * Shows what differs between two texts.
 *
 * @module
 */
import { useMemo, type ReactElement } from "react";
import { compare, type Piece } from "./compare.ts";
import "./difference.css";

/** The difference from `before` to `after`, in the words of `label` for those who listen. */
export function Difference({ before, after, label }: { before: string; after: string; label: string }): ReactElement {
  const rows = useMemo(() => compare(before, after), [before, after]);
  if (rows.length === 0) return <p className="quiet">The texts are the same.</p>;
  return (
    <div className="difference" role="region" aria-label={label} tabIndex={0}>
      {rows.map((row, index) =>
        row.kind === "skipped" ? (
          <p key={index} className="skipped">
            {row.lines} unchanged lines
          </p>
        ) : (
          <p key={index}>{row.pieces.length === 0 ? <br /> : row.pieces.map(shown)}</p>
        ),
      )}
    </div>
  );
}

function shown({ kind, text }: Piece, index: number): ReactElement {
  // The elements say what the colours say; an added empty line has to be seen too.
  if (kind === "added") return <ins key={index}>{text || " "}</ins>;
  if (kind === "removed") return <del key={index}>{text || " "}</del>;
  return <span key={index}>{text}</span>;
}

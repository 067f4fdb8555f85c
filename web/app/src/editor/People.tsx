/**
 * Who else is in the document.
 *
 * @module
 */
import type { Person } from "@landfall/react";
import { useEffect, useRef, type ReactElement } from "react";

/** More than so many are counted. */
const MOST = 5;

/** The others, each by name in a colour. */
export function People({ others }: { others: readonly Person[] }): ReactElement | null {
  if (others.length === 0) return null;
  return (
    <ul className="people" aria-label="Also here">
      {others.slice(0, MOST).map(({ clientId, name, color }) => (
        <Chip key={clientId} name={name} color={color} />
      ))}
      {others.length > MOST && <li>and {others.length - MOST} more</li>}
    </ul>
  );
}

function Chip({ name, color }: { name: string; color: string }): ReactElement {
  const chip = useRef<HTMLLIElement>(null);
  useEffect(() => chip.current?.style.setProperty("--color", color), [color]);
  return (
    <li className="person" ref={chip}>
      {name}
    </li>
  );
}

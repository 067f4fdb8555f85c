/**
 * What is carried from one view to the next after a choice: what was done, and where the focus goes.
 *
 * @module
 */
import { useEffect, useRef, useState, type RefObject } from "react";

let carried: string | undefined;

/** Says in the next view what was done. */
export function carry(said: string): void {
  carried = said;
}

/** A view's heading, and what was done before it was shown. */
export interface Arrival {
  heading: RefObject<HTMLHeadingElement | null>;
  /** For a live region: empty at first, so that the change is read out. */
  said: string;
}

/**
 * Moves the focus to the heading of a view.
 *
 * @param always or only after something was done
 */
export function useArrival(always: boolean): Arrival {
  const heading = useRef<HTMLHeadingElement>(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => {
      if (always || carried !== undefined) heading.current?.focus();
      setSaid(carried ?? "");
      carried = undefined;
    });
    return () => clearTimeout(timer);
  }, [always]);
  return { heading, said };
}

/**
 * What came of a step.
 *
 * @module
 */
import type { ReactElement } from "react";
import type { Step } from "./use-step.ts";

/** A line that says so. */
export function Outcome({ step: { told, problem } }: { step: Step }): ReactElement {
  return (
    <>
      <p role="status">{told}</p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

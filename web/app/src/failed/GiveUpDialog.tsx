/**
 * Asks before something is lost for good.
 *
 * @module
 */
import type { DeadLetter } from "@landfall/client";
import { useState, type ReactElement } from "react";
import { Dialog } from "../shell/Dialog.tsx";
import { lossOf } from "./letters.ts";

/** Says what is lost by giving up, and does it only when told to. */
export function GiveUpDialog({
  letter,
  title,
  onClose,
  onGiveUp,
}: {
  letter: DeadLetter;
  title: string;
  onClose: () => void;
  onGiveUp: () => Promise<void>;
}): ReactElement {
  const [problem, setProblem] = useState<string>();
  return (
    <Dialog title="Discard this change?" onClose={onClose}>
      <p>{lossOf(letter, title)}</p>
      <p className="quiet">“Export” keeps it as a file first.</p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button className="main-button" autoFocus onClick={onClose}>
          Keep it
        </button>
        <button
          className="danger-button"
          onClick={() =>
            onGiveUp().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
          }
        >
          Discard for good
        </button>
      </div>
    </Dialog>
  );
}

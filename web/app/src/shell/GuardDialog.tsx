/**
 * The question before very much is deleted.
 *
 * @module
 */
import type { MassDeletion, SyncReport } from "@landfall/client";
import { useSync } from "@landfall/react";
import { useState, type ReactElement } from "react";
import { useMayWrite } from "../workspace.ts";
import { Dialog } from "./Dialog.tsx";

/** How the question stands. */
export interface Question {
  /** What the last sync asks, if nobody answered that yet. */
  guard: MassDeletion | undefined;
  /** Whether it is shown; once it was put off, only when somebody wants it, or when the numbers change. */
  isShown: boolean;
  /** Shows it again. */
  show: () => void;
  /** Puts it off. */
  putOff: () => void;
  /** Notes that it was answered. */
  settle: () => void;
}

/** What the last sync asks before it deletes so much. */
export function useGuardQuestion(): Question {
  const { report } = useSync();
  const [later, setLater] = useState<string>();
  const [settled, setSettled] = useState<SyncReport>();
  // Each sync asks anew until it is answered.
  const guard = report === settled ? undefined : report?.guard;
  const name = guard && `${guard.side} ${guard.deletions}`;
  return {
    guard,
    isShown: name !== undefined && name !== later,
    show: () => setLater(undefined),
    putOff: () => setLater(name),
    settle() {
      setLater(undefined);
      setSettled(report);
    },
  };
}

/** Says what would be deleted where, and does what is chosen. */
export function GuardDialog({ guard, question }: { guard: MassDeletion; question: Question }): ReactElement {
  const { sync, takeBackDeletions } = useSync();
  const mayWrite = useMayWrite();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const isHere = guard.side === "server";

  async function takeBack(): Promise<void> {
    setBusy(true);
    try {
      await takeBackDeletions();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return setBusy(false);
    }
    question.settle();
    void sync();
  }

  return (
    <Dialog title="Delete so much?" onClose={question.putOff}>
      <Explanation guard={guard} mayWrite={mayWrite} />
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button
          className="main-button"
          autoFocus
          disabled={isBusy}
          onClick={() => (isHere ? void takeBack() : question.putOff())}
        >
          Keep them
        </button>
        {!isHere && mayWrite && (
          <button disabled={isBusy} onClick={() => void takeBack()}>
            Bring them back
          </button>
        )}
        <button
          className="danger-button"
          disabled={isBusy}
          onClick={() => {
            question.settle();
            void sync({ allowMassDelete: true });
          }}
        >
          Delete {guard.deletions} documents
        </button>
      </div>
    </Dialog>
  );
}

function Explanation({ guard, mayWrite }: { guard: MassDeletion; mayWrite: boolean }): ReactElement {
  const { side, deletions, documents } = guard;
  if (side === "server") {
    return (
      <p>
        On this device {deletions} of {documents} documents were deleted. They have left the list here, and are still on
        the server. Everything else is synced. Keep them, and they come back to the list; or delete them for everybody.
      </p>
    );
  }
  return (
    <p>
      Elsewhere {deletions} of the {documents} documents of this device were deleted. They are still here. Keep them on
      this device alone, {mayWrite && "bring them back for everybody, "}or delete them here too. Everything else is synced.
    </p>
  );
}

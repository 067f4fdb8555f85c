/**
 * Logging out, and what becomes of the documents on this device.
 *
 * @module
 */
import type { Status } from "@landfall/client";
import { useSync } from "@landfall/react";
import { useState, type ReactElement } from "react";
import { useAccount } from "../account.ts";
import { Dialog } from "./Dialog.tsx";

/** How much would be lost. */
function unsentOf(status: Status | undefined): number {
  return (status?.queued ?? 0) + (status?.conflicts ?? 0) + (status?.dead_letters ?? 0);
}

/** Asks whether the documents stay in this browser, where whoever uses it next can read them. */
export function LogoutDialog({ onClose }: { onClose: () => void }): ReactElement {
  const { status: latest, client } = useSync();
  const [asked, setAsked] = useState<Status>();
  const status = asked ?? latest;
  const account = useAccount();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const unsent = unsentOf(status);

  async function leave(removes: boolean): Promise<void> {
    setBusy(true);
    try {
      await client.flush();
      // What was written a moment ago is not counted on the screen yet.
      const now = await client.status();
      if (removes && unsentOf(now) > unsent) {
        setAsked(now);
        return setBusy(false);
      }
      await account.leave(removes);
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Log out?" onClose={onClose}>
      <p>
        Your documents can stay in this browser: you can go on writing without a login, and so can everybody else who uses this
        computer. On a shared computer, remove them.
      </p>
      {unsent > 0 && (
        <p className="problem">
          {unsent === 1 ? "One change is" : `${unsent} changes are`} not on the server yet. Removing the documents loses{" "}
          {unsent === 1 ? "it" : "them"}.
        </p>
      )}
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button className="main-button" autoFocus disabled={isBusy} onClick={() => void leave(false)}>
          Keep documents here
        </button>
        <button className="danger-button" disabled={isBusy} onClick={() => void leave(true)}>
          Remove everything
        </button>
        <button disabled={isBusy} onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

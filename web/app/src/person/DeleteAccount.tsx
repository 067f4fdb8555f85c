/**
 * Deleting the account.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { deleteAccount } from "@landfall/client/workspace";
import { useState, type FormEvent, type ReactElement } from "react";
import { Dialog } from "../shell/Dialog.tsx";
import { Outcome } from "./Outcome.tsx";
import { useStep } from "./use-step.ts";

/** A button, and the question behind it. */
export function DeleteAccount(): ReactElement {
  const { client, logout } = useSync();
  const step = useStep();
  const [isAsking, setAsking] = useState(false);

  async function remove(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    if (await step.take(() => deleteAccount(client, password), "The account is deleted.")) {
      setAsking(false);
      await logout();
    }
  }

  return (
    <>
      <h2>Delete the account</h2>
      <p>
        <button className="danger-button" onClick={() => setAsking(true)}>
          Delete account
        </button>
      </p>
      {!isAsking && <Outcome step={step} />}
      {isAsking && (
        <Dialog title="Delete the account?" onClose={() => setAsking(false)}>
          <p>
            The server forgets you, and every workspace that nobody else is a member of, with all documents in it. What you
            wrote in others’ workspaces stays there, without your name. What is on this device stays until you log out with
            its removal.
          </p>
          <form onSubmit={(event) => void remove(event)}>
            <label>
              Password
              <input name="password" type="password" autoComplete="current-password" required />
            </label>
            <Outcome step={step} />
            <div className="actions">
              <button className="danger-button" disabled={step.isBusy}>
                Delete
              </button>
              <button type="button" autoFocus onClick={() => setAsking(false)}>
                Keep
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

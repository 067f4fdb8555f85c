/**
 * Logging in, or making an account.
 *
 * @module
 */
import { RequestRefused, Unreachable } from "@landfall/client";
import { useSync } from "@landfall/react";
import { useState, type FormEvent, type ReactElement } from "react";
import { useAccount } from "../account.ts";
import { Dialog } from "./Dialog.tsx";

/** Asks for name and password; closes when they are taken. */
export function LoginDialog({
  username,
  onClose,
}: {
  username: string | undefined;
  onClose: () => void;
}): ReactElement {
  const { status } = useSync();
  const account = useAccount();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const queued = status?.queued ?? 0;

  async function enter(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget, (event.nativeEvent as SubmitEvent).submitter);
    const how = form.get("how") === "register" ? "register" : "login";
    setBusy(true);
    setProblem(undefined);
    try {
      await account.enter(how, String(form.get("username")).trim(), String(form.get("password")));
      onClose();
    } catch (error) {
      setProblem(said(error));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Log in" onClose={onClose}>
      <form onSubmit={(event) => void enter(event)}>
        {queued > 0 && (
          <p className="hint">
            {queued === 1 ? "One change waits" : `${queued} changes wait`} on this device, and will be sent.
          </p>
        )}
        <label>
          Username
          <input name="username" defaultValue={username} autoComplete="username" autoCapitalize="none" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem !== undefined && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <div className="actions">
          <button className="main-button" name="how" value="login" disabled={isBusy}>
            Log in
          </button>
          <button name="how" value="register" disabled={isBusy}>
            Create account
          </button>
          <button type="button" className="quiet-button" onClick={onClose}>
            Not now
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function said(error: unknown): string {
  if (error instanceof Unreachable) return "The server cannot be reached. What you write is kept here; log in later.";
  if (error instanceof RequestRefused && error.status === 401) {
    return "There is no such username with this password. If you are new here, create an account.";
  }
  return error instanceof Error ? error.message : String(error);
}

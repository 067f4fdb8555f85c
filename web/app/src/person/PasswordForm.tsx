/**
 * Setting another password.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { changePassword } from "@landfall/client/workspace";
import type { FormEvent, ReactElement } from "react";
import { Outcome } from "./Outcome.tsx";
import { useStep } from "./use-step.ts";

/** A form for the old password and the new one. */
export function PasswordForm({ onChanged }: { onChanged: () => void }): ReactElement {
  const { client } = useSync();
  const step = useStep();

  async function change(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const [old, wanted] = [String(given.get("old")), String(given.get("new"))];
    const done = "The password is changed. Other devices have to log in again.";
    if (await step.take(() => changePassword(client, old, wanted), done)) {
      form.reset();
      onChanged();
    }
  }

  return (
    <>
      <h2>Password</h2>
      <form className="line" aria-label="Change password" onSubmit={(event) => void change(event)}>
        <label>
          Old password
          <input name="old" type="password" autoComplete="current-password" required />
        </label>
        <label>
          New password
          <input name="new" type="password" autoComplete="new-password" minLength={8} maxLength={1024} required />
        </label>
        <button disabled={step.isBusy}>Change password</button>
      </form>
      <Outcome step={step} />
    </>
  );
}

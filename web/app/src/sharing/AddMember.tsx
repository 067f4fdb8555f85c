/**
 * Adding somebody to the workspace.
 *
 * @module
 */
import type { Role } from "@landfall/client/workspace";
import { UserPlus } from "lucide-react";
import { useId, useState, type FormEvent, type ReactElement } from "react";
import { accountName } from "../accounts.ts";
import { MEANING, ROLES, roleOf } from "./roles.ts";

/** A form for a name and a role; it says why where it cannot be used. */
export function AddMember({
  isEnabled,
  hindrance,
  onAdd,
}: {
  isEnabled: boolean;
  hindrance: string | undefined;
  /** Resolves with whether they were added. */
  onAdd: (username: string, role: Role) => Promise<boolean>;
}): ReactElement {
  const [isBusy, setBusy] = useState(false);
  const reason = useId();
  const roleField = useId();

  async function add(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const username = accountName(String(given.get("username")).trim());
    if (username === "") return;
    setBusy(true);
    const isAdded = await onAdd(username, roleOf(given.get("role")));
    setBusy(false);
    if (isAdded) form.reset();
  }

  return (
    <form className="line" aria-label="Add a member" onSubmit={(event) => void add(event)}>
      <label>
        Username
        <input
          name="username"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          disabled={!isEnabled}
        />
      </label>
      <div>
        <label htmlFor={roleField}>Role</label>
        <select id={roleField} name="role" defaultValue="editor" disabled={!isEnabled}>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {role}: {MEANING[role]}
            </option>
          ))}
        </select>
      </div>
      <button className="main-button" disabled={!isEnabled || isBusy} aria-describedby={hindrance && reason}>
        <UserPlus aria-hidden />
        Add
      </button>
      {hindrance !== undefined && (
        <p className="quiet" id={reason}>
          {hindrance}
        </p>
      )}
    </form>
  );
}

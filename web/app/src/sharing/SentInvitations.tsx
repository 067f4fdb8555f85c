/**
 * Those who are invited into the workspace and have not said yes yet.
 *
 * @module
 */
import type { Invitation } from "@landfall/client/workspace";
import { UserMinus } from "lucide-react";
import type { ReactElement } from "react";
import { articled } from "./roles.ts";

/** A line for each of them; nothing where there is nobody. */
export function SentInvitations({
  invitations,
  isEnabled,
  onWithdraw,
}: {
  invitations: readonly Invitation[];
  isEnabled: boolean;
  onWithdraw: (username: string) => void;
}): ReactElement | null {
  if (invitations.length === 0) return null;
  return (
    <ul className="invitations" aria-label="Open invitations">
      {invitations.map(({ username, role }) => (
        <li key={username}>
          <span>
            {username} is invited as {articled(role)}, and has not accepted yet.
          </span>
          <button
            className="small-button"
            aria-label={`Withdraw the invitation of ${username}`}
            disabled={!isEnabled}
            onClick={() => onWithdraw(username)}
          >
            <UserMinus aria-hidden />
            Withdraw
          </button>
        </li>
      ))}
    </ul>
  );
}

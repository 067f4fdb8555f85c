/**
 * The members in a table.
 *
 * @module
 */
import type { Member, Role } from "@landfall/client/workspace";
import { UserMinus } from "lucide-react";
import type { ReactElement } from "react";
import { ReflowTable } from "../remote/ReflowTable.tsx";
import { moment } from "../times.ts";
import { ROLES, roleOf } from "./roles.ts";

/** A row for each member, with what an owner can do. */
export function MemberTable({
  members,
  me,
  isEnabled,
  onRole,
  onRemove,
}: {
  members: readonly Member[];
  me: string | undefined;
  isEnabled: boolean;
  onRole: (username: string, role: Role) => void;
  onRemove: (member: Member) => void;
}): ReactElement {
  return (
    <ReflowTable
      label="Members"
      columns={["Name", "Role", "Member since", "Remove"]}
      endsInActions
      rows={members.map((member) => ({
        key: member.username,
        cells: [
          member.username === me ? `${member.username} (you)` : member.username,
          <select
            aria-label={`What ${member.username} may do`}
            value={member.role}
            disabled={!isEnabled}
            onChange={(event) => onRole(member.username, roleOf(event.target.value))}
          >
            {ROLES.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>,
          <time dateTime={member.created_at}>{moment(member.created_at)}</time>,
          <button
            className="small-button"
            aria-label={`Remove ${member.username}`}
            disabled={!isEnabled}
            onClick={() => onRemove(member)}
          >
            <UserMinus aria-hidden />
            Remove
          </button>,
        ],
      }))}
    />
  );
}

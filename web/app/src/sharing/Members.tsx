/**
 * The members of the workspace that is open; owners add, change and remove them.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { listMembers, listSentInvitations, type Member, type Role, type Workspace } from "@landfall/client/workspace";
import { useState, type ReactElement } from "react";
import { Obstacle } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { AddMember } from "./AddMember.tsx";
import { MemberTable } from "./MemberTable.tsx";
import { RemoveDialog } from "./RemoveDialog.tsx";
import { articled } from "./roles.ts";
import { SentInvitations } from "./SentInvitations.tsx";
import { useChanges } from "./use-changes.ts";

/** The members, and what can be done about them. */
export function Members({
  workspace,
  mayAsk,
  onLeft,
}: {
  workspace: Workspace;
  mayAsk: boolean;
  /** This user gave up being an owner, or a member at all. */
  onLeft: () => void;
}): ReactElement {
  const { client, status } = useSync();
  const me = status?.username;
  const { workspace_id: workspaceId, name, role } = workspace;
  const isOwner = role === "owner";
  const members = useRemote(workspaceId, () => listMembers(client, { workspaceId }), { when: mayAsk && isOwner });
  const invited = useRemote(`${workspaceId} invited`, () => listSentInvitations(client, { workspaceId }), {
    when: mayAsk && isOwner,
  });
  const isMember = (username: string): boolean => members.value?.some((each) => each.username === username) ?? false;
  const { told, problem, change, remove } = useChanges(workspace, isMember, (username) => {
    if (username === me) onLeft();
    members.reload();
    invited.reload();
  });
  const [leaving, setLeaving] = useState<Member>();

  return (
    <>
      <h2>Members</h2>
      {!isOwner && <Reason role={role} workspace={name} />}
      {isOwner && members.error !== undefined && (
        <Obstacle what="The members are kept on the server." error={members.error} onRetry={members.reload} />
      )}
      {isOwner && members.value && (
        <MemberTable
          members={members.value}
          me={me}
          isEnabled={mayAsk}
          onRole={(member, wanted) => void change(member, wanted)}
          onRemove={setLeaving}
        />
      )}
      {isOwner && invited.value && (
        <SentInvitations
          invitations={invited.value}
          isEnabled={mayAsk}
          onWithdraw={(username) => void remove(username)}
        />
      )}
      <AddMember
        isEnabled={isOwner && mayAsk}
        hindrance={isOwner ? undefined : "Only an owner can add somebody."}
        onAdd={change}
      />
      <p role="status">{told}</p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {leaving && (
        <RemoveDialog
          member={leaving}
          workspace={name}
          isMe={leaving.username === me}
          onClose={() => setLeaving(undefined)}
          onRemove={() => {
            setLeaving(undefined);
            void remove(leaving.username);
          }}
        />
      )}
    </>
  );
}

/** Why somebody who is not an owner sees no members. */
function Reason({ role, workspace }: { role: Role; workspace: string }): ReactElement {
  return (
    <p className="hint">
      You are {articled(role)} of “{workspace}”: {role === "viewer" ? "you read it" : "you read and write it"}. Only its
      owners see its members, and add or remove them; ask one of them.
    </p>
  );
}

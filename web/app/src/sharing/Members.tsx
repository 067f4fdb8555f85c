/**
 * The members of the workspace that is open; owners add, change and remove them.
 *
 * @module
 */
import { RequestRefused } from "@landfall/client";
import { useSync } from "@landfall/react";
import { listMembers, removeMember, setRole, type Member, type Role, type Workspace } from "@landfall/client/workspace";
import { useState, type ReactElement } from "react";
import { Obstacle, said } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { AddMember } from "./AddMember.tsx";
import { MemberTable } from "./MemberTable.tsx";
import { RemoveDialog } from "./RemoveDialog.tsx";
import { MEANING } from "./roles.ts";

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
  const { workspace_id: workspaceId, name, role } = workspace;
  const isOwner = role === "owner";
  const members = useRemote(workspaceId, () => listMembers(client, { workspaceId }), { when: mayAsk && isOwner });
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [leaving, setLeaving] = useState<Member>();

  /** Does something, and says what came of it. */
  async function attempt(username: string, step: () => Promise<unknown>, done: string): Promise<boolean> {
    setTold(undefined);
    setProblem(undefined);
    try {
      await step();
    } catch (error) {
      setProblem(refusalOf(error, username));
      return false;
    }
    setTold(done);
    if (username === status?.username) onLeft();
    members.reload();
    return true;
  }

  const change = (username: string, wanted: Role): Promise<boolean> =>
    attempt(
      username,
      () => setRole(client, username, wanted, { workspaceId }),
      `${username} is ${article(wanted)} of “${name}” now: ${MEANING[wanted]}.`,
    );

  return (
    <>
      <h2>Members</h2>
      {!isOwner && (
        <p className="hint">
          You are {article(role)} of “{name}”: {role === "viewer" ? "you read it" : "you read and write it"}. Only its
          owners see its members, and add or remove them; ask one of them.
        </p>
      )}
      {isOwner && members.error !== undefined && (
        <Obstacle what="The members are kept on the server." error={members.error} onRetry={members.reload} />
      )}
      {isOwner && members.value && (
        <MemberTable
          members={members.value}
          me={status?.username}
          isEnabled={mayAsk}
          onRole={(member, wanted) => void change(member, wanted)}
          onRemove={setLeaving}
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
          isMe={leaving.username === status?.username}
          onClose={() => setLeaving(undefined)}
          onRemove={() => {
            const { username } = leaving;
            setLeaving(undefined);
            const step = (): Promise<void> => removeMember(client, username, { workspaceId });
            void attempt(username, step, `${username} is no member any more.`);
          }}
        />
      )}
    </>
  );
}

function article(role: Role): string {
  return role === "viewer" ? "a viewer" : `an ${role}`;
}

function refusalOf(error: unknown, username: string): string {
  if (error instanceof RequestRefused && error.code === "last_owner") {
    return `${username} is the last owner: make somebody else an owner first.`;
  }
  if (error instanceof RequestRefused && error.status === 404) {
    return `The server knows nobody by the name “${username}”. Look at the spelling; they need an account first.`;
  }
  if (error instanceof RequestRefused && error.status === 403) return "Only an owner can do that, and you are none.";
  return said(error);
}

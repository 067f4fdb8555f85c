/**
 * Changes of a workspace's members, one at a time, with what came of the last one.
 *
 * @module
 */
import { RequestRefused } from "@landfall/client";
import { useSync } from "@landfall/react";
import { listSentInvitations, removeMember, setRole, type Role, type Workspace } from "@landfall/client/workspace";
import { useState } from "react";
import { said } from "../remote/Obstacle.tsx";
import { articled, MEANING } from "./roles.ts";

/** What can be done, and what came of it. */
export interface Changes {
  /** What was done last. */
  told: string | undefined;
  /** Why it was not. */
  problem: string | undefined;
  /** Adds somebody, or changes their role; resolves with whether that was done. */
  change(username: string, role: Role): Promise<boolean>;
  /** Removes somebody; resolves with whether that was done. */
  remove(username: string): Promise<boolean>;
}

/**
 * @param isMember whether somebody is in the list of members that is shown
 * @param onDone is told whom a change was about
 */
export function useChanges(
  workspace: Workspace,
  isMember: (username: string) => boolean,
  onDone: (username: string) => void,
): Changes {
  const { client } = useSync();
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const { workspace_id: workspaceId, name } = workspace;

  async function attempt(username: string, step: () => Promise<string>): Promise<boolean> {
    setTold(undefined);
    setProblem(undefined);
    try {
      setTold(await step());
    } catch (error) {
      setProblem(refusalOf(error, username));
      return false;
    }
    onDone(username);
    return true;
  }

  /** Asked after the change: they may have accepted since the list was read, and some servers add members at once. */
  async function isInvited(username: string): Promise<boolean> {
    try {
      return (await listSentInvitations(client, { workspaceId })).some((each) => each.username === username);
    } catch {
      return !isMember(username);
    }
  }

  return {
    told,
    problem,
    change: (username, role) =>
      attempt(username, async () => {
        await setRole(client, username, role, { workspaceId });
        return (await isInvited(username))
          ? `${username} is invited to “${name}” as ${articled(role)}: ${MEANING[role]}.`
          : `${username} is ${articled(role)} of “${name}” now: ${MEANING[role]}.`;
      }),
    remove: (username) =>
      attempt(username, async () => {
        await removeMember(client, username, { workspaceId });
        return isMember(username)
          ? `${username} is no longer a member.`
          : `The invitation of ${username} is withdrawn.`;
      }),
  };
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

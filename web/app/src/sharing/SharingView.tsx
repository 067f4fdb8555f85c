/**
 * With whom the workspace is shared, and which other workspaces there are.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { listInvitations, listWorkspaces, type Workspace } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { Obstacle, useMayAsk } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { useWorkspaces } from "../workspace.ts";
import { Invitations } from "./Invitations.tsx";
import { Members } from "./Members.tsx";
import { NewWorkspace } from "./NewWorkspace.tsx";
import { Usage } from "./Usage.tsx";
import { WorkspaceTable } from "./WorkspaceTable.tsx";
import "./sharing.css";

/** The view of members and workspaces. */
export default function SharingView(): ReactElement {
  const { client, status } = useSync();
  const { shared, learn } = useWorkspaces();
  const when = useMayAsk();
  const told = (workspaces: Workspace[]): Workspace[] => {
    learn(workspaces);
    return workspaces;
  };
  const remote = useRemote("workspaces", () => listWorkspaces(client).then(told), { when });
  const invitations = useRemote("invitations", () => listInvitations(client), { when });
  const open = remote.value?.find(({ workspace_id }) => workspace_id === status?.workspace_id);
  const name = open?.name ?? shared?.name;
  return (
    <section className="page sharing">
      <h1>Sharing</h1>
      <p>
        Documents lie in a workspace, and all of its members see them.
        {name !== undefined && (
          <>
            {" "}
            The one that is open is <strong>{name}</strong>.
          </>
        )}
      </p>
      {(!when || remote.error !== undefined) && (
        <Obstacle what="Members and workspaces are kept on the server." error={remote.error} onRetry={remote.reload} />
      )}
      {remote.isLoading && <p className="opening">Opening…</p>}
      {remote.value && !open && (
        <p className="notice" role="alert">
          You are not a member of the workspace that is open: an owner took you out, or it is gone. What you wrote here is
          kept on this device. Open another one below.
        </p>
      )}
      {invitations.value && (
        <Invitations
          invitations={invitations.value}
          onAnswered={() => {
            invitations.reload();
            remote.reload();
          }}
        />
      )}
      {open && <Members key={open.workspace_id} workspace={open} mayAsk={when} onLeft={remote.reload} />}
      {open && <Usage key={`${open.workspace_id} usage`} workspaceId={open.workspace_id} mayAsk={when} />}
      <h2>Workspaces</h2>
      <WorkspaceTable workspaces={remote.value} />
      {when && <NewWorkspace onMade={remote.reload} />}
    </section>
  );
}

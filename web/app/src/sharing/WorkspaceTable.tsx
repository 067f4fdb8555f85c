/**
 * The workspaces of this user, and the way into another one.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import type { Workspace } from "@landfall/client/workspace";
import { useId, useState, type ReactElement } from "react";
import { ReflowTable } from "../remote/ReflowTable.tsx";
import { go } from "../route.ts";
import { useWorkspaces, type WorkspaceName } from "../workspace.ts";

/**
 * A row for each workspace.
 *
 * @param workspaces as the server tells; while it cannot be asked, those that were opened on this device are shown
 */
export function WorkspaceTable({ workspaces }: { workspaces: readonly Workspace[] | undefined }): ReactElement {
  const { status } = useSync();
  const { known, ownId, open } = useWorkspaces();
  const [problem, setProblem] = useState<unknown>();
  const names = useId();
  const own = ownId === undefined ? [] : [{ workspace_id: ownId, name: status?.username ?? "" }];
  const listed: readonly WorkspaceName[] = workspaces ?? [...own, ...known];
  const openId = status?.workspace_id;
  if (listed.length === 0) return <p className="quiet">Log in to see your workspaces.</p>;

  const enter = (workspace: WorkspaceName): void => {
    setProblem(undefined);
    open(workspace).then(() => go({ view: "home" }), setProblem);
  };
  return (
    <>
      {!workspaces && <p className="quiet">Those that were opened on this device:</p>}
      <ReflowTable
        label="Workspaces"
        columns={["Name", ...(workspaces ? ["You are"] : []), "Open"]}
        endsInActions
        rows={listed.map((workspace) => {
          const { workspace_id: id, name, role } = workspace;
          return {
            key: id,
            isCurrent: id === openId,
            cells: [
              <span id={`${names}${id}`}>
                {name}
                {id === ownId && <span className="quiet"> (your own)</span>}
              </span>,
              ...(workspaces ? [role] : []),
              id === openId ? (
                <strong>Open now</strong>
              ) : (
                <button className="small-button" aria-describedby={`${names}${id}`} onClick={() => enter(workspace)}>
                  Open
                </button>
              ),
            ],
          };
        })}
      />
      {problem !== undefined && (
        <p className="problem" role="alert">
          The workspace could not be opened: {problem instanceof Error ? problem.message : String(problem)}
        </p>
      )}
    </>
  );
}

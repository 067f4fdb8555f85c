/**
 * The workspace that is open, as the views see it.
 *
 * @module
 */
import type { Role, Workspace } from "@landfall/client/workspace";
import { createContext, use } from "react";
import type { SharedStore } from "./accounts.ts";

/** A workspace, by what is needed to open it. */
export interface WorkspaceName {
  workspace_id: string;
  name: string;
  /** What this user may do there, if that is known. */
  role?: Role;
}

/** Which workspaces there are on this device, and the way into another one. */
export interface Workspaces {
  /** The one that is open; absent if it is the account's own. */
  shared: SharedStore | undefined;
  /** The id of the account's own; absent before the first login. */
  ownId: string | undefined;
  /** Those that were opened on this device, beside the account's own. */
  known: readonly SharedStore[];
  /** Opens a workspace. What is queued in the one that is open stays queued there. */
  open(workspace: WorkspaceName): Promise<void>;
  /** Whether this user may write in the one that is open, as far as this device knows. */
  mayWrite: boolean;
  /** Takes in what the server tells of this user's workspaces. */
  learn(workspaces: readonly Workspace[]): void;
}

/** How the views get to it. */
export const WorkspacesContext = createContext<Workspaces | undefined>(undefined);

/** The workspaces of this device. */
export function useWorkspaces(): Workspaces {
  const workspaces = use(WorkspacesContext);
  if (!workspaces) throw new Error("useWorkspaces needs a WorkspacesContext above it");
  return workspaces;
}

/** Why nothing can be written here. */
export const READ_ONLY = "You can read this workspace; to write, ask an owner.";

/** Whether this user may write in the workspace that is open. */
export function useMayWrite(): boolean {
  return use(WorkspacesContext)?.mayWrite ?? true;
}

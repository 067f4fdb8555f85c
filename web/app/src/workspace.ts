/**
 * The workspace that is open, as the views see it.
 *
 * @module
 */
import { createContext, use } from "react";
import type { SharedStore } from "./accounts.ts";

/** A workspace, by what is needed to open it. */
export interface WorkspaceName {
  workspace_id: string;
  name: string;
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
}

/** How the views get to it. */
export const WorkspacesContext = createContext<Workspaces | undefined>(undefined);

/** The workspaces of this device. */
export function useWorkspaces(): Workspaces {
  const workspaces = use(WorkspacesContext);
  if (!workspaces) throw new Error("useWorkspaces needs a WorkspacesContext above it");
  return workspaces;
}

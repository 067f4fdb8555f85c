/**
 * What an editor shows beyond its documents: versions, past syncs, members, workspaces. `@landfall/client/workspace`.
 *
 * All of it asks the server, keeps nothing, and rejects with {@link Unreachable} without a network, with
 * {@link LoginNeeded} without a login, and with {@link RequestRefused} where the server refuses.
 *
 * @module
 */
import { LoginNeeded } from "./errors.js";
import type { BatchSyncService } from "./service.js";
import type {
  Member,
  RemoteSyncRun,
  Role,
  SyncRunSummary,
  Version,
  VersionSummary,
  Workspace,
} from "./wire.js";

export type { Member, RemoteSyncRun, Role, SyncRunSummary, Version, VersionSummary, Workspace } from "./wire.js";

/** What these functions need of a client. */
export type Caller = Pick<BatchSyncService, "call" | "status">;

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Asks for the next page; absent on the last one. */
  more?: () => Promise<Page<T>>;
}

/** Which workspace is meant, and how large a page is. */
export interface ListOptions {
  /** The workspace; the client's own when absent. */
  workspaceId?: string;
  /** Items of a page, 1 to 500; the server's choice when absent. */
  pageSize?: number;
}

/** Which workspace is meant: the client's own when absent. */
export type WorkspaceOptions = Pick<ListOptions, "workspaceId">;

/** The items of a page and of all after it. */
export async function allOf<T>(page: Page<T>): Promise<T[]> {
  const items = [...page.items];
  for (let next = await page.more?.(); next; next = await next.more?.()) items.push(...next.items);
  return items;
}

/** Who uses this client, and as what. */
export interface Identity {
  /** Absent with tokens of an outside identity provider. */
  username: string | undefined;
  device_id: string;
  /** The workspace that the client syncs, with the user's role in it; absent if the user is no member any more. */
  workspace: Workspace | undefined;
}

/** Who uses this client, and what they may do in its workspace. */
export async function whoAmI(client: Caller): Promise<Identity> {
  const { username, device_id, workspace_id } = await client.status();
  const workspace = (await listWorkspaces(client)).find((each) => each.workspace_id === workspace_id);
  return { username, device_id, workspace };
}

/** The workspaces that the user is a member of. */
export async function listWorkspaces(client: Caller): Promise<Workspace[]> {
  return (await client.call<{ items: Workspace[] }>("GET", "/api/v1/workspaces")).items;
}

/** Makes a workspace; the user becomes its owner. */
export function createWorkspace(client: Caller, name: string): Promise<Workspace> {
  return client.call("POST", "/api/v1/workspaces", { name });
}

/** The members of a workspace; for its owners. */
export async function listMembers(client: Caller, options: WorkspaceOptions = {}): Promise<Member[]> {
  return (await client.call<{ items: Member[] }>("GET", await membersPath(client, options))).items;
}

/** Adds a member, or changes their role; for owners. The last owner stays one. */
export async function setRole(
  client: Caller,
  username: string,
  role: Role,
  options: WorkspaceOptions = {},
): Promise<Member> {
  return client.call("PUT", `${await membersPath(client, options)}/${encodeURIComponent(username)}`, { role });
}

/** Removes a member; for owners. The last owner stays. */
export async function removeMember(client: Caller, username: string, options: WorkspaceOptions = {}): Promise<void> {
  await client.call("DELETE", `${await membersPath(client, options)}/${encodeURIComponent(username)}`);
}

/** The versions of a document, newest first, without their texts. */
export function listVersions(
  client: Caller,
  documentId: string,
  options: ListOptions = {},
): Promise<Page<VersionSummary>> {
  return list(client, `/api/v1/documents/${documentId}/versions`, options);
}

/** One version of a document, with its text where that can still be told. */
export async function readVersion(
  client: Caller,
  documentId: string,
  version: number,
  options: WorkspaceOptions = {},
): Promise<Version> {
  const query = new URLSearchParams({ workspace_id: await workspaceOf(client, options) });
  return client.call("GET", `/api/v1/documents/${documentId}/versions/${version}?${query}`);
}

/** The user's syncs of a workspace, of all devices, newest first. */
export function listSyncRuns(client: Caller, options: ListOptions = {}): Promise<Page<SyncRunSummary>> {
  return list(client, "/api/v1/syncs", options);
}

/** One sync, with the operations that went wrong in it. */
export async function readSyncRun(
  client: Caller,
  syncId: string,
  options: WorkspaceOptions = {},
): Promise<RemoteSyncRun> {
  const query = new URLSearchParams({ workspace_id: await workspaceOf(client, options) });
  return client.call("GET", `/api/v1/syncs/${syncId}?${query}`);
}

async function list<T>(client: Caller, path: string, options: ListOptions, pageToken?: string): Promise<Page<T>> {
  const query = new URLSearchParams({ workspace_id: await workspaceOf(client, options) });
  if (options.pageSize !== undefined) query.set("page_size", String(options.pageSize));
  if (pageToken !== undefined) query.set("page_token", pageToken);
  const answer = await client.call<{ items: T[]; next_page_token: string | null }>("GET", `${path}?${query}`);
  const next = answer.next_page_token;
  return { items: answer.items, ...(next === null ? {} : { more: () => list(client, path, options, next) }) };
}

async function membersPath(client: Caller, options: WorkspaceOptions): Promise<string> {
  return `/api/v1/workspaces/${await workspaceOf(client, options)}/members`;
}

async function workspaceOf(client: Caller, { workspaceId }: WorkspaceOptions): Promise<string> {
  const id = workspaceId ?? (await client.status()).workspace_id;
  if (id === undefined) throw new LoginNeeded();
  return id;
}

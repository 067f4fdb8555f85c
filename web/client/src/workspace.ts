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
  AccountSession,
  BatchAnswer,
  Invitation,
  Member,
  RemoteSyncRun,
  RestoreRequest,
  RestoreRun,
  Role,
  Statistics,
  SyncRunSummary,
  Version,
  VersionSummary,
  Workspace,
} from "./wire.js";

export type {
  AccountSession,
  BatchAnswer,
  Invitation,
  Member,
  RemoteSyncRun,
  RestoreRequest,
  RestoreRun,
  Role,
  Statistics,
  SyncRunSummary,
  Version,
  VersionSummary,
  Workspace,
} from "./wire.js";

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
  /** The workspace that the client syncs, with the user's role in it; absent if the user is no longer a member. */
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

/** Changes the name of a workspace; for its owners. */
export async function renameWorkspace(client: Caller, name: string, options: WorkspaceOptions = {}): Promise<Workspace> {
  return client.call("PATCH", `/api/v1/workspaces/${await workspaceOf(client, options)}`, { name });
}

/** Deletes a workspace and all that is in it; for its owners. `name` is its name, to show that it is the one meant. */
export async function deleteWorkspace(client: Caller, name: string, options: WorkspaceOptions = {}): Promise<void> {
  const query = new URLSearchParams({ name });
  await client.call("DELETE", `/api/v1/workspaces/${await workspaceOf(client, options)}?${query}`);
}

/** Gives up the user's own membership. The last owner stays. */
export function leaveWorkspace(client: Caller, options: WorkspaceOptions = {}): Promise<void> {
  return removeMember(client, "me", options);
}

/** What is stored of a workspace, what is left, and what its syncs did. */
export async function readStatistics(client: Caller, options: WorkspaceOptions = {}): Promise<Statistics> {
  return client.call("GET", `/api/v1/workspaces/${await workspaceOf(client, options)}/stats`);
}

/** The members of a workspace, by name; for its owners. */
export async function listMembers(client: Caller, options: WorkspaceOptions = {}): Promise<Member[]> {
  return allOf(await pageOf<Member>(client, await membersPath(client, options), new URLSearchParams({ page_size: "500" })));
}

/** Those who are invited into a workspace and have not said yes yet; for its owners. */
export async function listSentInvitations(client: Caller, options: WorkspaceOptions = {}): Promise<Invitation[]> {
  const path = `/api/v1/workspaces/${await workspaceOf(client, options)}/invitations`;
  return (await client.call<{ items: Invitation[] }>("GET", path)).items;
}

/** The workspaces that the user is invited into. */
export async function listInvitations(client: Caller): Promise<Invitation[]> {
  return (await client.call<{ items: Invitation[] }>("GET", "/api/v1/invitations")).items;
}

/** Accepts an invitation: the user is a member then. */
export function acceptInvitation(client: Caller, workspaceId: string): Promise<Workspace> {
  return client.call("POST", `/api/v1/invitations/${workspaceId}/accept`);
}

/** Turns an invitation down. */
export async function declineInvitation(client: Caller, workspaceId: string): Promise<void> {
  await client.call("DELETE", `/api/v1/invitations/${workspaceId}`);
}

/** The logins of the user's account, the one used last in front. */
export async function listSessions(client: Caller): Promise<AccountSession[]> {
  return (await client.call<{ items: AccountSession[] }>("GET", "/api/v1/auth/sessions")).items;
}

/** Ends a login of the user's account. */
export async function endSession(client: Caller, sessionId: string): Promise<void> {
  await client.call("DELETE", `/api/v1/auth/sessions/${sessionId}`);
}

/** Sets another password; all other logins of the account end. */
export async function changePassword(client: Caller, oldPassword: string, newPassword: string): Promise<void> {
  await client.call("POST", "/api/v1/auth/password", { old_password: oldPassword, new_password: newPassword });
}

/** Deletes the user's account, and the workspaces that nobody else is a member of. */
export async function deleteAccount(client: Caller, password: string): Promise<void> {
  await client.call("POST", "/api/v1/auth/delete-account", { password });
}

/**
 * Invites somebody, or changes a member's role; for owners. The last owner stays one. Who is invited is a member once they
 * accept; whether there is such a user, the server does not tell.
 */
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

/** What is to be put back: `as_of` says to when, or `sync_id` which sync of the user's is taken back. */
export type PutBack = Pick<
  RestoreRequest,
  "as_of" | "sync_id" | "document_ids" | "title_prefix" | "by_user" | "by_device"
>;

/** What a restore would change, document by document; changes nothing. */
export async function previewRestore(
  client: Caller,
  what: PutBack,
  options: WorkspaceOptions = {},
): Promise<BatchAnswer> {
  const workspace_id = await workspaceOf(client, options);
  return client.call("POST", "/api/v1/documents/restore", { ...what, workspace_id, dry_run: true });
}

/**
 * Puts documents back, by new changes: what others wrote since on other lines stays. Many documents are restored in steps;
 * then {@link readSyncRun} tells how far it is. Sent again with the same `name`, it is done once.
 */
export async function restoreDocuments(
  client: Caller,
  what: PutBack,
  name: string = crypto.randomUUID(),
  options: WorkspaceOptions = {},
): Promise<BatchAnswer | RestoreRun> {
  const { device_id } = await client.status();
  const workspace_id = await workspaceOf(client, options);
  return client.call("POST", "/api/v1/documents/restore", { ...what, workspace_id, device_id, client_id: name });
}

/** Undoes a batch, named by `batch_id` of a version; with `dryRun` only shows what would change. */
export async function undoBatch(
  client: Caller,
  batchId: string,
  options: WorkspaceOptions & { dryRun?: boolean; name?: string } = {},
): Promise<BatchAnswer> {
  const { device_id } = await client.status();
  const workspace_id = await workspaceOf(client, options);
  const { dryRun = false, name = crypto.randomUUID() } = options;
  const body = { workspace_id, dry_run: dryRun, device_id, client_id: name };
  return client.call("POST", `/api/v1/batches/${batchId}/undo`, body);
}

async function list<T>(client: Caller, path: string, options: ListOptions): Promise<Page<T>> {
  const query = new URLSearchParams({ workspace_id: await workspaceOf(client, options) });
  if (options.pageSize !== undefined) query.set("page_size", String(options.pageSize));
  return pageOf(client, path, query);
}

async function pageOf<T>(client: Caller, path: string, query: URLSearchParams): Promise<Page<T>> {
  const answer = await client.call<{ items: T[]; next_page_token: string | null }>("GET", `${path}?${query}`);
  if (answer.next_page_token === null) return { items: answer.items };
  const next = new URLSearchParams(query);
  next.set("page_token", answer.next_page_token);
  return { items: answer.items, more: () => pageOf(client, path, next) };
}

async function membersPath(client: Caller, options: WorkspaceOptions): Promise<string> {
  return `/api/v1/workspaces/${await workspaceOf(client, options)}/members`;
}

async function workspaceOf(client: Caller, { workspaceId }: WorkspaceOptions): Promise<string> {
  const id = workspaceId ?? (await client.status()).workspace_id;
  if (id === undefined) throw new LoginNeeded();
  return id;
}

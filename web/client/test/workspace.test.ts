// The requests beyond syncing, and the events of this tab, against the real server.
import { afterAll, beforeAll, expect, test } from "vitest";
import { BatchSyncService, LoginNeeded, MemoryStore, RequestRefused, Unreachable } from "../src/index.js";
import {
  acceptInvitation,
  allOf,
  changePassword,
  createWorkspace,
  declineInvitation,
  deleteAccount,
  deleteWorkspace,
  endSession,
  leaveWorkspace,
  listInvitations,
  listMembers,
  listSentInvitations,
  listSessions,
  listSyncRuns,
  listVersions,
  listWorkspaces,
  readStatistics,
  readSyncRun,
  readVersion,
  removeMember,
  renameWorkspace,
  setRole,
  whoAmI,
} from "../src/workspace.js";
import { TestServer } from "./support/server.js";

const password = "correct horse battery";
let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

async function newUser(): Promise<{ name: string; client: BatchSyncService }> {
  const name = `person-${(users += 1)}`;
  const client = new BatchSyncService({ url: server.url, store: new MemoryStore(), backoff: { baseMs: 20 } });
  await client.register(name, password);
  return { name, client };
}

test("versions of a document, page by page, and each of them whole", async () => {
  const { name, client } = await newUser();
  const id = await client.queueCreate({ title: "plan", content: "1", kind: "text" });
  await client.sync();
  for (const content of ["2", "3", "4", "5"]) {
    await client.queueUpdate(id, { content });
    await client.sync();
  }
  const first = await listVersions(client, id, { pageSize: 2 });
  expect(first.items.map(({ version }) => version)).toEqual([5, 4]);
  const second = await first.more?.();
  expect(second?.items.map(({ version }) => version)).toEqual([3, 2]);
  const all = await allOf(first);
  expect(all.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
  expect(all.at(-1)).toMatchObject({ operation: "create", updated_by: name });
  expect((await listVersions(client, id)).more).toBeUndefined();
  expect(await readVersion(client, id, 2)).toMatchObject({ document_id: id, content: "2", title: "plan" });
  await expect(readVersion(client, id, 9)).rejects.toThrow(RequestRefused);
});

test("past syncs, page by page, and one with what went wrong", async () => {
  const { client } = await newUser();
  for (const title of ["a", "b", "c"]) {
    await client.queueCreate({ title });
    await client.sync();
  }
  const runs = await allOf(await listSyncRuns(client, { pageSize: 2 }));
  expect(runs).toHaveLength(3);
  const run = await readSyncRun(client, runs[0]?.sync_id ?? "");
  expect(run).toMatchObject({ total: 1, succeeded: 1, errors: [], device_id: (await client.status()).device_id });
});

test("members: invited, promoted, removed; and what a viewer may not", async () => {
  const [ada, grace] = [await newUser(), await newUser()];
  const { workspace_id = "" } = await ada.client.status();
  expect(await whoAmI(ada.client)).toMatchObject({ username: ada.name, workspace: { workspace_id, role: "owner" } });
  expect(await setRole(ada.client, grace.name, "viewer")).toMatchObject({ username: grace.name, role: "viewer" });
  expect(await listMembers(ada.client)).toHaveLength(1);
  expect((await listSentInvitations(ada.client)).map(({ username }) => username)).toEqual([grace.name]);
  expect(await listInvitations(grace.client)).toMatchObject([{ workspace_id, role: "viewer", invited_by: ada.name }]);
  await declineInvitation(grace.client, workspace_id);
  await expect(acceptInvitation(grace.client, workspace_id)).rejects.toMatchObject({ status: 404 });
  await setRole(ada.client, grace.name, "viewer");
  expect(await acceptInvitation(grace.client, workspace_id)).toMatchObject({ role: "viewer", owner: ada.name });
  expect((await listMembers(ada.client)).map(({ username, role }) => [username, role])).toEqual([
    [ada.name, "owner"],
    [grace.name, "viewer"],
  ]);
  const options = { workspaceId: workspace_id };
  await expect(setRole(grace.client, grace.name, "owner", options)).rejects.toMatchObject({ status: 403 });
  await setRole(ada.client, grace.name, "editor");
  expect((await listWorkspaces(grace.client)).find((each) => each.workspace_id === workspace_id)?.role).toBe("editor");
  await removeMember(ada.client, grace.name);
  expect(await listMembers(ada.client)).toHaveLength(1);
  await expect(removeMember(ada.client, ada.name)).rejects.toMatchObject({ code: "last_owner" });
});

test("workspaces: renamed, measured, left, deleted", async () => {
  const [ada, grace] = [await newUser(), await newUser()];
  const { workspace_id: workspaceId } = await createWorkspace(ada.client, "Team");
  await setRole(ada.client, grace.name, "editor", { workspaceId });
  await acceptInvitation(grace.client, workspaceId);
  expect(await renameWorkspace(ada.client, "Crew", { workspaceId })).toMatchObject({ name: "Crew" });
  expect(await readStatistics(grace.client, { workspaceId })).toMatchObject({ documents: 0, members: 2 });
  await leaveWorkspace(grace.client, { workspaceId });
  expect((await listWorkspaces(grace.client)).map(({ name }) => name)).not.toContain("Crew");
  await expect(deleteWorkspace(ada.client, "Team", { workspaceId })).rejects.toMatchObject({ status: 400 });
  await deleteWorkspace(ada.client, "Crew", { workspaceId });
  expect(await listWorkspaces(ada.client)).toHaveLength(1);
});

test("the account: sessions, another password, an end", async () => {
  const { client, name } = await newUser();
  const other = new BatchSyncService({ url: server.url, store: new MemoryStore() });
  await other.login(name, password);
  const sessions = await listSessions(client);
  expect(sessions.map(({ current }) => current).sort()).toEqual([false, true]);
  await endSession(client, sessions.find(({ current }) => !current)?.session_id ?? "");
  expect(await listSessions(client)).toHaveLength(1);
  await expect(changePassword(client, "not the password", "another horse")).rejects.toMatchObject({ status: 422 });
  await changePassword(client, password, "another horse another staple");
  await expect(deleteAccount(client, password)).rejects.toMatchObject({ status: 422 });
  await deleteAccount(client, "another horse another staple");
  await expect(other.login(name, "another horse another staple")).rejects.toThrow();
});

test("a workspace of one's own making can be synced", async () => {
  const { client, name } = await newUser();
  const { workspace_id } = await createWorkspace(client, "Team notes");
  expect((await listWorkspaces(client)).map((each) => each.name)).toContain("Team notes");
  const store = new MemoryStore();
  const team = new BatchSyncService({ url: server.url, store, workspaceId: workspace_id });
  await team.login(name, password);
  await team.queueCreate({ title: "for the team" });
  expect((await team.sync()).status).toBe("synced");
  expect(await whoAmI(team)).toMatchObject({ workspace: { name: "Team notes", role: "owner" } });
});

test("a call without a login, without a network, and one that is refused", async () => {
  const { client } = await newUser();
  await expect(client.call("GET", "/api/v1/nowhere")).rejects.toMatchObject({ status: 404 });
  await client.logout();
  let asked = 0;
  client.on("auth-needed", () => (asked += 1));
  await expect(listWorkspaces(client)).rejects.toThrow(LoginNeeded);
  expect(asked).toBe(1);
  const away = new BatchSyncService({ url: "http://127.0.0.1:1", store: new MemoryStore(), token: async () => "t" });
  await expect(listWorkspaces(away)).rejects.toThrow(Unreachable);
  await expect(listSyncRuns(away)).rejects.toThrow(LoginNeeded);
});

test("tells when the server can be reached, and when no more", async () => {
  const own = await TestServer.start();
  const client = new BatchSyncService({
    url: own.url,
    store: new MemoryStore(),
    backoff: { baseMs: 10, capMs: 20 },
  });
  const told: boolean[] = [];
  client.on("reachable", ({ reachable }) => told.push(reachable));
  await client.register("ada", password);
  await client.sync();
  await own.kill();
  expect((await client.sync()).status).toBe("offline");
  await own.restart();
  expect((await client.sync()).status).toBe("synced");
  expect(told).toEqual([true, false, true]);
  await own.stop();
});

// Which store is open, where an account has more workspaces than its own.
import { beforeEach, expect, test } from "vitest";
import { currentStore, enterShared, remember, sharedStore, sharedStores, storeFor } from "../src/accounts.ts";

const team = { home: "ada-home", username: "ada", workspace_id: "w1", name: "Team notes" };

beforeEach(() => {
  localStorage.clear();
  remember("ada", "ada-home");
});

test("a workspace has one store, which is open from then on", () => {
  const store = enterShared(team);
  expect(currentStore()).toBe(store);
  expect(sharedStore(store)).toEqual({ ...team, store });
  remember("ada", "ada-home");
  expect(currentStore()).toBe("ada-home");
  expect(enterShared({ ...team, name: "Renamed" })).toBe(store);
  expect(sharedStores("ada")).toEqual([{ ...team, name: "Renamed", store }]);
});

test("two accounts that share a workspace keep it apart", () => {
  const mine = enterShared(team);
  remember("grace", "grace-home");
  const hers = enterShared({ ...team, home: "grace-home", username: "grace" });
  expect(hers).not.toBe(mine);
  expect(sharedStores("ada").map(({ store }) => store)).toEqual([mine]);
});

test("a login in a workspace that is shared belongs to the account's own store", () => {
  const store = enterShared(team);
  expect(storeFor("ada", "ada")).toBe("ada-home");
  expect([store, "ada-home"]).not.toContain(storeFor("grace", "ada"));
});

test("what was kept before workspaces were, and what is no list of them, can be read", () => {
  localStorage.setItem("landfall.accounts", JSON.stringify({ current: "s", stores: { ada: "s" } }));
  expect(currentStore()).toBe("s");
  expect(sharedStores("ada")).toEqual([]);
  localStorage.setItem("landfall.accounts", JSON.stringify({ current: "s", stores: {}, shared: "?" }));
  expect(currentStore()).toBe("landfall-device");
});

// Which store is open, where an account has more workspaces than its own.
import { beforeEach, expect, test } from "vitest";
import { accountName, currentStore, enterShared, remember, sharedStore, sharedStores, storeFor } from "../src/accounts.ts";

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

test("Ada and ada are one account", () => {
  expect(accountName("Ada.B@Example")).toBe("ada.b@example");
  expect(storeFor("Ada", "ada")).toBe("ada-home");
  expect(storeFor("ADA", "grace")).toBe("ada-home");
  remember("Ada", "ada-home");
  expect(storeFor("ada", "grace")).toBe("ada-home");
  const store = enterShared(team);
  expect(storeFor("Ada", "ada")).toBe("ada-home");
  expect(sharedStores("ada").map((row) => row.store)).toEqual([store]);
});

test("what was kept under a name as it was typed is found again", () => {
  const shared = [{ ...team, home: "s", username: "Grace", store: "t" }];
  localStorage.setItem("landfall.accounts", JSON.stringify({ current: "t", stores: { Grace: "s" }, shared }));
  expect(storeFor("grace", "ada")).toBe("s");
  expect(storeFor("Grace", "grace")).toBe("s");
  expect(sharedStores("grace").map(({ name }) => name)).toEqual(["Team notes"]);
});

test("an account that got two stores by two spellings of its name keeps both", () => {
  localStorage.setItem("landfall.accounts", JSON.stringify({ current: "new", stores: { Ada: "old", ada: "new" } }));
  expect(storeFor("ada", "ada")).toBe("new");
  expect(storeFor("Ada", "ada")).toBe("old");
  remember("Ada", "old");
  expect(currentStore()).toBe("old");
  expect(storeFor("Ada", "ada")).toBe("old");
  expect(storeFor("ada", "grace")).toBe("new");
});

// The small rules of the frame: addresses, stores of accounts, times.
import { beforeEach, expect, test } from "vitest";
import { currentStore, remember, storeFor } from "../src/accounts.ts";
import { hrefOf, routeOf, type Route } from "../src/route.ts";
import { ago, duration } from "../src/times.ts";

beforeEach(() => localStorage.clear());

test("every view has an address that leads back to it", () => {
  const routes: Route[] = [
    { view: "home" },
    { view: "document", id: "0199" },
    { view: "history", id: "0199" },
    { view: "conflicts" },
    { view: "conflicts", id: "0199" },
    { view: "failed" },
    { view: "deleted" },
    { view: "syncs" },
    { view: "sharing" },
  ];
  for (const route of routes) expect(routeOf(hrefOf(route))).toEqual(route);
});

test("an address that leads nowhere leads home", () => {
  for (const hash of ["", "#", "#/", "#/nowhere", "#/documents", "#//"]) expect(routeOf(hash)).toEqual({ view: "home" });
});

test("the first login takes over what was written before it", () => {
  const first = currentStore();
  expect(storeFor("ada", undefined)).toBe(first);
  remember("ada", first);
  expect(storeFor("ada", "ada")).toBe(first);
});

test("another account never gets the store of the first", () => {
  const first = currentStore();
  remember("ada", first);
  const second = storeFor("bob", "ada");
  expect(second).not.toBe(first);
  remember("bob", second);
  expect(currentStore()).toBe(second);
  expect(storeFor("ada", "bob")).toBe(first);
});

test("what was kept by something else is not believed", () => {
  const first = currentStore();
  for (const kept of ["{", "null", "[]", '{"current":1,"stores":{}}', '{"current":"x"}']) {
    localStorage.setItem("landfall.accounts", kept);
    expect(currentStore()).toBe(first);
  }
  expect(storeFor("__proto__", "ada")).not.toBe(first);
});

test("times and durations as people say them", () => {
  const now = Date.parse("2026-05-01T12:00:00Z");
  expect(ago("2026-05-01T11:59:40Z", now)).toBe("just now");
  expect(ago("2026-05-01T11:55:00Z", now)).toBe("5 minutes ago");
  expect(ago("2026-05-01T09:00:00Z", now)).toBe("3 hours ago");
  expect(ago("2026-04-30T11:00:00Z", now)).toBe("yesterday");
  expect([duration(300), duration(12_300), duration(80_000)]).toEqual(["less than a second", "12 s", "1 min 20 s"]);
});

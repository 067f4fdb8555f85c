// The whole editor, as a browser has it: its stores, its address, and the server that it came from.
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { TestServer } from "../../client/test/support/server.js";
import { newName, PASSWORD, useServer } from "../../react/test/support.js";
import { Root } from "../src/Root.tsx";
import { fill, press } from "./page.tsx";

/** A server for the tests of a file, to which the page's own addresses lead; for each test a device without anything. */
export function useWholePage(settings: Record<string, string> = {}): { readonly server: TestServer } {
  const use = useServer(settings);
  const { fetch: network } = globalThis;
  beforeAll(() => {
    globalThis.fetch = (input, init) => network(new URL(String(input), use.server.url), init);
  });
  afterAll(() => void (globalThis.fetch = network));
  beforeEach(() => {
    localStorage.clear();
    localStorage.setItem("landfall.accounts", JSON.stringify({ current: newName(), stores: {} }));
    location.hash = "";
  });
  afterEach(cleanup);
  return use;
}

/** Opens the editor, and logs in. */
export async function openAs(username: string, how: "Log in" | "Create account"): Promise<void> {
  render(<Root />);
  await logIn(username, how);
}

/** Logs in to the editor that is open. */
export async function logIn(username: string, how: "Log in" | "Create account" = "Log in"): Promise<void> {
  await press("Log in");
  const dialog = await screen.findByRole("dialog", { name: "Log in" });
  fill("Username", username, dialog);
  fill("Password", PASSWORD, dialog);
  fireEvent.click(within(dialog).getByRole("button", { name: how }));
  await screen.findByRole("button", { name: "Log out" });
}

/** The titles of the list. */
export const documents = (): string[] =>
  within(screen.getByRole("navigation", { name: "Documents" }))
    .queryAllByRole("link")
    .map((link) => link.querySelector(".title")?.textContent ?? "");

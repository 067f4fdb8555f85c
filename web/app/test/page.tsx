// What somebody at the page does and sees, against the real server.
import { BatchSyncService, MemoryStore } from "@landfall/client";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect } from "vitest";
import { newName, PASSWORD } from "../../react/test/support.js";

/** A device of a user, who is new unless named. */
export async function device(url: string, username?: string): Promise<BatchSyncService> {
  const client = new BatchSyncService({ url, store: new MemoryStore(), backoff: { baseMs: 20, capMs: 100 } });
  if (username === undefined) await client.register(newName(), PASSWORD);
  else await client.login(username, PASSWORD);
  return client;
}

/** A version to write. */
interface Draft {
  title: string;
  content: string;
}

/** Writes a document's versions, each synced; resolves with its id. */
export async function written(client: BatchSyncService, ...[first, ...later]: [Draft, ...Draft[]]): Promise<string> {
  const id = await client.queueCreate(first);
  await synced(client);
  for (const version of later) {
    await client.queueUpdate(id, version);
    await synced(client);
  }
  return id;
}

/** Syncs, and has to come through. */
export async function synced(client: BatchSyncService): Promise<void> {
  expect(await client.sync()).toMatchObject({ status: "synced" });
}

/** Clicks a button that can be used, as soon as it is there. */
export async function press(name: string | RegExp, place: HTMLElement = document.body): Promise<void> {
  const button = await within(place).findByRole<HTMLButtonElement>("button", { name });
  await waitFor(() => expect(button.disabled).toBe(false));
  fireEvent.click(button);
}

/** Types into a field. */
export function fill(label: string, value: string, place: HTMLElement = document.body): void {
  fireEvent.change(within(place).getByLabelText(label), { target: { value } });
}

/** The texts of a table's rows, cell by cell, without its heads. */
export function rowsOf(table: string): string[][] {
  const [, ...rows] = within(screen.getByRole("table", { name: table })).getAllByRole("row");
  return rows.map((row) => [...row.children].map((cell) => cell.textContent?.trim() ?? ""));
}

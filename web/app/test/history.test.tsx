// The history of a document: told, compared, and gone back to.
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { useServer } from "../../react/test/support.js";
import HistoryView from "../src/history/HistoryView.tsx";
import { device, press, synced, written } from "./page.tsx";
import { show } from "./support.tsx";

const use = useServer();

const first = { title: "Shopping", content: "milk\nbrown bread\n" };
const second = { title: "Shopping", content: "milk\nwhite bread\n" };
const third = { title: "Groceries", content: "milk\nwhite bread\neggs\n" };

function versions(): string[] {
  return within(screen.getByRole("list", { name: "Versions" }))
    .getAllByRole("button")
    .map(({ textContent }) => textContent ?? "");
}

function differences(): { added: string[]; removed: string[]; text: string } {
  const region = screen.getByRole("region", { name: "Differences" });
  const told = (tag: string): string[] => [...region.querySelectorAll(tag)].map((each) => each.textContent ?? "");
  return { added: told("ins"), removed: told("del"), text: region.textContent ?? "" };
}

test("versions are listed newest first, and each shows what it changed", async () => {
  const client = await device(use.server.url);
  const id = await written(client, first, second, third);
  await client.queueDelete(id);
  await synced(client);
  await client.queueUpdate(id, { restore: true });
  await synced(client);
  show(client, <HistoryView id={id} />);
  await screen.findByRole("list", { name: "Versions" });
  expect(versions()).toEqual([
    expect.stringMatching(/^Version 5 restored by you/),
    expect.stringMatching(/^Version 4 deleted by you/),
    expect.stringMatching(/^Version 3 changed by you, now “Groceries”/),
    expect.stringMatching(/^Version 2 changed by you/),
    expect.stringMatching(/^Version 1 created by you/),
  ]);
  await press(/^Version 2/);
  await waitFor(() => expect(differences()).toMatchObject({ removed: ["brown"], added: ["white"] }));
  await press(/^Version 3/);
  await waitFor(() => expect(differences().added).toEqual(["Groceries", "eggs"]));
  await press(/^Version 1/);
  await screen.findByText(/first version/);
  await waitFor(() => expect(differences()).toMatchObject({ removed: ["Shopping", "brown"] }));
});

test("a version is restored as an edit that goes through the queue, and nothing is lost", async () => {
  const client = await device(use.server.url);
  const id = await written(client, first, second, third);
  show(client, <HistoryView id={id} />);
  await screen.findByRole("list", { name: "Versions" });
  await press(/^Version 1/);
  await press("Restore this version");
  const dialog = await screen.findByRole("dialog", { name: "Restore version 1?" });
  expect(await client.queued()).toEqual([]);
  await press("Restore", dialog);
  await screen.findByText(/Version 1 is restored/);
  expect(await client.document(id)).toMatchObject(first);
  expect(await client.queued()).toHaveLength(1);
  await screen.findByText(/on this device only/);
  await synced(client);
  await waitFor(() => expect(versions()[0]).toMatch(/^Version 4 changed by you, now “Shopping”/));
  expect(versions()).toHaveLength(4);
});

test("a restore keeps what another device writes meanwhile", async () => {
  const laptop = await device(use.server.url);
  const id = await written(laptop, first, second);
  const phone = await device(use.server.url, (await laptop.status()).username);
  await synced(phone);
  await phone.queueUpdate(id, { content: `${second.content}eggs\n` });
  await synced(phone);
  show(laptop, <HistoryView id={id} />);
  await press(/^Version 1/);
  await press("Restore this version");
  await press("Restore", await screen.findByRole("dialog"));
  await screen.findByText(/is restored/);
  await synced(laptop);
  expect((await laptop.document(id))?.content).toBe(`${first.content}eggs\n`);
});

test("a deleted document comes back; a title that is taken by now is left", async () => {
  const client = await device(use.server.url);
  const id = await written(client, first);
  await client.queueDelete(id);
  await synced(client);
  const other = await written(client, { title: "shopping", content: "another one" });
  show(client, <HistoryView id={id} />);
  await press(/^Version 1/);
  await press("Restore this version");
  await press("Restore", await screen.findByRole("dialog"));
  await screen.findByText(/is restored/);
  expect((await client.document(id))?.content).toBe(first.content);
  expect((await client.document(other))?.content).toBe("another one");
});

test("a long history comes page by page", async () => {
  const client = await device(use.server.url);
  const edits = Array.from({ length: 31 }, (_, index) => ({ title: "Long", content: `${index}\n` }));
  const id = await written(client, { title: "Long", content: "" }, ...edits);
  show(client, <HistoryView id={id} />);
  await screen.findByRole("list", { name: "Versions" });
  expect(versions()).toHaveLength(30);
  await press("Older versions");
  await waitFor(() => expect(versions()).toHaveLength(32));
  expect(versions().at(-1)).toMatch(/^Version 1 created/);
  expect(screen.queryByRole("button", { name: "Older versions" })).toBeNull();
});

test("a document that was never sent has no history yet, and the server is not asked for one", async () => {
  const client = await device(use.server.url);
  const asked = vi.spyOn(client, "call");
  const id = await client.queueCreate(first);
  show(client, <HistoryView id={id} />);
  await screen.findByText(/Its history begins with the next sync/);
  expect(asked).not.toHaveBeenCalled();
  await synced(client);
  await waitFor(() => expect(versions()).toHaveLength(1));
});

test("logged out, it says so, and what to do", async () => {
  const client = await device(use.server.url);
  const id = await written(client, first);
  await client.logout();
  show(client, <HistoryView id={id} />);
  await screen.findByText(/kept on the server.*Log in/);
  expect(screen.queryByText("Opening…")).toBeNull();
});

test("without a server it says so, and comes when the server is back", async () => {
  const client = await device(use.server.url);
  const id = await written(client, first);
  await use.server.kill();
  show(client, <HistoryView id={id} />);
  await screen.findByText(/cannot be reached/);
  await use.server.restart();
  await press("Try again");
  await waitFor(() => expect(versions()).toHaveLength(1));
});

// What the real server refuses, in the page.
import type { BatchSyncService } from "@landfall/client";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { devices, useServer } from "../../react/test/support.js";
import FailedView from "../src/failed/FailedView.tsx";
import { button, contents, show } from "./support.tsx";

const here = useServer();
const LONG = "long ".repeat(120).trim();
/** As it stands in a sentence. */
const QUOTED = `“${LONG.slice(0, 59)}…”`;

let laptop: BatchSyncService;

beforeEach(async () => {
  [laptop] = await devices(here.server.url);
});

/** A document whose creation the server refuses: its title is too long. */
async function refusedCreation(): Promise<string> {
  const id = await laptop.queueCreate({ title: LONG, content: "kept\n" });
  await laptop.sync();
  expect(await laptop.status()).toMatchObject({ dead_letters: 1 });
  return id;
}

/** A document that the server has, with a rename that it refuses. */
async function refusedRename(): Promise<string> {
  const id = await laptop.queueCreate({ title: "note", content: "text\n" });
  await laptop.sync();
  await laptop.queueUpdate(id, { title: LONG });
  await laptop.sync();
  return id;
}

test("tells what was tried, why it failed, and what helps", async () => {
  const id = await refusedCreation();
  show(laptop, <FailedView />);
  const link = await screen.findByRole("link", { name: LONG });
  expect(link.getAttribute("href")).toBe(`#/documents/${id}`);
  const row = screen.getByRole("listitem");
  expect(row.textContent).toContain("Making this document failed just now");
  expect(row.textContent).toContain((await laptop.deadLetters())[0]?.error.message);
  expect(row.textContent).toContain((await laptop.deadLetters())[0]?.error.code);
  expect(
    within(row)
      .getAllByRole("button")
      .map((each) => each.textContent),
  ).toEqual(["Retry", "Discard"]);
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Failed");
});

test("a retry says that it was refused again", async () => {
  await refusedCreation();
  show(laptop, <FailedView />);
  fireEvent.click(await screen.findByRole("button", { name: "Retry" }));
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe(`${QUOTED} was refused again.`));
  expect(await laptop.deadLetters()).toHaveLength(1);
  expect(button("Retry").disabled).toBe(false);
});

test("a retry while logged out goes back into the queue, and the heading has the focus", async () => {
  await refusedCreation();
  await laptop.logout();
  show(laptop, <FailedView />);
  const retry = await screen.findByRole("button", { name: "Retry" });
  retry.focus();
  fireEvent.click(retry);
  await screen.findByText(`${QUOTED} is queued again, and will be sent with the next sync.`);
  expect(await laptop.status()).toMatchObject({ dead_letters: 0, queued: 1 });
  await screen.findByText(/Nothing failed/);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("heading", { name: "Failed" })));
});

test("Retry all says how many were refused again", async () => {
  await refusedCreation();
  await refusedRename();
  show(laptop, <FailedView />);
  fireEvent.click(await screen.findByRole("button", { name: "Retry all" }));
  await waitFor(
    () => expect(screen.getByRole("status").textContent).toBe("2 changes were retried: 0 sent, 2 refused again."),
  );
});

test("Discard asks first; a document that never reached the server is gone then", async () => {
  await refusedCreation();
  show(laptop, <FailedView />);
  fireEvent.click(await screen.findByRole("button", { name: "Discard" }));
  const dialog = screen.getByRole("dialog", { name: "Discard this change?" });
  expect(dialog.textContent).toContain("never reached the server");
  fireEvent.click(within(dialog).getByRole("button", { name: "Keep it" }));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(await laptop.deadLetters()).toHaveLength(1);
  fireEvent.click(button("Discard"));
  fireEvent.click(button("Discard for good"));
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe(`Gave up ${QUOTED}.`));
  expect(await laptop.status()).toMatchObject({ dead_letters: 0, documents: 0, queued: 0 });
});

test("a change that is given up gives way to what the server has", async () => {
  await refusedRename();
  show(laptop, <FailedView />);
  fireEvent.click(await screen.findByRole("button", { name: "Discard" }));
  expect(screen.getByRole("dialog").textContent).toContain("becomes what the server has");
  fireEvent.click(button("Discard for good"));
  await waitFor(async () => expect(await contents(laptop)).toEqual(["note: text\n"]));
  expect(await laptop.status()).toMatchObject({ dead_letters: 0, queued: 0 });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("heading", { name: "Failed" })));
});

test("Export saves everything that failed as JSON", async () => {
  await refusedCreation();
  const made = vi.spyOn(URL, "createObjectURL");
  const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  show(laptop, <FailedView />);
  fireEvent.click(await screen.findByRole("button", { name: "Export" }));
  await waitFor(() => expect(clicked).toHaveBeenCalledOnce());
  const [file] = made.mock.calls[0] ?? [];
  const letters: unknown = JSON.parse(await (file as Blob).text());
  expect(letters).toMatchObject([{ operation: { title: LONG }, document: { title: LONG, content: "kept\n" } }]);
  vi.restoreAllMocks();
});

test("a document that is mended is sent, and takes along what was refused", async () => {
  const id = await refusedRename();
  show(laptop, <FailedView />);
  await screen.findByText(/Open the document and correct it; it is then sent again/);
  await laptop.queueUpdate(id, { title: "short" });
  await screen.findByText(/Nothing failed/);
  await laptop.sync();
  expect(await laptop.status()).toMatchObject({ queued: 0, dead_letters: 0 });
  expect(await contents(laptop)).toEqual(["short: text\n"]);
});

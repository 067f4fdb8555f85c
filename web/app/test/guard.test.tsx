// Very much is deleted, here or elsewhere: somebody is asked, and what they say holds.
import type { BatchSyncService } from "@landfall/client";
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { devices, useServer } from "../../react/test/support.js";
import { SyncPanel } from "../src/shell/SyncPanel.tsx";
import { press, synced } from "./page.tsx";
import { show } from "./support.tsx";

const here = useServer();
const COUNT = 24;

let laptop: BatchSyncService;
let phone: BatchSyncService;

beforeEach(async () => {
  [laptop, phone] = await devices(here.server.url);
  for (let number = 1; number <= COUNT; number += 1) await laptop.queueCreate({ title: `note ${number}` });
  await synced(laptop);
  await synced(phone);
});

/** Deletes all but as many. */
async function removeFrom(device: BatchSyncService, left: number): Promise<void> {
  for (const { document_id } of (await device.documents()).slice(left)) await device.queueDelete(document_id);
}

const asked = (): Promise<HTMLElement> => screen.findByRole("dialog", { name: "Delete so much?" });
const isAsked = (): boolean => screen.queryByRole("dialog") !== null;
const countOf = async (device: BatchSyncService): Promise<number> => (await device.documents()).length;

test("what was deleted here is kept: it comes back, and everything is sent again", async () => {
  show(laptop, <SyncPanel />);
  await removeFrom(laptop, 1);
  const [left] = await laptop.documents();
  await laptop.queueUpdate(left?.document_id ?? "", { title: "written meanwhile" });
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  const dialog = await asked();
  expect(dialog.textContent).toContain("On this device 23 of 24 documents were deleted");
  await press("Keep them", dialog);
  await waitFor(() => expect(isAsked()).toBe(false));
  await screen.findByText(/^Synced/);
  expect(await countOf(laptop)).toBe(COUNT);
  expect(await laptop.status()).toMatchObject({ queued: 0 });
  await synced(laptop);
  await synced(phone);
  expect((await phone.documents()).map(({ title }) => title)).toContain("written meanwhile");
  expect(await countOf(phone)).toBe(COUNT);
});

test("a question that is put off is not asked with every sync, and can be answered later", async () => {
  show(laptop, <SyncPanel />);
  await removeFrom(laptop, 1);
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  fireEvent(await asked(), new Event("cancel"));
  await waitFor(() => expect(isAsked()).toBe(false));
  await laptop.queueCreate({ title: "written meanwhile" });
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  await screen.findByText(/Many documents were deleted here/);
  expect(isAsked()).toBe(false);
  await press("Decide");
  await press("Delete 23 documents", await asked());
  await screen.findByText(/^Synced/);
  expect(isAsked()).toBe(false);
  expect(await phone.sync({ allowMassDelete: true })).toMatchObject({ status: "synced" });
  expect(await countOf(phone)).toBe(2);
});

test("what was deleted elsewhere stays here, and is asked again only when it is more", async () => {
  await removeFrom(phone, 2);
  expect(await phone.sync({ allowMassDelete: true })).toMatchObject({ status: "synced" });
  show(laptop, <SyncPanel />);
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  const dialog = await asked();
  expect(dialog.textContent).toContain("Elsewhere 22 of the 24 documents of this device were deleted");
  await press("Keep them", dialog);
  await waitFor(() => expect(isAsked()).toBe(false));
  expect(await countOf(laptop)).toBe(COUNT);
  await laptop.queueCreate({ title: "written meanwhile" });
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  await screen.findByRole("button", { name: "Decide" });
  expect(isAsked()).toBe(false);
  expect(await laptop.status()).toMatchObject({ queued: 0 });

  await phone.queueDelete((await phone.documents())[0]?.document_id ?? "");
  await synced(phone);
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  expect((await asked()).textContent).toContain("Elsewhere 23 of the 25 documents");
  await press("Bring them back");
  await screen.findByText(/^Synced/);
  expect(await countOf(laptop)).toBe(COUNT + 1);
  await synced(phone);
  expect(await countOf(phone)).toBe(COUNT + 1);
});

test("what was deleted elsewhere can be deleted here too", async () => {
  await removeFrom(phone, 0);
  expect(await phone.sync({ allowMassDelete: true })).toMatchObject({ status: "synced" });
  show(laptop, <SyncPanel />);
  expect(await laptop.sync()).toMatchObject({ status: "guarded" });
  await press("Delete 24 documents", await asked());
  await screen.findByText(/^Synced/);
  expect(await countOf(laptop)).toBe(0);
});

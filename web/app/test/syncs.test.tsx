// Past syncs: of this device, and of all devices as the server tells.
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { useServer } from "../../react/test/support.js";
import SyncsView from "../src/syncs/SyncsView.tsx";
import { device, press, rowsOf, synced, written } from "./page.tsx";
import { show } from "./support.tsx";

const use = useServer();

test("each sync that sent something is told, with counts, and of which device it was", async () => {
  const laptop = await device(use.server.url);
  const phone = await device(use.server.url, (await laptop.status()).username);
  await written(phone, { title: "one", content: "" });
  for (const title of ["two", "three"]) await laptop.queueCreate({ title });
  await synced(laptop);
  show(laptop, <SyncsView />);
  await screen.findByRole("heading", { name: "Past syncs" });
  await screen.findByRole("table", { name: "Past syncs" });
  const [newest, older] = rowsOf("Past syncs");
  expect(newest?.slice(1, 6)).toEqual(["Sent and fetched", "This device", "2", "2", "0"]);
  expect(newest?.at(-2)).toBe("Done");
  expect(older?.slice(1, 6)).toEqual(["Sent and fetched", "Another device", "1", "1", "0"]);
});

test("the list follows a sync of this device, and errors are told when asked for", async () => {
  const laptop = await device(use.server.url);
  const phone = await device(use.server.url, (await laptop.status()).username);
  const id = await laptop.queueCreate({ title: "note", content: "base\n", kind: "text" });
  await synced(laptop);
  await synced(phone);
  await phone.queueUpdate(id, { content: "theirs\n" });
  await synced(phone);
  show(laptop, <SyncsView />);
  await screen.findByRole("table", { name: "Past syncs" });
  expect(rowsOf("Past syncs")).toHaveLength(2);
  await laptop.queueUpdate(id, { content: "mine\n" });
  await synced(laptop);
  await waitFor(() => expect(rowsOf("Past syncs")).toHaveLength(3));
  const device_ = within(screen.getByRole("region", { name: "This device" }));
  await device_.findByText(/ended well/);
  expect(device_.getByText("Need attention").nextSibling?.textContent).toBe("1");
  await press(/^Show errors/);
  const dialog = await screen.findByRole("dialog", { name: /^Errors of the sync/ });
  const errors = await within(dialog).findByRole("list", { name: "Errors" });
  expect(within(errors).getByRole("link", { name: "note" })).toBeTruthy();
  expect(errors.textContent).toMatch(/conflict|version_mismatch/);
  await press("Close", dialog);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("logged out, what this device knows is told all the same", async () => {
  const laptop = await device(use.server.url);
  await written(laptop, { title: "one", content: "" });
  await laptop.logout();
  await laptop.queueCreate({ title: "two" });
  show(laptop, <SyncsView />);
  await screen.findByText(/last in step with the server just now.*One change waits here/);
  await screen.findByText(/kept on the server.*Log in/);
  expect(screen.queryByText("Opening…")).toBeNull();
});

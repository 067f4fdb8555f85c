// What the tests of the views share: a view as the page shows it, with a client of the real server.
import type { BatchSyncService, Conflict, DocumentKind } from "@landfall/client";
import { act, render, screen, type RenderResult } from "@testing-library/react";
import type { ReactElement } from "react";
import { within as providerOf } from "../../react/test/support.js";

/** A field, button or heading by the name that a screen reader tells. */
export const button = (name: string): HTMLButtonElement => screen.getByRole("button", { name });
export const field = (name: string): HTMLInputElement => screen.getByLabelText(name);

/** Shows a view, on nothing but what it is given: no sync starts by itself. */
export function show(client: BatchSyncService, view: ReactElement): RenderResult {
  return render(view, { wrapper: providerOf({ client, auto: false }) });
}

/** Types a text over the one in a field. */
export function type(name: string, text: string): void {
  act(() => {
    field(name).value = text;
  });
}

type Deed = (device: BatchSyncService, id: string) => Promise<unknown>;

/** A document on both devices; the phone does something to it and syncs, then the laptop. */
export async function clash(
  [laptop, phone]: [BatchSyncService, BatchSyncService],
  kind: DocumentKind,
  onPhone: Deed,
  onLaptop: Deed,
  title = "note",
): Promise<Conflict> {
  const id = await laptop.queueCreate({ title, content: "top\nbase\nend\n", kind });
  await laptop.sync();
  await phone.sync();
  await onPhone(phone, id);
  await phone.sync();
  await onLaptop(laptop, id);
  await laptop.sync();
  const conflict = (await laptop.conflicts()).find((each) => each.document_id === id);
  if (!conflict) throw new Error("there is no conflict");
  return conflict;
}

export const write =
  (content: string): Deed =>
  (device, id) =>
    device.queueUpdate(id, { content });
export const rename =
  (title: string): Deed =>
  (device, id) =>
    device.queueUpdate(id, { title });
export const remove: Deed = (device, id) => device.queueDelete(id);

/** Titles and texts of what a device has. */
export async function contents(device: BatchSyncService): Promise<string[]> {
  const all = await Promise.all((await device.documents()).map((row) => device.document(row.document_id)));
  return all.map((row) => `${row?.title}: ${row?.content}`).sort();
}

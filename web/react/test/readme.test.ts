// The example of the README, as it stands: its types, and what it does.
import { BatchSyncService, MemoryStore } from "@landfall/client";
import "fake-indexeddb/auto";
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { newName, PASSWORD, useServer } from "./support.js";

const here = useServer();

test("the example of the README runs as it stands", async () => {
  const [, example = ""] = /```tsx\n([^]*?)```/.exec(await readFile("README.md", "utf8")) ?? [];
  await mkdir("dist", { recursive: true });
  await writeFile("dist/example.tsx", example);
  await writeFile("dist/tsconfig.json", JSON.stringify({ extends: "../tsconfig.json", include: ["example.tsx"] }));
  await promisify(execFile)("npx", ["tsc", "-p", "dist/tsconfig.json"]);

  document.head.innerHTML = `<meta name="landfall-server" content="${here.server.url}">`;
  document.body.innerHTML = '<div id="root"></div>';
  await import(/* @vite-ignore */ `${process.cwd()}/dist/example.tsx`);

  // Written without an account.
  fireEvent.click(await screen.findByText("New note"));
  fireEvent.change(await screen.findByLabelText("text"), { target: { value: "milk" } });
  await screen.findByText("saved, pending");
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("online, 1 to send"));

  // A login sends it.
  const name = newName();
  fireEvent.change(screen.getByLabelText("name"), { target: { value: name } });
  fireEvent.change(screen.getByLabelText("password"), { target: { value: PASSWORD } });
  fireEvent.click(screen.getByText("Register"));
  await screen.findByText("saved, synced", {});

  // Another device reads and writes it, and this page shows what it wrote.
  const phone = new BatchSyncService({ url: here.server.url, store: new MemoryStore() });
  await phone.login(name, PASSWORD);
  await phone.sync();
  const [document_] = await phone.documents();
  expect(await phone.document(document_?.document_id ?? "")).toMatchObject({ title: "A note", content: "milk" });
  await phone.queueUpdate(document_?.document_id ?? "", { content: "milk and bread" });
  await phone.sync();
  await screen.findByDisplayValue("milk and bread", {});
  fireEvent.click(screen.getByLabelText("work offline"));
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("working offline, 0 to send"));
}, 120_000);

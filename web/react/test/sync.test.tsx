// useSync against the real server.
import { act, renderHook, waitFor } from "@testing-library/react";
import { ROOT, type Lock } from "@landfall/client";
import { describe, expect, test, vi } from "vitest";
import { useDocuments, useSync } from "../src/index.js";
import { devices, newClient, newName, PASSWORD, useServer, within } from "./support.js";

const here = useServer();

describe("useSync", () => {
  test("before a login: what is queued waits, and a login sends it", async () => {
    const client = await newClient(here.server.url);
    const { result } = renderHook(useSync, { wrapper: within({ client, delayMs: 20 }) });
    await waitFor(() => expect(result.current.status).toMatchObject({ logged_in: false, queued: 0 }));
    expect(result.current.needsLogin).toBe(true);
    await act(() => client.queueCreate({ title: "note", content: "written offline" }));
    await waitFor(() => expect(result.current.status).toMatchObject({ queued: 1, documents: 1 }));

    const name = newName();
    await act(() => result.current.register(name, PASSWORD));
    expect(result.current).toMatchObject({ needsLogin: false, status: { username: name, logged_in: true } });
    await waitFor(() => expect(result.current.status?.queued).toBe(0));
    await waitFor(() => expect(result.current.isSyncing).toBe(false));
    expect(result.current.report).toMatchObject({ status: "synced", progress: { succeeded: 1 } });
    expect(result.current.isOnline).toBe(true);

    await act(() => result.current.logout());
    expect(result.current).toMatchObject({ needsLogin: true, status: { logged_in: false, documents: 1 } });
    await act(() => result.current.login(name, PASSWORD));
    expect(result.current.needsLogin).toBe(false);
  });

  test("syncs when mounted, after an edit, and takes in what others write", async () => {
    const [laptop, phone] = await devices(here.server.url);
    await laptop.queueCreate({ title: "before" });
    const { result } = renderHook(useSync, { wrapper: within({ client: laptop, delayMs: 20 }) });
    await waitFor(() => expect(result.current.report?.progress.succeeded).toBe(1));
    await act(() => laptop.queueCreate({ title: "while mounted" }));
    await waitFor(() => expect(result.current.status).toMatchObject({ queued: 0, documents: 2 }));
    await phone.sync();
    await phone.queueCreate({ title: "from the phone" });
    await phone.sync();
    await waitFor(() => expect(result.current.status?.documents).toBe(3));
  });

  test("typing without a pause is pushed every 2 s at the latest", async () => {
    const [laptop, phone] = await devices(here.server.url);
    renderHook(useSync, { wrapper: within({ client: laptop }) });
    const id = await laptop.queueCreate({ title: "long" });
    const text = (await laptop.openDocument(id)).getText(ROOT);
    let isTyping = true;
    const typing = (async () => {
      while (isTyping) {
        text.insert(text.length, "x");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    // In the middle of it, the other device sees what was typed so far, and more and more of it.
    const seen: number[] = [];
    const began = Date.now();
    while (seen.length < 3 && Date.now() - began < 30_000) {
      await phone.sync();
      const length = (await phone.document(id))?.content.length ?? 0;
      if (length > (seen.at(-1) ?? 0)) seen.push(length);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    isTyping = false;
    await typing;
    expect(seen).toHaveLength(3);
    expect(Date.now() - began).toBeLessThan(12_000);
  });

  test("while another tab syncs, it tries again and again, and not ever more seldom", async () => {
    let held = 4;
    const lock: Lock = {
      attempt: async (_name, body) => (held-- > 0 ? undefined : { result: await body() }),
      wait: (_name, body) => body(),
    };
    const client = await newClient(here.server.url, { lock });
    await client.register(newName(), PASSWORD);
    vi.spyOn(Math, "random").mockReturnValue(0);
    const timers = vi.spyOn(globalThis, "setTimeout");
    const { result } = renderHook(useSync, { wrapper: within({ client }) });
    await waitFor(() => expect(result.current.report?.status).toBe("busy"));
    await waitFor(() => expect(result.current.report?.status).toBe("synced"));
    // The shortest wait, four times over; doubled each time, it would be there once.
    expect(timers.mock.calls.filter(([, ms]) => ms === 1000).length).toBeGreaterThanOrEqual(4);
    vi.restoreAllMocks();
  });

  test("a sync that failed as nobody foresaw is tried again by itself", async () => {
    let broken = true;
    const lock: Lock = {
      attempt: async (_name, body) => {
        if (broken) throw new TypeError("broken");
        return { result: await body() };
      },
      wait: (_name, body) => body(),
    };
    const client = await newClient(here.server.url, { lock });
    await client.register(newName(), PASSWORD);
    const { result } = renderHook(useSync, { wrapper: within({ client }) });
    await waitFor(() => expect(result.current.report).toMatchObject({ status: "failed", error: { message: "broken" } }));
    broken = false;
    await waitFor(() => expect(result.current.report?.status).toBe("synced"));
  });

  test("one tab shows what another one sent", async () => {
    const name = newName();
    const [tab, other] = [await newClient(here.server.url, {}, name), await newClient(here.server.url, {}, name)];
    await tab.register(newName(), PASSWORD);
    const { result } = renderHook(() => ({ ...useDocuments(), ...useSync() }), {
      wrapper: within({ client: other, auto: false }),
    });
    await act(() => tab.queueCreate({ title: "note" }));
    await waitFor(() => expect(result.current.documents).toMatchObject([{ state: "pending" }]));
    await act(() => tab.sync());
    await waitFor(() => expect(result.current.documents).toMatchObject([{ state: "synced" }]));
    await waitFor(() => expect(result.current.status?.synced_at).toBeDefined());
  });

  test("without auto it waits to be asked", async () => {
    const [laptop] = await devices(here.server.url);
    const sync = vi.spyOn(laptop, "sync");
    const { result } = renderHook(useSync, { wrapper: within({ client: laptop, auto: false, delayMs: 0 }) });
    await act(() => laptop.queueCreate({ title: "note" }));
    await waitFor(() => expect(result.current.status?.queued).toBe(1));
    expect(sync).not.toHaveBeenCalled();
    const report = await act(() => result.current.sync());
    expect(report.status).toBe("synced");
    expect(result.current).toMatchObject({ isSyncing: false, status: { queued: 0 }, report });
  });

  test("a sync that was cancelled tells how far it came, whatever waited behind it", async () => {
    const client = await newClient(here.server.url, { batchSize: 1, concurrency: 1 });
    await client.register(newName(), PASSWORD);
    for (const title of ["a", "b", "c", "d"]) await client.queueCreate({ title });
    const { result } = renderHook(useSync, { wrapper: within({ client, auto: false }) });
    await waitFor(() => expect(result.current.status?.queued).toBe(4));
    const waiting: Promise<unknown>[] = [];
    client.on("result", () => {
      if (waiting.length === 0) waiting.push(client.pull(), client.sync({ direction: "push" }), client.cancel());
    });
    await act(() => result.current.sync());
    await act(() => Promise.all(waiting));
    expect(result.current.report).toMatchObject({ status: "cancelled", progress: { processed: 1, total: 4 } });
    await act(() => result.current.resume());
    expect(result.current.report).toMatchObject({ status: "synced", progress: { processed: 3, total: 3 } });
  });

  test("works offline when told to, and syncs when that is over", async () => {
    const [laptop] = await devices(here.server.url);
    const { result } = renderHook(useSync, { wrapper: within({ client: laptop, delayMs: 0, initiallyPaused: true }) });
    await waitFor(() => expect(result.current).toMatchObject({ isPaused: true, status: { queued: 0 } }));
    const fetched = vi.spyOn(globalThis, "fetch");
    await act(() => laptop.queueCreate({ title: "note" }));
    await waitFor(() => expect(result.current.status?.queued).toBe(1));
    window.dispatchEvent(new Event("online"));
    expect(await act(() => result.current.sync())).toMatchObject({ status: "cancelled" });
    expect(await act(() => result.current.resume())).toMatchObject({ status: "cancelled" });
    expect(fetched).not.toHaveBeenCalled();
    act(() => result.current.setPaused(false));
    await waitFor(() => expect(result.current.status?.queued).toBe(0));
    act(() => result.current.setPaused(true));
    expect(result.current.isPaused).toBe(true);
    fetched.mockRestore();
  });
});

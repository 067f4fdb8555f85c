// What the provider does when the server goes away and comes back, and how it ends.
import { renderToString } from "react-dom/server";
import { act, renderHook, waitFor } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";
import { SyncProvider, useDocument, useDocuments, useSync } from "../src/index.js";
import { TestServer } from "../../client/test/support/server.js";
import { devices, newClient, newName, PASSWORD, useServer, within } from "./support.js";

const here = useServer();

describe("when the server goes away", () => {
  test("says so, keeps trying by itself, and sends what was written meanwhile", async () => {
    const own = await TestServer.start();
    const client = await newClient(own.url);
    await client.register(newName(), PASSWORD);
    const { result } = renderHook(useSync, { wrapper: within({ client, delayMs: 20 }) });
    await waitFor(() => expect(result.current.report?.status).toBe("synced"));
    await own.kill();
    await act(() => client.queueCreate({ title: "meanwhile" }));
    await waitFor(() => expect(result.current).toMatchObject({ isOnline: false, report: { status: "offline" } }));
    await waitFor(() => expect(result.current.status?.queued).toBe(1));
    await own.restart();
    await waitFor(() => expect(result.current.status?.queued).toBe(0));
    await waitFor(() => expect(result.current).toMatchObject({ isOnline: true, report: { status: "synced" } }));
    await own.stop();
  });

  test("the browser's word that it is offline counts, and its word that it is back starts a sync", async () => {
    const [laptop] = await devices(here.server.url);
    const { result } = renderHook(useSync, { wrapper: within({ client: laptop, delayMs: 60_000 }) });
    await waitFor(() => expect(result.current.report?.status).toBe("synced"));
    const word = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    act(() => void window.dispatchEvent(new Event("offline")));
    expect(result.current.isOnline).toBe(false);
    await act(() => laptop.queueCreate({ title: "note" }));
    word.mockReturnValue(true);
    act(() => void window.dispatchEvent(new Event("online")));
    expect(result.current.isOnline).toBe(true);
    await waitFor(() => expect(result.current.status?.queued).toBe(0));
    await act(() => laptop.queueCreate({ title: "another" }));
    document.dispatchEvent(new Event("visibilitychange"));
    await waitFor(() => expect(result.current.status?.queued).toBe(0));
  });
});

describe("what can be done", () => {
  test("a sync is cancelled and resumed", async () => {
    let lets = () => {};
    const gate = new Promise<void>((resolve) => (lets = resolve));
    const sent = vi.fn();
    const client = await newClient(here.server.url, {
      batchSize: 1,
      concurrency: 1,
      fetch: async (input, init) => {
        if (input.endsWith("/batch")) {
          sent();
          await gate;
        }
        return fetch(input, init);
      },
    });
    await client.register(newName(), PASSWORD);
    for (const title of ["a", "b", "c"]) await client.queueCreate({ title });
    const { result } = renderHook(useSync, { wrapper: within({ client, auto: false }) });
    const syncing = result.current.sync();
    await waitFor(() => expect(result.current).toMatchObject({ isSyncing: true, progress: { total: 3 } }));
    await waitFor(() => expect(sent).toHaveBeenCalledOnce());
    const cancelled = result.current.cancel();
    lets();
    await act(() => cancelled);
    expect(await act(() => syncing)).toMatchObject({ status: "cancelled" });
    expect(result.current.status?.queued).toBe(2);
    expect(await act(() => result.current.resume())).toMatchObject({ status: "synced" });
    expect(result.current).toMatchObject({ isSyncing: false, status: { queued: 0 } });
  });

  test("dead letters are shown, retried and given up", async () => {
    const [laptop] = await devices(here.server.url);
    const id = await laptop.queueCreate({ title: "x".repeat(100_000), kind: "text" });
    const wrapper = within({ client: laptop, auto: false });
    const { result } = renderHook(() => ({ ...useSync(), note: useDocument(id) }), { wrapper });
    await act(() => result.current.sync());
    const [letter] = result.current.deadLetters;
    expect(letter).toMatchObject({ document_id: id, error: { retryable: false } });
    expect(result.current.note).toMatchObject({ state: "failed", deadLetter: letter });
    expect(await act(() => result.current.retryDeadLetters())).toBe(1);
    expect(result.current).toMatchObject({ deadLetters: [], status: { queued: 1, dead_letters: 0 } });
    await act(() => result.current.sync());
    await act(() => result.current.discardDeadLetter(letter?.client_id ?? ""));
    expect(result.current).toMatchObject({ deadLetters: [], status: { documents: 0 }, note: { document: undefined } });
  });

  test("a login that is refused rejects, and one that ended asks for another", async () => {
    const [laptop] = await devices(here.server.url);
    const { result } = renderHook(useSync, { wrapper: within({ client: laptop, auto: false }) });
    await waitFor(() => expect(result.current.status?.logged_in).toBe(true));
    const { username = "" } = await laptop.status();
    await expect(act(() => result.current.login(username, "wrong"))).rejects.toMatchObject({ status: 401 });
    expect(result.current.needsLogin).toBe(false);
    await act(() => result.current.logout());
    expect(await act(() => result.current.sync())).toMatchObject({ status: "auth-needed" });
    expect(result.current.needsLogin).toBe(true);
  });
});

describe("providers", () => {
  test("two clients on a page do not mix, and two providers of one client show the same", async () => {
    const [one, other] = [await newClient(here.server.url), await newClient(here.server.url)];
    const first = renderHook(useDocuments, { wrapper: within({ client: one }) });
    const second = renderHook(useDocuments, { wrapper: within({ client: one }) });
    const third = renderHook(useDocuments, { wrapper: within({ client: other }) });
    await act(() => first.result.current.create({ title: "note" }));
    await waitFor(() => expect(third.result.current.isLoading).toBe(false));
    expect(second.result.current).toBe(first.result.current);
    expect(third.result.current.documents).toEqual([]);
  });

  test("listen to nothing after the last one is gone, and go on when one comes back", async () => {
    const [laptop] = await devices(here.server.url);
    let listeners = 0;
    const on = laptop.on.bind(laptop);
    vi.spyOn(laptop, "on").mockImplementation((name, listener) => {
      listeners += 1;
      const end = on(name, listener);
      return () => {
        listeners -= 1;
        end();
      };
    });
    const id = await laptop.queueCreate({ title: "note" });
    const subscribed = vi.spyOn(laptop, "subscribe");
    const wrapper = within({ client: laptop, delayMs: 0 });
    const page = renderHook(() => ({ ...useSync(), note: useDocument(id) }), { wrapper });
    await waitFor(() => expect(page.result.current.status?.queued).toBe(0));
    await waitFor(() => expect(page.result.current.note.doc).toBeDefined());
    expect(subscribed).toHaveBeenCalledOnce();
    page.unmount();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(listeners).toBe(0);
    const sync = vi.spyOn(laptop, "sync");
    await laptop.queueUpdate(id, { title: "changed" });
    window.dispatchEvent(new Event("online"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sync).not.toHaveBeenCalled();
    const again = renderHook(useSync, { wrapper });
    await waitFor(() => expect(again.result.current.status?.queued).toBe(0));
  });

  test("render on a server, and hooks without one say what is missing", async () => {
    const client = await newClient(here.server.url);
    function Count() {
      const { documents, isLoading } = useDocuments();
      const { isOnline } = useSync();
      const { state } = useDocument("550e8400-e29b-41d4-a716-446655440000");
      return <p>{`${documents.length} ${String(isLoading)} ${String(isOnline)} ${state}`}</p>;
    }
    const html = renderToString(
      <SyncProvider client={client}>
        <Count />
      </SyncProvider>,
    );
    expect(html).toBe("<p>0 true true synced</p>");
    expect(() => renderToString(<Count />)).toThrow("SyncProvider");
  });
});

test("500 documents are pushed: the list follows some times a second, and ends up in sync", async () => {
  const [laptop] = await devices(here.server.url);
  for (let n = 0; n < 500; n += 1) await laptop.queueCreate({ title: `note ${n}`, kind: "text" });
  let drawn = 0;
  const wrapper = within({ client: laptop, auto: false });
  const { result } = renderHook(() => ({ list: useDocuments(), sync: useSync(), drawn: (drawn += 1) }), { wrapper });
  await waitFor(() => expect(result.current.list.documents).toHaveLength(500));
  drawn = 0;
  const told = vi.fn();
  laptop.on("progress", told);
  laptop.on("result", told);
  const started = performance.now();
  await act(() => result.current.sync.sync());
  const intervals = (performance.now() - started) / 220;
  expect(result.current.sync.progress).toMatchObject({ total: 500, succeeded: 500, percentage: 100 });
  expect(new Set(result.current.list.documents.map(({ state }) => state))).toEqual(new Set(["synced"]));
  expect(told.mock.calls.length).toBeGreaterThan(500);
  // Twice each in strict mode; some more for what is shown at once: the end, and the server's first answer.
  expect(drawn).toBeLessThan(2 * (intervals + 6));
});

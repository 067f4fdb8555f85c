// useDocuments and useDocument against the real server.
import { IndexedDbStore, ROOT, StorageFullError } from "@landfall/client";
import { act, render, renderHook, waitFor } from "@testing-library/react";
import { memo } from "react";
import { describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { useDocument, useDocuments, useSync, type ListedDocument } from "../src/index.js";
import { devices, newClient, newName, useServer, within } from "./support.js";

const here = useServer();

describe("useDocuments", () => {
  test("makes, renames and removes documents, and says how each stands", async () => {
    const [laptop] = await devices(here.server.url);
    const wrapper = within({ client: laptop, auto: false });
    const { result } = renderHook(() => ({ ...useDocuments(), sync: useSync().sync }), { wrapper });
    expect(result.current.isLoading).toBe(true);
    await waitFor(() => expect(result.current.isLoading).toBe(false));

    const id = await act(() => result.current.create({ title: "b", content: "text" }));
    await act(() => result.current.create({ title: "a", kind: "text" }));
    expect(result.current.documents.map((row) => [row.title, row.state])).toEqual([
      ["a", "pending"],
      ["b", "pending"],
    ]);
    await act(() => result.current.sync());
    expect(result.current.documents.map((row) => row.state)).toEqual(["synced", "synced"]);
    await act(() => result.current.rename(id, "0"));
    expect(result.current.documents[0]).toMatchObject({ document_id: id, title: "0", state: "pending" });
    await act(() => result.current.remove(id));
    expect(result.current.documents.map((row) => row.title)).toEqual(["a"]);
  });

  test("draws only the rows that changed", async () => {
    const client = await newClient(here.server.url);
    const drawn: string[] = [];
    const Row = memo(function Row({ document }: { document: ListedDocument }) {
      drawn.push(document.title);
      return <li>{document.title}</li>;
    });
    function List() {
      const { documents } = useDocuments();
      return <ul>{documents.map((row) => <Row key={row.document_id} document={row} />)}</ul>;
    }
    const ids: string[] = [];
    for (const title of ["a", "b", "c"]) ids.push(await client.queueCreate({ title }));
    const page = render(<List />, { wrapper: within({ client, auto: false }) });
    await waitFor(() => expect(page.getAllByRole("listitem")).toHaveLength(3));
    drawn.length = 0;
    await act(() => client.queueUpdate(ids[1] ?? "", { title: "changed" }));
    await waitFor(() => expect(page.queryByText("changed")).not.toBeNull());
    expect(new Set(drawn)).toEqual(new Set(["changed"]));
  });
});

describe("useDocument", () => {
  test("gives two components one Y.Doc, says when edits are saved, and closes it after the last", async () => {
    const client = await newClient(here.server.url);
    const id = await client.queueCreate({ title: "note", content: "one" });
    const wrapper = within({ client, auto: false });
    const first = renderHook(() => useDocument(id), { wrapper });
    const second = renderHook(() => useDocument(id), { wrapper });
    await waitFor(() => expect(first.result.current.text?.toString()).toBe("one"));
    const { doc, text } = first.result.current;
    await waitFor(() => expect(second.result.current.doc).toBe(doc));
    await waitFor(() => expect(first.result.current.document?.title).toBe("note"));

    act(() => text?.insert(3, " two"));
    expect(first.result.current).toMatchObject({ isSaved: false, error: undefined });
    await waitFor(() => expect(first.result.current.isSaved).toBe(true));
    expect(await client.document(id)).toMatchObject({ content: "one two" });

    const destroyed = vi.fn();
    doc?.on("destroy", destroyed);
    first.unmount();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(destroyed).not.toHaveBeenCalled();
    second.unmount();
    await waitFor(() => expect(destroyed).toHaveBeenCalledOnce());
  });

  test("an edit that could not be saved is kept, told, and tried again by itself", async () => {
    const store = await IndexedDbStore.open(newName());
    const client = await newClient(here.server.url, { store });
    const id = await client.queueCreate({ title: "note", content: "one" });
    const { result } = renderHook(() => useDocument(id), { wrapper: within({ client, auto: false }) });
    await waitFor(() => expect(result.current.text?.toString()).toBe("one"));
    const transaction = store.transaction.bind(store);
    const full = vi.spyOn(store, "transaction").mockImplementation((mode, body) => {
      return mode === "write" ? Promise.reject(new StorageFullError()) : transaction(mode, body);
    });
    act(() => result.current.text?.insert(3, " two"));
    await waitFor(() => expect(result.current).toMatchObject({ isSaved: false, error: { name: "StorageFullError" } }));
    expect(result.current.text?.toString()).toBe("one two");
    full.mockRestore();
    await waitFor(() => expect(result.current).toMatchObject({ isSaved: true, error: undefined }));
    expect(await client.document(id)).toMatchObject({ content: "one two" });
  });

  test("opens a document as soon as it is there, and lets go of one that was deleted", async () => {
    const [laptop, phone] = await devices(here.server.url);
    const id = await laptop.queueCreate({ title: "note", content: "from the laptop" });
    const wrapper = within({ client: phone, auto: false });
    const { result } = renderHook(() => ({ ...useDocument(id), sync: useSync().sync }), { wrapper });
    await waitFor(() => expect(result.current.error).toMatchObject({ name: "NoSuchDocument" }));
    await laptop.sync();
    await act(() => result.current.sync());
    await waitFor(() => expect(result.current.text?.toString()).toBe("from the laptop"));
    expect(result.current.error).toBeUndefined();

    await laptop.queueDelete(id);
    await laptop.sync();
    await act(() => result.current.sync());
    await waitFor(() => expect(result.current).toMatchObject({ document: undefined, doc: undefined }));
    expect(result.current.error).toMatchObject({ name: "NoSuchDocument" });
  });

  test("opens it again when it begins anew, and shows its conflict", async () => {
    const [laptop, phone] = await devices(here.server.url);
    const document_id = crypto.randomUUID();
    await laptop.queueCreate({ document_id, title: "plan", content: "of the laptop" });
    await phone.queueCreate({ document_id, title: "plan", content: "of the phone" });
    await laptop.sync();
    const wrapper = within({ client: phone, auto: false });
    const { result } = renderHook(() => ({ ...useDocument(document_id), sync: useSync() }), { wrapper });
    await waitFor(() => expect(result.current.text?.toString()).toBe("of the phone"));
    const former = result.current.doc;
    await act(() => result.current.sync.sync());
    expect(result.current).toMatchObject({ state: "conflict", conflict: { theirs: { content: "of the laptop" } } });
    const client_id = result.current.conflict?.client_id ?? "";
    await act(() => result.current.sync.resolve(client_id, { choice: "theirs" }));
    await waitFor(() => expect(result.current.text?.toString()).toBe("of the laptop"));
    expect(result.current.doc).not.toBe(former);
    expect(result.current.conflict).toBeUndefined();
    result.current.doc?.getText(ROOT).insert(0, "edited ");
    await act(() => phone.flush());
    await waitFor(() => expect(result.current).toMatchObject({ isSaved: true, state: "pending" }));
  });

  test("an editor of rich text takes the root as what it needs, and the text is then none", async () => {
    const client = await newClient(here.server.url);
    const id = await client.queueCreate({ title: "rich" });
    const { result } = renderHook(() => useDocument(id), { wrapper: within({ client, auto: false }) });
    await waitFor(() => expect(result.current.doc).toBeDefined());
    // As Tiptap and BlockNote do; it throws where somebody took the root as a text before.
    const fragment = result.current.doc?.getXmlFragment(ROOT);
    act(() => fragment?.insert(0, [new Y.XmlElement("paragraph")]));
    await waitFor(() => expect(result.current).toMatchObject({ isSaved: true, state: "pending" }));
    expect(result.current.text).toBeUndefined();
  });

  test("a plain text has no Y.Doc, and no document is no error", async () => {
    const client = await newClient(here.server.url);
    const id = await client.queueCreate({ title: "plain", content: "text", kind: "text" });
    const wrapper = within({ client, auto: false });
    const { result } = renderHook(() => useDocument(id), { wrapper });
    await waitFor(() => expect(result.current).toMatchObject({ document: { kind: "text" }, content: "text" }));
    expect(result.current).toMatchObject({ doc: undefined, text: undefined, error: undefined, isSaved: true });
    const none = renderHook(() => useDocument(undefined), { wrapper }).result;
    expect(none.current).toMatchObject({ document: undefined, error: undefined });
  });
});

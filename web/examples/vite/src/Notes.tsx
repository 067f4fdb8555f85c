import { replaceText } from "@landfall/client";
import { useDocument, useDocuments, useSync } from "@landfall/react";
import { useCallback, useState, useSyncExternalStore } from "react";
import type * as Y from "yjs";

/** A list of notes, and the one that is open. */
export function Notes() {
  const { documents, create } = useDocuments();
  const { status, isOnline } = useSync();
  const [open, setOpen] = useState<string>();
  return (
    <>
      <p role="status">{isOnline ? `${status?.queued ?? 0} to send` : "the server cannot be reached"}</p>
      <button onClick={() => void create({ title: "A note" }).then(setOpen)}>New note</button>
      <ul>
        {documents.map(({ document_id, title, state }) => (
          <li key={document_id}>
            <button onClick={() => setOpen(document_id)}>{title}</button> {state}
          </li>
        ))}
      </ul>
      {open && <Note key={open} id={open} />}
    </>
  );
}

function Note({ id }: { id: string }) {
  const { text } = useDocument(id);
  const value = useText(text);
  return text && <textarea aria-label="text" value={value} onChange={(event) => replaceText(text, event.target.value)} />;
}

function useText(text: Y.Text | undefined): string {
  const subscribe = useCallback(
    (listener: () => void) => {
      text?.observe(listener);
      return () => text?.unobserve(listener);
    },
    [text],
  );
  return useSyncExternalStore(
    subscribe,
    () => text?.toString() ?? "",
    () => "",
  );
}

/**
 * The provider and the hooks.
 *
 * @module
 */
import type { BatchSyncService } from "@landfall/client";
import { createContext, useCallback, useContext, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { appearanceOf, NOBODY, Others, type Presence } from "./presence.js";
import { storeOf, type SyncStore } from "./sync-store.js";
import { NO_DOCUMENT, type Documents, type OpenDocument, type Sync } from "./views.js";

const Context = createContext<SyncStore | undefined>(undefined);

/** What a {@link SyncProvider} takes. */
export interface SyncProviderProps {
  /** The client; made once, outside of components. */
  client: BatchSyncService;
  /** Whether to sync without being asked; `true`. */
  auto?: boolean;
  /** How long after an edit to sync, in milliseconds; 1000. Further edits put it off, up to 2 s in all. */
  delayMs?: number;
  /** Whether to begin with "work offline", as somebody chose before a reload. Counts only for the first provider of a client. */
  initiallyPaused?: boolean;
  /** Who may use the hooks. */
  children?: ReactNode;
}

/**
 * Gives a client to the hooks below it, and keeps it in sync: at once, some time after each edit, when the network is
 * back, when the page is shown again, and whenever the server tells of a change. Several providers may share a client.
 */
export function SyncProvider(props: SyncProviderProps): ReactNode {
  const { client, auto = true, delayMs = 1000, initiallyPaused = false, children } = props;
  const store = storeOf(client);
  useEffect(() => store.subscribe(() => undefined), [store]);
  useEffect(() => store.beginPaused(initiallyPaused), [store, initiallyPaused]);
  useEffect(() => (auto ? store.auto.start(delayMs) : undefined), [store, auto, delayMs]);
  return <Context.Provider value={store}>{children}</Context.Provider>;
}

/** How the sync stands, and what can be done about it. */
export function useSync(): Sync {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.sync, store.sync);
}

/** The live documents in the order of their titles, and what can be done with them. */
export function useDocuments(): Documents {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.documents, store.documents);
}

/**
 * One document, open for editing as long as a component that uses it is mounted; all of them get the same `Y.Doc`.
 * After the last one it is destroyed, so nothing else should hold on to it.
 *
 * @param documentId with `undefined` nothing is opened
 */
export function useDocument(documentId: string | undefined): OpenDocument {
  const store = useStore();
  const subscribe = useCallback(
    (listener: () => void) => (documentId === undefined ? store.subscribe(listener) : store.use(documentId, listener)),
    [store, documentId],
  );
  const snapshot = () => (documentId === undefined ? NO_DOCUMENT : store.document(documentId));
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}

/**
 * Who else has a document open, with names, colours and cursors; keeps it open, as {@link useDocument} does.
 *
 * @param self how this editor is shown to the others; absent, it is shown to nobody by name
 */
export function usePresence(documentId: string | undefined, self?: { name: string; color?: string }): Presence {
  const { provider } = useDocument(documentId);
  const { name, color } = self ?? {};
  useEffect(() => {
    if (!provider || name === undefined) return;
    provider.awareness.setLocalStateField("user", appearanceOf({ name, ...(color === undefined ? {} : { color }) }));
  }, [provider, name, color]);
  const others = useMemo(() => provider && new Others(provider), [provider]);
  const read = others?.read ?? nobody;
  return useSyncExternalStore(others?.subscribe ?? never, read, read);
}

function nobody(): Presence {
  return NOBODY;
}

function never(): () => void {
  return () => undefined;
}

function useStore(): SyncStore {
  const store = useContext(Context);
  if (!store) throw new Error("useSync, useDocuments, useDocument and usePresence need a <SyncProvider> above them");
  return store;
}

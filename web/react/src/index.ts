/**
 * React binding of `@landfall/client`: a provider and hooks for offline-first documents.
 *
 * @packageDocumentation
 */
export { SyncProvider, useDocument, useDocuments, usePresence, useSync } from "./provider.js";
export type { SyncProviderProps } from "./provider.js";
export { personOf } from "./presence.js";
export type { Appearance, Person, Presence } from "./presence.js";
export type {
  DocumentActions,
  DocumentList,
  Documents,
  ListedDocument,
  OpenDocument,
  Sync,
  SyncActions,
  SyncState,
} from "./views.js";

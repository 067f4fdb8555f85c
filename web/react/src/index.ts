/**
 * React binding of `@landfall/client`: a provider and hooks for offline-first documents.
 *
 * @packageDocumentation
 */
export { SyncProvider, useDocument, useDocuments, useSync } from "./provider.js";
export type { SyncProviderProps } from "./provider.js";
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

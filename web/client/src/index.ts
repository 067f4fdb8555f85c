/**
 * Offline-first sync for editors: a durable outbox, exactly-once pushes, Yjs documents.
 *
 * @packageDocumentation
 */
export { BatchSyncService } from "./service.js";
export type { ClientOptions, NewDocument } from "./options.js";
export type { Status } from "./overview.js";
export type { SyncOptions } from "./sync-run.js";
export type { SyncEvents, SyncReport, SyncStatus } from "./engine.js";
export type { Progress, ProgressError } from "./progress.js";
export type { DocumentPage, DocumentState, DocumentSummary, ListOptions } from "./document-index.js";
export type { Resolution, Settled } from "./conflicts.js";
export type { DocumentPatch } from "./outbox.js";
export type {
  Conflict,
  DeadLetter,
  DocumentKind,
  LocalDocument,
  MetaValues,
  OperationKind,
  OperationRow,
  Payload,
  QueuedOperation,
  Session,
  YjsRow,
} from "./model.js";
export type { Store, Table, Tables, Transaction } from "./store.js";
export { IndexedDbStore } from "./indexeddb-store.js";
export { MemoryStore } from "./memory-store.js";
export { LandfallProvider } from "./live/provider.js";
export type { ProviderEvents, ProviderOptions, ProviderStatus } from "./live/provider.js";
export type { LiveProblem } from "./live/problem.js";
export type { Socket, SocketMaker } from "./live/line.js";
export { FROM_STORE } from "./documents.js";
export { replaceText, ROOT, shown } from "./text.js";
export type { Backoff, Clock } from "./clock.js";
export type { Fetch } from "./api.js";
export type { Lock } from "./lock.js";
export {
  AtomicLimitError,
  BaseUnknown,
  LoginNeeded,
  MassDeletion,
  NoSuchDocument,
  OtherAccountError,
  RequestRefused,
  ResolutionError,
  StorageFullError,
  StoreBlockedError,
  StoreInUseError,
  Unreachable,
} from "./errors.js";
export type * from "./wire.js";

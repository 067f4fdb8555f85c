/**
 * What the hooks give.
 *
 * @module
 */
import type {
  BatchSyncService,
  Conflict,
  DeadLetter,
  DocumentState,
  DocumentSummary,
  LandfallProvider,
  NewDocument,
  Progress,
  Resolution,
  Settled,
  Status,
  SyncOptions,
  SyncReport,
} from "@landfall/client";
import type * as Y from "yjs";

/** How the sync of a client stands. */
export interface SyncState {
  /** What there is on this device; `undefined` until it was read for the first time. */
  readonly status: Status | undefined;
  /** How far the sync under way is, or the last one that had something to push. */
  readonly progress: Progress | undefined;
  /** Whether a sync is under way in this tab. */
  readonly isSyncing: boolean;
  /**
   * What the last sync did. A pull that an event of the server called for is told only if it failed, and a sync that
   * left the work to another tab not at all.
   */
  readonly report: SyncReport | undefined;
  /** Whether the last contact with the server succeeded, and the browser is not offline. */
  readonly isOnline: boolean;
  /** Whether somebody chose to work offline. */
  readonly isPaused: boolean;
  /** Whether somebody has to log in before anything can be synced. */
  readonly needsLogin: boolean;
  /** The conflicts that wait for somebody's choice. */
  readonly conflicts: Conflict[];
  /** The operations that were refused for good or failed too often. */
  readonly deadLetters: DeadLetter[];
}

/** What can be done about a sync; the functions stay the same for the life of the client. */
export interface SyncActions {
  /** Pushes what is queued and takes in what changed. While paused it sends nothing and reports `cancelled`. */
  sync(options?: SyncOptions): Promise<SyncReport>;
  /** Says no where `report.guard` asks: takes back what was to be deleted; says how many documents stay. */
  takeBackDeletions(): Promise<number>;
  /** Ends the sync under way after its batches; what is left stays queued. */
  cancel(): Promise<unknown>;
  /** Goes on from where a cancelled sync stood. */
  resume(): Promise<SyncReport>;
  /** "Work offline": cancels what runs and sends nothing more until it is taken back, which syncs. */
  setPaused(paused: boolean): void;
  /** Logs in, then starts a sync; resolves when the login is done. */
  login(username: string, password: string): Promise<void>;
  /** Makes an account and logs in, then starts a sync; resolves when the login is done. */
  register(username: string, password: string): Promise<void>;
  /** Ends the session; documents and queue stay. */
  logout(): Promise<void>;
  /** Settles a conflict by its `client_id`; the outcome goes with the next sync. */
  resolve(clientId: string, resolution: Resolution): Promise<Settled>;
  /** Puts dead letters back into the queue, all or those named by `client_id`; says how many. */
  retryDeadLetters(clientIds?: readonly string[]): Promise<number>;
  /** Gives up a dead letter for good. */
  discardDeadLetter(clientId: string): Promise<void>;
}

/** What {@link useSync} gives. */
export interface Sync extends SyncState, SyncActions {
  /** The client itself, for what has no hook. */
  readonly client: BatchSyncService;
}

/** A document in a list, with how it stands. */
export type ListedDocument = DocumentSummary & { state: DocumentState };

/** The list of documents. */
export interface DocumentList {
  /** The live documents in the order of their titles. A row that did not change is the same object as before. */
  readonly documents: ListedDocument[];
  /** Whether the list was not read yet. */
  readonly isLoading: boolean;
}

/** What can be done with documents; the functions stay the same for the life of the client. */
export interface DocumentActions {
  /** Makes a document; when the promise resolves with its id, it is on disk and in the list. */
  create(document: NewDocument): Promise<string>;
  /** Gives a document another title. */
  rename(documentId: string, title: string): Promise<void>;
  /** Deletes a document. */
  remove(documentId: string): Promise<void>;
}

/** What {@link useDocuments} gives. */
export interface Documents extends DocumentList, DocumentActions {}

/** What {@link useDocument} gives. */
export interface OpenDocument {
  /** The document as the list has it; `undefined` while that is read, and if there is none. */
  readonly document: ListedDocument | undefined;
  /** How it stands. */
  readonly state: DocumentState;
  /** The Yjs document to bind an editor to; `undefined` while it opens, and for a plain text. Another object after it began anew. */
  readonly doc: Y.Doc | undefined;
  /** What editors' bindings ask who else is there (`provider.awareness`); comes and goes with `doc`. */
  readonly provider: LandfallProvider | undefined;
  /**
   * Its text: the root `content`, for editors of plain text. To read this property makes the root a `Y.Text`; an editor of rich
   * text leaves it alone, and takes from `doc` the root that it needs, as the type that it needs.
   */
  readonly text: Y.Text | undefined;
  /** The text of a plain text, which has no Yjs document; `undefined` while it is read, and for every other document. */
  readonly content: string | undefined;
  /** Whether every edit is on disk. */
  readonly isSaved: boolean;
  /** Why it could not be opened, or why its last edit could not be saved. */
  readonly error: unknown;
  /** Its conflict, if it has one. */
  readonly conflict: Conflict | undefined;
  /** Its first dead letter, if it has one. */
  readonly deadLetter: DeadLetter | undefined;
}

/** What {@link useDocument} gives for no document. */
export const NO_DOCUMENT: OpenDocument = {
  document: undefined,
  state: "synced",
  doc: undefined,
  provider: undefined,
  text: undefined,
  content: undefined,
  isSaved: true,
  error: undefined,
  conflict: undefined,
  deadLetter: undefined,
};

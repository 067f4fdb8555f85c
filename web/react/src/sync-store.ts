/**
 * The one external store of a client: what the hooks show, read from the client when it tells of something, and given
 * out as snapshots that stay the same object as long as they say the same.
 *
 * @module
 */
import type { BatchSyncService, DocumentState, DocumentSummary, Progress, SyncReport } from "@landfall/client";
import { makeActions } from "./actions.js";
import { AutoSync } from "./auto-sync.js";
import { listen } from "./browser.js";
import { Coalesced } from "./coalesce.js";
import { DocumentHandle } from "./document-handle.js";
import { keep, keepRows } from "./identity.js";
import {
  NO_DOCUMENT,
  type DocumentActions,
  type DocumentList,
  type Documents,
  type ListedDocument,
  type OpenDocument,
  type Sync,
  type SyncActions,
  type SyncState,
} from "./views.js";

/** Between two reads of the client, in milliseconds: while hundreds of documents are pushed, lists follow at this pace. */
const REFRESH_MS = 220;

const stores = new WeakMap<BatchSyncService, SyncStore>();

/** The store of a client, the same for all providers of it. */
export function storeOf(client: BatchSyncService): SyncStore {
  const store = stores.get(client) ?? new SyncStore(client);
  stores.set(client, store);
  return store;
}

/** What the hooks of one client show. */
export class SyncStore {
  readonly client: BatchSyncService;
  /** Syncs by itself while a provider wants that. */
  readonly auto: AutoSync;
  readonly #actions: SyncActions & DocumentActions;
  readonly #refresh = new Coalesced(() => this.#read(), REFRESH_MS);
  readonly #listeners = new Set<() => void>();
  readonly #handles = new Map<string, DocumentHandle>();
  /** What `useDocument` shows before its component is mounted; forgotten with the next change. */
  readonly #previews = new Map<string, OpenDocument>();
  readonly #listed = new WeakMap<DocumentSummary, ListedDocument>();
  #ends: (() => void)[] = [];
  #sync: Sync;
  #documents: Documents;
  #progress: Progress | undefined;
  #hasBegun = false;
  #isLive = false;
  #isReached = true;
  #isRefused = false;

  /** Touches neither the client nor the browser; the first subscriber does. */
  constructor(client: BatchSyncService) {
    this.client = client;
    this.auto = new AutoSync(this);
    this.#actions = makeActions(this);
    const { sync, cancel, resume, setPaused, login, register, logout, resolve, retryDeadLetters, discardDeadLetter } =
      this.#actions;
    const { create, rename, remove, takeBackDeletions } = this.#actions;
    this.#sync = {
      client,
      status: undefined,
      progress: undefined,
      isSyncing: false,
      report: undefined,
      isOnline: true,
      isPaused: false,
      needsLogin: false,
      conflicts: [],
      deadLetters: [],
      ...{ sync, cancel, resume, setPaused, login, register, logout, resolve, retryDeadLetters, discardDeadLetter },
      takeBackDeletions,
    };
    this.#documents = { documents: [], isLoading: true, create, rename, remove };
  }

  /** How the sync stands. */
  readonly sync = (): Sync => this.#sync;

  /** The documents. */
  readonly documents = (): Documents => this.#documents;

  /** One document. */
  document(documentId: string): OpenDocument {
    const handle = this.#handles.get(documentId);
    if (handle) return handle.view;
    const preview = this.#previews.get(documentId) ?? this.view(documentId);
    this.#previews.set(documentId, preview);
    return preview;
  }

  /** Listens to changes of any snapshot; the client is listened to as long as somebody does. */
  readonly subscribe = (listener: () => void): (() => void) => {
    // A function of its own for each subscription, since one component may subscribe twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    if (this.#listeners.size === 1) this.#listen();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  /** Listens, and keeps a document open. */
  use(documentId: string, listener: () => void): () => void {
    const end = this.subscribe(listener);
    const handle = this.#handles.get(documentId) ?? new DocumentHandle(this, documentId);
    this.#handles.set(documentId, handle);
    const release = handle.acquire(() => this.#handles.delete(documentId));
    return () => {
      release();
      end();
    };
  }

  /** Whether open documents are connected. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Connects the documents that are open, and those that will be; or ends that. */
  setLive(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    for (const handle of this.#handles.values()) handle.setLive(isLive);
  }

  /** Begins with "work offline" if that is asked for before anything else was. */
  beginPaused(paused: boolean): void {
    if (paused && !this.#hasBegun) this.#publish({ isPaused: true });
    this.#hasBegun = true;
  }

  /** Reads the client anew; resolves when the snapshots show what was so at the call, or later. */
  refresh(): Promise<void> {
    return this.#refresh.now();
  }

  /** Notes that somebody chose to work offline, or not any more. */
  setPaused(isPaused: boolean): void {
    this.#publish({ isPaused });
  }

  /** After a login: the refusal of the former one counts no more. */
  forgetRefusal(): void {
    this.#isRefused = false;
  }

  /** What is known of a document, without what its handle knows. */
  view(documentId: string): OpenDocument {
    const document = this.#documents.documents.find((row) => row.document_id === documentId);
    return {
      ...NO_DOCUMENT,
      document,
      state: document?.state ?? "synced",
      conflict: this.#sync.conflicts.find((row) => row.document_id === documentId),
      deadLetter: this.#sync.deadLetters.find((row) => row.document_id === documentId),
    };
  }

  /** Tells the listeners that a snapshot may be another one. */
  tell(): void {
    this.#previews.clear();
    for (const listener of [...this.#listeners]) listener();
  }

  #listen(): void {
    const { client } = this;
    const refresh = () => this.#refresh.soon();
    const network = () => this.#publish({});
    this.#ends = [
      client.on("queued", refresh),
      client.on("changed", refresh),
      client.on("result", refresh),
      client.on("conflict", refresh),
      client.on("dead-letter", refresh),
      client.on("progress", (progress) => {
        this.#noteProgress(progress);
        refresh();
      }),
      client.on("reachable", ({ reachable }) => {
        this.#isReached = reachable;
        this.#publish({});
      }),
      client.on("auth-needed", () => {
        this.#isRefused = true;
        this.#publish({});
      }),
      client.on("synced", (report) => this.#note(report)),
      listen(globalThis.window, "online", network),
      listen(globalThis.window, "offline", network),
    ];
    this.#refresh.soon();
  }

  #stop(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#refresh.stop();
  }

  #note(report: SyncReport): void {
    if (["synced", "guarded", "rate-limited", "refused"].includes(report.status)) {
      this.#isReached = true;
      this.#isRefused = false;
    }
    if (report.status === "offline") this.#isReached = false;
    this.#noteProgress(report.progress);
    const former = this.#sync.report;
    // A pull that an event of the server called for must hide neither what was pushed nor why a push was stopped.
    const isPulled = report.direction === "pull" && (report.status === "synced" || former?.guard?.side === "server");
    // A sync that waited for the one that was cancelled is cancelled with it, before it did anything.
    const isUnbegun =
      report.status === "cancelled" && former?.status === "cancelled" && report.progress.processed === 0;
    const isAside = isPulled || isUnbegun || report.status === "busy";
    this.#publish({ report: former && isAside ? former : report });
    // The client counts a sync as under way until its report was handed out.
    setTimeout(() => this.#listeners.size > 0 && this.#refresh.soon());
  }

  /** A sync that has nothing to push does not hide how far the last one came. */
  #noteProgress(progress: Progress): void {
    if (progress.total > 0 || !this.#progress) this.#progress = progress;
  }

  async #read(): Promise<void> {
    const { client } = this;
    const [status, rows, states, conflicts, deadLetters] = await Promise.all([
      client.status(),
      client.documents(),
      client.documentStates(),
      client.conflicts(),
      client.deadLetters(),
    ]);
    const { documents: former } = this.#documents;
    const documents = this.#list(rows, states);
    this.#publish(
      {
        status: keep(this.#sync.status, status),
        progress: this.#progress,
        conflicts: keepRows(this.#sync.conflicts, conflicts, keyOf, (a, b) => a.detected_at === b.detected_at),
        deadLetters: keepRows(this.#sync.deadLetters, deadLetters, keyOf, (a, b) => a.buried_at === b.buried_at),
      },
      { documents, isLoading: false },
    );
    if (documents !== former) this.#tellHandles(former, documents);
  }

  /** The list; a row that the client gives as the same object, and that stands the same, is the same here too. */
  #list(rows: readonly DocumentSummary[], states: ReadonlyMap<string, DocumentState>): ListedDocument[] {
    const { documents: former } = this.#documents;
    const listed = rows.map((row): ListedDocument => {
      const known = this.#listed.get(row);
      const state = stateOf(states, row.document_id);
      if (known?.state === state) return known;
      const made = { ...row, state };
      this.#listed.set(row, made);
      return made;
    });
    const isSame = listed.length === former.length && listed.every((row, at) => row === former[at]);
    return isSame ? former : keepRows(former, listed, (row) => row.document_id);
  }

  /** Documents that went, and documents that came, concern who has them open. */
  #tellHandles(former: readonly ListedDocument[], documents: readonly ListedDocument[]): void {
    if (this.#handles.size === 0) return;
    const before = new Set(former.map((row) => row.document_id));
    const now = new Set(documents.map((row) => row.document_id));
    for (const [id, handle] of this.#handles) {
      if (before.has(id) && !now.has(id)) handle.close();
      else if (now.has(id)) handle.open();
    }
  }

  #publish(state: Partial<SyncState>, list: Partial<DocumentList> = {}): void {
    const status = state.status ?? this.#sync.status;
    const derived = {
      isSyncing: this.client.isSyncing,
      isOnline: this.#isReached && globalThis.navigator?.onLine !== false,
      needsLogin: this.#isRefused || status?.logged_in === false,
    };
    this.#sync = keep(this.#sync, { ...this.#sync, ...state, ...derived });
    this.#documents = keep(this.#documents, { ...this.#documents, ...list });
    for (const handle of this.#handles.values()) handle.renew();
    this.tell();
  }
}

function keyOf(row: { client_id: string }): string {
  return row.client_id;
}

function stateOf(states: ReadonlyMap<string, DocumentState>, documentId: string): DocumentState {
  return states.get(documentId) ?? "synced";
}

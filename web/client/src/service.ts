/**
 * The client as an application sees it.
 *
 * @module
 */
import type * as Y from "yjs";
import { logIn, logOut } from "./account.js";
import { Api } from "./api.js";
import { Pace } from "./batch-size.js";
import { uuidv7 } from "./bytes.js";
import { defaultBackoff, systemClock } from "./clock.js";
import { resolveConflict, type Resolution, type Settled } from "./conflicts.js";
import { discardLetter, exportLetters, retryLetters } from "./dead-letters.js";
import { takeBackDeletions } from "./deletions.js";
import { DocumentIndex, type DocumentPage, type DocumentState, type DocumentSummary, type ListOptions } from "./document-index.js";
import { OpenDocuments } from "./documents.js";
import { Emitter } from "./emitter.js";
import type { Engine, SyncEvents, SyncReport } from "./engine.js";
import { LoginNeeded } from "./errors.js";
import { follow } from "./events-stream.js";
import { workspaceId } from "./identity.js";
import { inOneTab } from "./leader.js";
import type { HubSettings } from "./live/hub.js";
import type { Live } from "./live/link.js";
import { lockFor } from "./lock.js";
import { readLost, sendAgain } from "./lost.js";
import type { Conflict, DeadLetter, LocalDocument, QueuedOperation } from "./model.js";
import type { ClientOptions, NewDocument } from "./options.js";
import { queueCreate, queueDelete, queueUpdate, type DocumentPatch } from "./outbox.js";
import { observed } from "./observed-store.js";
import { readWholeQueue } from "./queue.js";
import { readStatus, type Status } from "./overview.js";
import { askToPersist } from "./persistence.js";
import type { Progress } from "./progress.js";
import { getMeta, type Transaction } from "./store.js";
import { SyncRun, type SyncOptions } from "./sync-run.js";
import { Readings } from "./readings.js";
import { bePresent, flushOthers, relaySettled, watchSyncs, type Message, type Notice } from "./tabs.js";
import { readableOf } from "./yjs-rows.js";

/**
 * Keeps documents on this device, queues what is done to them, and brings both into step with the server.
 *
 * Whatever is queued is on disk when the promise resolves, survives restarts, logins and lost answers, is applied
 * exactly once, and leaves the queue only with a final answer.
 */
export class BatchSyncService {
  readonly #options: ClientOptions;
  readonly #engine: Engine;
  readonly #open: OpenDocuments;
  readonly #documents: DocumentIndex;
  readonly #channel: BroadcastChannel | undefined;
  readonly #leave: () => void;
  /** Whether the tab that syncs is silent for so long that this one may. */
  readonly #mayTakeOver: () => boolean;
  readonly #readings = new Readings();
  /** The sync under way, and those that wait for it. */
  readonly #runs: { wanted: string; report: Promise<SyncReport>; cancel: AbortController }[] = [];
  #progress: Progress | undefined;
  /** Whether the event being told came from another tab. */
  #isRelaying = false;

  /** Touches neither store nor network; the first call does. */
  constructor(options: ClientOptions) {
    const { store, clock = systemClock } = options;
    const events = new Emitter<SyncEvents>();
    this.#options = options;
    const lock = options.lock ?? lockFor(store, clock);
    const api = new Api({
      url: options.url.replace(/\/+$/, ""),
      store,
      clock,
      lock,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      timeoutMs: options.timeoutMs ?? 40_000,
      onReach: (reachable) => events.emit("reachable", { reachable }),
      ...(options.token ? { token: options.token } : {}),
    });
    this.#documents = new DocumentIndex(store);
    this.#engine = {
      store: observed(store, this.#documents),
      api,
      clock,
      lock,
      workspaceId: options.workspaceId,
      events,
      backoff: { ...defaultBackoff, ...options.backoff },
      pace: new Pace(options.batchSize === undefined ? undefined : Math.min(100, Math.max(1, options.batchSize))),
      concurrency: Math.max(1, options.concurrency ?? 4),
      tries: Math.max(1, options.retries ?? 3),
      live: undefined,
    };
    const hasTabs = store.shared && typeof BroadcastChannel !== "undefined";
    this.#channel = hasTabs ? new BroadcastChannel(`landfall:${store.name}`) : undefined;
    this.#leave = this.#channel ? bePresent(store.name) : () => undefined;
    this.#channel?.addEventListener(
      "message",
      ({ data }: MessageEvent<Message>) => {
        if ("flush" in data) void this.#flushFor(data.flush);
        else if ("document_ids" in data) this.#takeNotice(data).catch((error: unknown) => console.error(error));
      },
    );
    this.#open = new OpenDocuments(this.#engine, (documentId, isLive) => this.#tellQueued([documentId], isLive));
    this.on("replaced", ({ document_id }) => {
      if (this.#isRelaying) return;
      void this.#open.replace(document_id);
      this.#channel?.postMessage({ document_ids: [document_id], replaced: true });
    });
    this.on("changed", ({ document_ids }) => {
      if (this.#isRelaying) return;
      void this.#open.refresh(document_ids);
      this.#channel?.postMessage({ document_ids, replaced: false });
    });
    if (this.#channel) relaySettled(events, this.#channel);
    this.#mayTakeOver = this.#channel ? watchSyncs(clock, events, this.#channel) : () => false;
    if (store.shared) askToPersist(events);
  }

  /** Listens to an event; the returned function ends that. */
  on<K extends keyof SyncEvents>(name: K, listener: (event: SyncEvents[K]) => void): () => void {
    return this.#engine.events.on(name, listener);
  }

  // ---- Accounts

  /** Makes an account, and logs in. */
  register(username: string, password: string): Promise<void> {
    return logIn(this.#engine, "register", username, password);
  }

  /**
   * Logs in. What was queued while logged out goes with the next sync.
   *
   * @throws {@link OtherAccountError} if the store is another account's
   */
  login(username: string, password: string): Promise<void> {
    return logIn(this.#engine, "login", username, password);
  }

  /** Ends the session here and, if it can be reached, on the server. The queue and all documents stay. */
  async logout(): Promise<void> {
    await logOut(this.#engine);
    this.#engine.live?.loginNeeded();
  }

  /**
   * The access token of this session, for clients of the same account in other workspaces: give it as their `token`, since
   * a session has one refresh token, and only one store may hold it.
   *
   * @param refresh whether the present one was refused
   * @returns `undefined` if somebody has to log in
   */
  accessToken(refresh = false): Promise<string | undefined> {
    return this.#engine.api.token(refresh);
  }

  /**
   * Sends a request of the same session to another part of the API, and reads the JSON of its answer (nothing with 204).
   *
   * @param path with the query, from `/api/` on
   * @throws {@link LoginNeeded}, {@link RequestRefused} or {@link Unreachable}
   */
  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#engine.api.json<T>(method, path, body).catch((error: unknown) => {
      if (error instanceof LoginNeeded) this.#engine.events.emit("auth-needed", {});
      throw error;
    });
  }

  // ---- Documents

  /** Makes a document; it is on disk when the promise resolves with its id. */
  async queueCreate(document: NewDocument): Promise<string> {
    const now = this.#engine.clock.now();
    const { title, content = "", kind = "yjs", document_id = uuidv7(now) } = document;
    await this.#write((tx) => queueCreate(tx, now, { document_id, title, content, kind }));
    this.#tellQueued([document_id]);
    return document_id;
  }

  /** Changes a document's title or text, or brings it back; on disk when the promise resolves. */
  async queueUpdate(documentId: string, patch: DocumentPatch): Promise<void> {
    await this.#open.flush();
    const base = this.#readings.of(documentId, patch.base_version);
    await this.#write((tx) => queueUpdate(tx, this.#engine.clock.now(), documentId, patch, { base }));
    this.#tellQueued([documentId]);
    await this.#open.refresh([documentId]);
  }

  /** Deletes a document; on disk when the promise resolves. */
  async queueDelete(documentId: string): Promise<void> {
    await this.#open.flush();
    await this.#write((tx) => queueDelete(tx, this.#engine.clock.now(), documentId));
    this.#tellQueued([documentId]);
  }

  /**
   * Says no where a sync ended as `guarded`: takes back the deletions that were queued here, and those that others made and
   * that were not applied here yet. The documents show again, and the next sync brings back on the server what was
   * deleted there.
   *
   * @returns how many documents stay
   */
  async takeBackDeletions(): Promise<number> {
    const kept = await this.#write((tx) => takeBackDeletions(tx, this.#engine.clock.now()));
    this.#tellQueued(kept);
    return kept.length;
  }

  /**
   * Opens a Yjs document, the same object for all who ask; its text is the root `content`. Each local change of it is
   * queued durably, and changes from elsewhere appear in it. `doc.destroy()` closes it.
   *
   * @param into an empty `Y.Doc` of the caller's own with this `guid`, for an editor that is bound before the text is there
   * @throws {@link NoSuchDocument} if there is no such Yjs document on this device
   * @throws RangeError if `into` is not empty, has another `guid`, or the document is open as another object
   */
  openDocument(documentId: string, into?: Y.Doc): Promise<Y.Doc> {
    return this.#open.open(documentId, into);
  }

  /**
   * Whether this object is the open document.
   *
   * @internal
   */
  hasOpen(document: Y.Doc): boolean {
    return this.#open.has(document);
  }

  /** Resolves when every edit of the open documents is on disk: what an editor waits for before it says "saved". */
  flush(): Promise<void> {
    return this.#open.flush();
  }

  /** The live documents in the order of their titles, without their texts; in pages and in another order, if asked. */
  documents(options: ListOptions = {}): Promise<DocumentSummary[]> {
    return this.#documents.list(options);
  }

  /**
   * Calls a listener with a part of the list, and again whenever that is another one, for changes of other tabs too; the returned
   * function ends that. A keystroke reads its own document again, and no other one.
   */
  watchDocuments(options: ListOptions, listener: (page: DocumentPage) => void): () => void {
    return this.#documents.watch(options, listener);
  }

  /**
   * A document with its present text; of rich text, its words. `undefined` if there is none or it was deleted.
   */
  async document(documentId: string): Promise<(LocalDocument & { content: string }) | undefined> {
    const found = await this.#read(async (tx) => {
      const document = await tx.get("documents", documentId);
      if (!document || document.deleted) return undefined;
      return { ...document, content: await readableOf(tx, document) };
    });
    if (found) this.#readings.note(documentId, found.version, found.content);
    return found;
  }

  /** How each document that is not in sync stands, by id. */
  documentStates(): Promise<Map<string, DocumentState>> {
    return this.#documents.states(this.isSyncing);
  }

  /**
   * The documents that the server has lost, as after a restore from a backup. They stay here as they are; an edit of one sends
   * it again, and so does {@link sendAgain}.
   */
  lostDocuments(): Promise<LocalDocument[]> {
    return this.#read(readLost);
  }

  /** Queues documents that the server has lost with everything that is here of them, all or those named; says how many. */
  async sendAgain(documentIds?: readonly string[]): Promise<number> {
    const ids = await this.#write(async (tx) => {
      const lost = (await readLost(tx)).filter((row) => documentIds?.includes(row.document_id) ?? true);
      for (const document of lost) await sendAgain(tx, this.#engine.clock.now(), document);
      return lost.map((row) => row.document_id);
    });
    this.#tellQueued(ids);
    return ids.length;
  }

  // ---- What is left to do

  /** What there is on this device. */
  status(): Promise<Status> {
    return readStatus(this.#engine, this.#options.token !== undefined);
  }

  /** The queue, in its order. */
  queued(): Promise<QueuedOperation[]> {
    return this.#read(readWholeQueue);
  }

  /** The conflicts that wait for somebody's choice. */
  conflicts(): Promise<Conflict[]> {
    return this.#read((tx) => tx.all("conflicts"));
  }

  /**
   * Settles a conflict; the outcome goes with the next sync.
   *
   * @throws {@link ResolutionError} if the choice does not fit
   */
  async resolve(clientId: string, resolution: Resolution): Promise<Settled> {
    await this.#open.flush();
    if (this.#channel) await flushOthers(this.#channel, this.#engine.clock, this.#engine.store.name);
    const conflict = (await this.conflicts()).find((row) => row.client_id === clientId);
    const settled = await this.#write((tx) => resolveConflict(tx, this.#engine.clock.now(), clientId, resolution));
    if (conflict) {
      await this.#tell(conflict.document_id, settled.replaced);
      this.#tellQueued([conflict.document_id, settled.copy_id ?? []].flat());
    }
    return settled;
  }

  /** The operations that were refused for good or failed too often. */
  deadLetters(): Promise<DeadLetter[]> {
    return this.#read((tx) => tx.all("dead_letters"));
  }

  /** Puts dead letters back to their place in the queue, all or those named; says how many. */
  async retryDeadLetters(clientIds?: readonly string[]): Promise<number> {
    const documentIds = await this.#write((tx) => retryLetters(tx, clientIds));
    this.#tellQueued(documentIds);
    return documentIds.length;
  }

  /** Dead letters with everything that they carry, as JSON text, to be kept or looked into. */
  exportDeadLetters(): Promise<string> {
    return this.#read(exportLetters);
  }

  /**
   * Gives up a dead letter, for good, and with it what is queued behind it on its document: the document becomes what
   * the server has, or nothing if the server never had it.
   */
  async discardDeadLetter(clientId: string): Promise<void> {
    const documentId = await this.#write((tx) => discardLetter(tx, clientId));
    if (documentId !== undefined) await this.#tell(documentId, true);
  }

  // ---- Sync

  /**
   * Pushes the queue, then takes in what changed. It does not reject: look at the report's `status`. While a sync is under way the next one waits for it, so that what was queued before the call is
   * pushed when the promise resolves; all who ask for the same meanwhile share one.
   */
  sync(options: SyncOptions = {}): Promise<SyncReport> {
    const wanted = JSON.stringify(options);
    const last = this.#runs.at(-1);
    if (last && this.#runs.length > 1 && last.wanted === wanted) return last.report;
    const cancel = new AbortController();
    const before = Promise.resolve(last?.report);
    const report = before.then(() => this.#sync(options, cancel.signal)).finally(() => this.#runs.shift());
    this.#runs.push({ wanted, report, cancel });
    return report;
  }

  /** Takes in what changed, and pushes nothing. */
  pull(options: Pick<SyncOptions, "allowMassDelete"> = {}): Promise<SyncReport> {
    return this.sync({ ...options, direction: "pull" });
  }

  /** Ends syncs after the batches under way; resolves with the report. What is left stays queued. */
  async cancel(): Promise<SyncReport | undefined> {
    const [running] = this.#runs;
    for (const run of this.#runs) run.cancel.abort();
    return running?.report;
  }

  /** Goes on from where a cancelled or interrupted sync stood. */
  resume(options: SyncOptions = {}): Promise<SyncReport> {
    return this.sync(options);
  }

  /** How far the last sync is or was. */
  get progress(): Progress | undefined {
    return this.#progress;
  }

  /** Whether a sync is under way in this tab. */
  get isSyncing(): boolean {
    return this.#runs.length > 0;
  }

  /**
   * Pulls whenever another device changes something, by the server's events, or every so often where it has none; the
   * returned function ends that. Of several tabs, one does it for all. After an `auth-needed` it has to be called again.
   */
  subscribe(): () => void {
    const end = new AbortController();
    const settings = {
      engine: this.#engine,
      workspaceId: () => this.#read((tx) => workspaceId(tx, this.#options.workspaceId)),
      cursor: () => this.#read((tx) => getMeta(tx, "cursor")),
      isNews: async (documentId: string, version: number) => {
        // What is heard of while a push is under way may be its own doing.
        await this.#runs[0]?.report;
        const known = (await this.#read((tx) => tx.get("documents", documentId)))?.version ?? 0;
        return known < version && !this.#engine.live?.defers(documentId);
      },
      pull: async () => void (await this.pull()),
      pollMs: this.#options.pollMs ?? 30_000,
    };
    const { lock, clock } = this.#engine;
    const channel = this.#channel;
    const run = (signal: AbortSignal) => follow(settings, signal);
    const following = channel ? inOneTab({ lock, clock, channel }, run, end.signal) : run(end.signal);
    void following.catch((error: unknown) => console.error(error));
    return () => {
      end.abort();
      this.#engine.live?.forgetPull();
    };
  }

  /**
   * Gives the client its live editing: for {@link LandfallProvider} alone.
   *
   * @internal
   */
  attachLive<L extends Live>(make: (settings: HubSettings) => L): L {
    this.#engine.live ??= make({
      engine: this.#engine,
      options: this.#options,
      open: this.#open,
      client: this,
    });
    return this.#engine.live as L;
  }

  /** Ends the use of this client; the store stays open. */
  async close(): Promise<void> {
    void this.cancel();
    await Promise.all(this.#runs.map(({ report }) => report));
    await this.#open.flush();
    await this.#engine.live?.close();
    this.#channel?.close();
    this.#leave();
  }

  async #sync(options: SyncOptions, cancelled: AbortSignal): Promise<SyncReport> {
    const run = new SyncRun(this.#engine, options, cancelled, (progress) => (this.#progress = progress));
    // What is on the screen goes along, and what is on its way arrives.
    const settle = async (): Promise<void> => {
      await this.#open.flush();
      await this.#engine.live?.drained(options.direction);
    };
    return run.run(settle, this.#mayTakeOver());
  }

  /** Tells this tab that work was queued, and others that documents changed. */
  #tellQueued(document_ids: string[], live = false): void {
    if (document_ids.length === 0) return;
    this.#channel?.postMessage({ document_ids, replaced: false });
    this.#engine.events.emit("queued", { document_ids, live });
  }

  /** Tells this tab and others that a document changed. */
  async #tell(documentId: string, replaced: boolean): Promise<void> {
    const notice = { document_ids: [documentId], replaced };
    this.#channel?.postMessage(notice);
    await this.#takeNotice(notice);
  }

  /** Saves what is being written here, and tells the tab that asked. */
  async #flushFor(flushed: string): Promise<void> {
    await this.#open.flush().catch(() => undefined);
    this.#channel?.postMessage({ flushed } satisfies Message);
  }

  async #takeNotice({ document_ids, replaced }: Notice): Promise<void> {
    this.#documents.note(document_ids);
    this.#isRelaying = true;
    for (const document_id of replaced ? document_ids : []) {
      void this.#open.replace(document_id);
      this.#engine.events.emit("replaced", { document_id });
    }
    this.#engine.events.emit("changed", { document_ids });
    this.#isRelaying = false;
    await this.#open.refresh(document_ids);
  }

  #read<R>(body: (tx: Transaction) => Promise<R>): Promise<R> {
    return this.#engine.store.transaction("read", body);
  }

  #write<R>(body: (tx: Transaction) => Promise<R>): Promise<R> {
    return this.#engine.store.transaction("write", body);
  }
}

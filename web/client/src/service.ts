/**
 * The client as an application sees it.
 *
 * @module
 */
import type * as Y from "yjs";
import { Api, type Fetch } from "./api.js";
import { uuidv7 } from "./bytes.js";
import { defaultBackoff, systemClock, type Backoff, type Clock } from "./clock.js";
import { resolveConflict, type Resolution, type Settled } from "./conflicts.js";
import { OpenDocuments } from "./documents.js";
import { Emitter } from "./emitter.js";
import { discardLetter, exportLetters, retryLetters } from "./dead-letters.js";
import type { Engine, SyncEvents, SyncReport } from "./engine.js";
import { LoginNeeded, OtherAccountError } from "./errors.js";
import { follow } from "./events-stream.js";
import { deviceId, workspaceId } from "./identity.js";
import { lockFor, type Lock } from "./lock.js";
import type { Conflict, DeadLetter, DocumentKind, LocalDocument, QueuedOperation } from "./model.js";
import { queueCreate, queueDelete, queueUpdate, readQueue, type DocumentPatch } from "./outbox.js";
import type { Progress } from "./progress.js";
import { getMeta, setMeta, type Store, type Transaction } from "./store.js";
import { SyncRun, type SyncOptions } from "./sync-run.js";
import { relaySettled, type Notice } from "./tabs.js";
import type { SessionAnswer } from "./wire.js";
import { mergeRows, readRows, textOf } from "./yjs-rows.js";

/** What a client is made of. Only `url` and `store` have to be given. */
export interface ClientOptions {
  /** Where the server is, without `/api`; empty for the page's own. */
  url: string;
  /** Where everything is kept. */
  store: Store;
  /** The workspace; without it the one that the login came with. */
  workspaceId?: string;
  /** Operations of a chunk, 1 to 100; 50. */
  batchSize?: number;
  /** Chunks under way at once; 4. */
  concurrency?: number;
  /** How often anything is tried; 3. */
  retries?: number;
  /** Waits between tries. */
  backoff?: Partial<Backoff>;
  /** How long an answer may take, in milliseconds; 40 s, since the server itself gives up after 30. */
  timeoutMs?: number;
  /** Between two pulls where the server has no stream of events, in milliseconds; 30 s. */
  pollMs?: number;
  /** Access tokens of an outside identity provider, instead of `login`; asked with `true` after a 401. */
  token?: (refresh: boolean) => Promise<string | undefined>;
  /** In the place of the global `fetch`. */
  fetch?: Fetch;
  /** In the place of the machine's time. */
  clock?: Clock;
  /** In the place of Web Locks or a lease in the store. */
  lock?: Lock;
}

/** A new document. */
export interface NewDocument {
  title: string;
  /** Its first text. */
  content?: string;
  /** How its text merges; `yjs`. */
  kind?: DocumentKind;
  /** Its id, a UUID; made when absent. */
  document_id?: string;
}

/** How a document stands. */
export type DocumentState = "synced" | "pending" | "syncing" | "conflict" | "failed";

/** What there is on this device. */
export interface Status {
  device_id: string;
  username?: string;
  logged_in: boolean;
  workspace_id?: string;
  /** Queued operations. */
  queued: number;
  conflicts: number;
  dead_letters: number;
  /** Live documents. */
  documents: number;
  /** When everything was last in sync, RFC 3339. */
  synced_at?: string;
}

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
  readonly #channel: BroadcastChannel | undefined;
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
    this.#engine = {
      store,
      api,
      clock,
      lock,
      workspaceId: options.workspaceId,
      events,
      backoff: { ...defaultBackoff, ...options.backoff },
      batchSize: Math.min(100, Math.max(1, options.batchSize ?? 50)),
      concurrency: Math.max(1, options.concurrency ?? 4),
      tries: Math.max(1, options.retries ?? 3),
    };
    const hasTabs = store.shared && typeof BroadcastChannel !== "undefined";
    this.#channel = hasTabs ? new BroadcastChannel(`landfall:${store.name}`) : undefined;
    this.#channel?.addEventListener(
      "message",
      (message: MessageEvent<Notice>) => {
        void this.#takeNotice(message.data);
      },
    );
    this.#open = new OpenDocuments(this.#engine, (documentId) => this.#tellQueued([documentId]));
    this.on("changed", ({ document_ids }) => {
      void this.#open.refresh(document_ids);
      if (!this.#isRelaying) this.#channel?.postMessage({ document_ids, replaced: false });
    });
    if (this.#channel) relaySettled(events, this.#channel);
  }

  /** Listens to an event; the returned function ends that. */
  on<K extends keyof SyncEvents>(name: K, listener: (event: SyncEvents[K]) => void): () => void {
    return this.#engine.events.on(name, listener);
  }

  // ---- Accounts

  /** Makes an account, and logs in. */
  register(username: string, password: string): Promise<void> {
    return this.#logIn("register", username, password);
  }

  /**
   * Logs in. What was queued while logged out goes with the next sync.
   *
   * @throws {@link OtherAccountError} if work of another account is queued here
   */
  login(username: string, password: string): Promise<void> {
    return this.#logIn("login", username, password);
  }

  /** Ends the session here and, if it can be reached, on the server. The queue and all documents stay. */
  async logout(): Promise<void> {
    const session = await this.#read((tx) => getMeta(tx, "session"));
    await this.#write((tx) => setMeta(tx, "session", undefined));
    if (!session) return;
    const { refresh_token } = session;
    await this.#engine.api.open("POST", "/api/v1/auth/logout", { refresh_token }).catch(() => undefined);
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

  async #logIn(how: "login" | "register", username: string, password: string): Promise<void> {
    const owner = await this.#read(async (tx) =>
      (await readQueue(tx)).length > 0 ? getMeta(tx, "username") : undefined,
    );
    if (owner !== undefined && owner !== username) throw new OtherAccountError(owner);
    const answer = await this.#engine.api.open<SessionAnswer>("POST", `/api/v1/auth/${how}`, { username, password });
    const { access_token, refresh_token, workspace_id } = answer;
    await this.#write(async (tx) => {
      await setMeta(tx, "session", { username, access_token, refresh_token });
      await setMeta(tx, "username", username);
      if (workspace_id !== undefined && !(await getMeta(tx, "workspace_id")))
        await setMeta(tx, "workspace_id", workspace_id);
    });
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
    await this.#write((tx) => queueUpdate(tx, this.#engine.clock.now(), documentId, patch));
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
   * Opens a Yjs document, the same object for all who ask; its text is the root `content`. Each local change of it is
   * queued durably, and changes from elsewhere appear in it. `doc.destroy()` closes it.
   *
   * @throws {@link NoSuchDocument} if there is no such Yjs document on this device
   */
  openDocument(documentId: string): Promise<Y.Doc> {
    return this.#open.open(documentId);
  }

  /** Resolves when every edit of the open documents is on disk: what an editor waits for before it says "saved". */
  flush(): Promise<void> {
    return this.#open.flush();
  }

  /** The live documents, in the order of their titles. */
  async documents(): Promise<LocalDocument[]> {
    const all = await this.#read((tx) => tx.all("documents"));
    return all
      .filter((document) => !document.deleted)
      .sort((a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0));
  }

  /**
   * A document with its present text; of rich text, the text that the server last told. `undefined` if there is none or
   * it was deleted.
   */
  document(documentId: string): Promise<(LocalDocument & { content: string }) | undefined> {
    return this.#read(async (tx) => {
      const document = await tx.get("documents", documentId);
      if (!document || document.deleted) return undefined;
      const text = document.kind === "yjs" ? textOf(mergeRows(await readRows(tx, documentId))) : undefined;
      return { ...document, content: text ?? document.content ?? "" };
    });
  }

  /** How each document that is not in sync stands, by id. */
  documentStates(): Promise<Map<string, DocumentState>> {
    return this.#read(async (tx) => {
      const states = new Map<string, DocumentState>();
      for (const { document_id, sent } of await readQueue(tx)) {
        states.set(document_id, sent && this.isSyncing ? "syncing" : "pending");
      }
      for (const { document_id } of await tx.all("dead_letters")) states.set(document_id, "failed");
      for (const { document_id } of await tx.all("conflicts")) states.set(document_id, "conflict");
      return states;
    });
  }

  // ---- What is left to do

  /** What there is on this device. */
  async status(): Promise<Status> {
    const now = this.#engine.clock.now();
    const device_id =
      (await this.#read((tx) => getMeta(tx, "device_id"))) ?? (await this.#write((tx) => deviceId(tx, now)));
    return this.#read(async (tx) => {
      const username = await getMeta(tx, "username");
      const workspace_id = this.#options.workspaceId ?? (await getMeta(tx, "workspace_id"));
      const synced_at = await getMeta(tx, "synced_at");
      return {
        device_id,
        ...(username === undefined ? {} : { username }),
        logged_in: this.#options.token !== undefined || (await getMeta(tx, "session")) !== undefined,
        ...(workspace_id === undefined ? {} : { workspace_id }),
        queued: (await tx.all("operations")).length,
        conflicts: (await tx.all("conflicts")).length,
        dead_letters: (await tx.all("dead_letters")).length,
        documents: (await tx.all("documents")).filter((document) => !document.deleted).length,
        ...(synced_at === undefined ? {} : { synced_at }),
      };
    });
  }

  /** The queue, in its order. */
  queued(): Promise<QueuedOperation[]> {
    return this.#read(readQueue);
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
    const conflict = (await this.conflicts()).find((row) => row.client_id === clientId);
    const settled = await this.#write((tx) => resolveConflict(tx, this.#engine.clock.now(), clientId, resolution));
    if (conflict) {
      await this.#tell(conflict.document_id, settled.replaced);
      this.#tellQueued([conflict.document_id, ...(settled.copy_id === undefined ? [] : [settled.copy_id])]);
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
   * Pushes the queue, then takes in what changed. It never rejects for what can happen on a network: look at the
   * report's `status`. While a sync is under way the next one waits for it, so that what was queued before the call is
   * pushed when the promise resolves; all who ask for the same meanwhile share one.
   */
  sync(options: SyncOptions = {}): Promise<SyncReport> {
    const wanted = JSON.stringify(options);
    const last = this.#runs.at(-1);
    if (last && this.#runs.length > 1 && last.wanted === wanted) return last.report;
    const cancel = new AbortController();
    const before = last ? last.report.catch(() => undefined) : Promise.resolve();
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
   * returned function ends that. After an `auth-needed` it has to be called again.
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
        return ((await this.#read((tx) => tx.get("documents", documentId)))?.version ?? 0) < version;
      },
      pull: async () => void (await this.pull()),
      pollMs: this.#options.pollMs ?? 30_000,
    };
    void follow(settings, end.signal).catch((error: unknown) => console.error(error));
    return () => end.abort();
  }

  /** Ends the use of this client; the store stays open. */
  async close(): Promise<void> {
    await this.cancel();
    await this.#open.flush();
    this.#channel?.close();
  }

  async #sync(options: SyncOptions, cancelled: AbortSignal): Promise<SyncReport> {
    const run = new SyncRun(this.#engine, options, cancelled, (progress) => (this.#progress = progress));
    // What is on the screen goes along.
    return run.run(() => this.#open.flush());
  }

  /** Tells this tab that work was queued, and others that documents changed. */
  #tellQueued(document_ids: string[]): void {
    if (document_ids.length === 0) return;
    this.#channel?.postMessage({ document_ids, replaced: false });
    this.#engine.events.emit("queued", { document_ids });
  }

  /** Tells this tab and others that a document changed. */
  async #tell(documentId: string, replaced: boolean): Promise<void> {
    const notice = { document_ids: [documentId], replaced };
    this.#channel?.postMessage(notice);
    await this.#takeNotice(notice);
  }

  async #takeNotice({ document_ids, replaced }: Notice): Promise<void> {
    for (const document_id of replaced ? document_ids : []) {
      this.#open.replace(document_id);
      this.#engine.events.emit("replaced", { document_id });
    }
    this.#isRelaying = true;
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

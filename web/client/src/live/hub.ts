/**
 * Live editing of a client: one socket for all of its open documents, beside the outbox that stays the truth.
 *
 * @module
 */
import { sleep } from "../clock.js";
import type { OpenDocuments } from "../documents.js";
import type { Engine, SyncReport } from "../engine.js";
import { workspaceId } from "../identity.js";
import type { ClientOptions } from "../options.js";
import type { QueueEntry } from "../queue.js";
import type { SavedEdit } from "../outbox.js";
import { isAnotherHistory } from "../yjs-rows.js";
import { readFrame } from "./frames.js";
import { Intake } from "./intake.js";
import { readStanding, readUnsent, settleLive, type Standing, type StoredEdit } from "./ledger.js";
import { Line, type SocketMaker } from "./line.js";
import type { Live } from "./link.js";
import { problemOf } from "./problem.js";
import { LiveSession, type SessionEditor, type SessionHost } from "./session.js";

/** What the hub needs of its client. */
export interface HubSettings {
  engine: Engine;
  options: Pick<ClientOptions, "url" | "webSocket">;
  open: Pick<OpenDocuments, "show">;
  client: Syncing;
}

/** What syncs by batch. */
interface Syncing {
  readonly isSyncing: boolean;
  sync(): Promise<SyncReport>;
  pull(): Promise<SyncReport>;
}

/** Where sockets cannot be had, a pause in typing of so long is followed by a batch, in milliseconds. */
const FALLBACK_MS = 150;
/** How long a sync waits for what is on its way, in milliseconds. */
const DRAIN_MS = 1000;
/** A pull for what was heard of besides, when nothing was heard for so long, and after this time at the latest; in milliseconds. */
const PULL_MS = 1000;
const LATEST_PULL_MS = 10_000;

/** Close codes after which what is in flight is better left to a batch: one of the messages was at fault. */
const AT_FAULT = new Set([1009, 4400, 4422]);

/** The documents that are edited live in this tab. */
export class LiveHub implements SessionHost, Live {
  readonly #settings: HubSettings;
  readonly #engine: Engine;
  readonly #line: Line;
  readonly #intake: Intake;
  readonly #sessions = new Map<string, LiveSession>();
  readonly #ends: (() => void)[] = [];
  #names = 0;
  #isReachable = true;
  #fallback: unknown;
  #pull: { timer: unknown; latestMs: number } | undefined;

  constructor(settings: HubSettings) {
    const { engine, options } = (this.#settings = settings);
    this.#engine = engine;
    this.#line = new Line({
      url: socketUrl(options.url.replace(/\/+$/, "")),
      socket: options.webSocket ?? (globalThis.WebSocket as SocketMaker | undefined),
      clock: engine.clock,
      backoff: engine.backoff,
      isServerThere: () => engine.api.isHealthy(),
      onRefused: () => this.#syncSoon(),
      onOpen: () => this.#eachSession((session) => session.begin()),
      onFrame: (frame) => this.#hear(frame),
      onClosed: (code, reason) => this.#closed(code, reason),
    });
    this.#intake = new Intake(engine, (document_ids) => engine.events.emit("changed", { document_ids }));
    this.#ends.push(
      engine.events.on("reachable", ({ reachable }) => this.#reached(reachable)),
      engine.events.on("synced", ({ status }) => {
        if (status === "synced" || status === "guarded") {
          this.#reached(true);
          if (this.#sessions.size > 0) this.#line.start();
        }
        if (status === "offline") this.#isReachable = false;
        // By then it counts as over.
        this.clock.setTimeout(() => this.#eachSession((session) => session.wake()), 0);
      }),
      engine.events.on("replaced", ({ document_id }) => this.#intake.drop(document_id)),
      listen("online", () => this.#line.retry()),
      listen("offline", () => this.#line.drop()),
    );
  }

  get clock() {
    return this.#engine.clock;
  }

  get isOpen(): boolean {
    return this.#line.isOpen;
  }

  // ---- For providers

  /** Brings a document in. */
  join(editor: SessionEditor): void {
    const { guid } = editor.doc;
    if (this.#sessions.has(guid)) throw new RangeError(`the document ${guid} has a provider already`);
    const session = new LiveSession(this, editor);
    this.#sessions.set(guid, session);
    this.#line.start();
    session.begin();
  }

  /** Takes it out again. */
  leaveDocument(documentId: string): void {
    this.#sessions.get(documentId)?.destroy();
    this.#sessions.delete(documentId);
    if (this.#sessions.size > 0) return;
    this.#line.stop();
    this.clock.clearTimeout(this.#fallback);
  }

  // ---- For the client

  stored(): Promise<void> {
    return this.#intake.flush();
  }

  accepts(documentId: string): boolean {
    return this.#sessions.get(documentId)?.accepts ?? false;
  }

  edited(documentId: string, saved: SavedEdit): boolean {
    const session = this.#sessions.get(documentId);
    const isSent = session?.edited(saved) ?? false;
    if (session && !isSent) this.#goByBatch(session);
    return isSent;
  }

  carries({ document_id, live, sent }: QueueEntry): boolean {
    return live === true && !sent && (this.#sessions.get(document_id)?.isCarrying ?? false);
  }

  async drained(direction?: string): Promise<void> {
    await this.stored();
    if (direction === "pull") return;
    const { clock } = this.#engine;
    const deadline = clock.now() + DRAIN_MS;
    const isWaiting = () => [...this.#sessions.values()].some((session) => session.isWaiting);
    while (isWaiting() && clock.now() < deadline) await sleep(clock, 10);
  }

  defers(documentId: string): boolean {
    if (this.#sessions.get(documentId)?.state !== "live") return false;
    this.#pullLater();
    return true;
  }

  forgetPull(): void {
    this.clock.clearTimeout(this.#pull?.timer);
    this.#pull = undefined;
  }

  close(): Promise<void> {
    for (const end of this.#ends) end();
    this.forgetPull();
    this.#eachSession((session) => session.destroy());
    this.#sessions.clear();
    this.#line.stop();
    this.clock.clearTimeout(this.#fallback);
    // What cannot be stored, the next pull brings.
    return this.#intake.flush().catch(() => undefined);
  }

  // ---- For sessions

  async nameOf(documentId: string): Promise<string> {
    const { store, workspaceId: chosen } = this.#engine;
    const workspace = await store.transaction("read", (tx) => workspaceId(tx, chosen));
    return `${workspace}/${documentId}\0${(this.#names += 1)}`;
  }

  token(refresh: boolean): Promise<string | undefined> {
    return this.#engine.api.token(refresh);
  }

  send(frame: Uint8Array): boolean {
    return this.#line.send(frame);
  }

  get isSyncing(): boolean {
    return this.#settings.client.isSyncing;
  }

  /** Somebody has to log in: a sync that succeeds shows that somebody has. */
  loginNeeded(): void {
    this.#line.stop();
  }

  dropLine(): void {
    this.#line.drop();
  }

  async sync(): Promise<boolean> {
    return (await this.#settings.client.sync()).status === "synced";
  }

  pull(): void {
    void this.#settings.client.pull();
  }

  standing(documentId: string): Promise<Standing> {
    return this.#engine.store.transaction("read", (tx) => readStanding(tx, documentId));
  }

  isAnother(documentId: string, vector: Uint8Array): Promise<boolean> {
    return this.#engine.store.transaction("read", (tx) => isAnotherHistory(tx, documentId, vector));
  }

  unsent(documentId: string): Promise<StoredEdit[]> {
    return this.#engine.store.transaction("read", (tx) => readUnsent(tx, documentId));
  }

  async settle(documentId: string, sent: StoredEdit[]): Promise<boolean> {
    const { store, clock } = this.#engine;
    const isLeft = await store.transaction("write", (tx) => settleLive(tx, clock.now(), documentId, sent));
    this.#intake.tell(documentId);
    return isLeft;
  }

  take(documentId: string, update: Uint8Array): void {
    this.#settings.open.show(documentId, update);
    this.#intake.add(documentId, update);
  }

  leave(documentId: string): void {
    this.#engine.events.emit("queued", { document_ids: [documentId], live: false });
    const session = this.#sessions.get(documentId);
    if (session) this.#goByBatch(session);
  }

  // ---- The socket

  #eachSession(step: (session: LiveSession) => void): void {
    for (const session of [...this.#sessions.values()]) step(session);
  }

  #hear(frame: Uint8Array): void {
    const heard = readFrame(frame);
    if (!heard) return;
    const session = this.#sessions.get(documentIdIn(heard.name));
    // What is late concerns a session that is over.
    if (session?.name === heard.name) session.hear(heard.said);
  }

  #closed(code: number, reason: string): void {
    const problem = problemOf(code, reason);
    this.#eachSession((session) => {
      if (!AT_FAULT.has(code)) session.end(problem);
      else if (session.isWaiting) session.refuse(problem, true);
      else session.end();
    });
    if (code === 4401) void this.token(true).catch(() => undefined);
    if (code === 4403 || code === 4404) this.pull();
  }

  #reached(isReachable: boolean): void {
    const isNew = isReachable && !this.#isReachable;
    this.#isReachable = isReachable;
    if (isNew) this.#line.retry();
  }

  /** Edits that no socket will take soon. */
  #goByBatch(session: LiveSession): void {
    if (this.#isReachable && (this.#line.isRefused || session.isRefused)) this.#syncSoon();
  }

  #syncSoon(): void {
    this.clock.clearTimeout(this.#fallback);
    this.#fallback = this.clock.setTimeout(() => void this.#settings.client.sync(), FALLBACK_MS);
  }

  #pullLater(): void {
    const now = this.clock.now();
    const latestMs = this.#pull?.latestMs ?? now + LATEST_PULL_MS;
    this.clock.clearTimeout(this.#pull?.timer);
    const timer = this.clock.setTimeout(
      () => {
        this.#pull = undefined;
        this.pull();
      },
      Math.max(0, Math.min(PULL_MS, latestMs - now)),
    );
    this.#pull = { timer, latestMs };
  }
}

function documentIdIn(name: string): string {
  return name.slice(name.indexOf("/") + 1).split("\0")[0] ?? "";
}

function socketUrl(url: string): string {
  const page = (globalThis.location as Location | undefined)?.href;
  return new URL(`${url}/api/v1/live/hocuspocus`, page).href.replace(/^http/, "ws");
}

/** Listens to the browser, where there is one. */
function listen(name: string, listener: () => void): () => void {
  const page = globalThis as Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;
  page.addEventListener?.(name, listener);
  return () => page.removeEventListener?.(name, listener);
}

/**
 * One document that is edited live, from its opening on the socket to its end.
 *
 * An edit is on disk before it is sent, and stays queued until the server says that it is stored. Answers come in the order of
 * what was sent. Whatever is in doubt, a session ends: what it had not heard of goes by batch, and it begins anew.
 *
 * @module
 */
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { sleep, type Clock } from "../clock.js";
import type { SavedEdit } from "../outbox.js";
import { closeFrame, step1Frame, step2Frame, tokenFrame, updateFrame, type Said } from "./frames.js";
import type { Standing, StoredEdit } from "./ledger.js";
import { Presence } from "./presence.js";
import { refusalOf, type LiveProblem } from "./problem.js";

/** Where a session stands. */
export type SessionState =
  /** Not connected. */
  | "off"
  /** What is queued goes first, by batch. */
  | "preparing"
  /** The server was asked for the document. */
  | "joining"
  /** Both sides say what they have. */
  | "syncing"
  /** Each edit is sent at once. */
  | "live";

/** The document that is edited, and the callbacks for its state. */
export interface SessionEditor {
  doc: Y.Doc;
  awareness: Awareness;
  onState: (state: SessionState) => void;
  onProblem: (problem: LiveProblem | undefined) => void;
}

/** What a session needs of its page. */
export interface SessionHost {
  readonly clock: Clock;
  readonly isOpen: boolean;
  /** Another name for the document with each call, so that no late answer is taken for another session's. */
  nameOf(documentId: string): Promise<string>;
  token(refresh: boolean): Promise<string | undefined>;
  /** Nobody is logged in. */
  loginNeeded(): void;
  send(frame: Uint8Array): boolean;
  /** The socket seems to be dead. */
  dropLine(): void;
  /** Whether a sync is under way: when it is over, sessions are woken. */
  readonly isSyncing: boolean;
  /** Pushes what is queued, and pulls; whether that succeeded. */
  sync(): Promise<boolean>;
  /** Something was heard of that a pull has to look into. */
  pull(): void;
  standing(documentId: string): Promise<Standing>;
  isAnother(documentId: string, vector: Uint8Array): Promise<boolean>;
  unsent(documentId: string): Promise<StoredEdit[]>;
  /** Takes edits out of the queue; whether others are left that go live. */
  settle(documentId: string, sent: StoredEdit[]): Promise<boolean>;
  /** Shows and stores what came in. */
  take(documentId: string, update: Uint8Array): void;
  /** Edits that were to go live go by batch after all. */
  leave(documentId: string): void;
}

/** The empty Yjs update: no structs, no deletions. */
const NOTHING = Uint8Array.of(0, 0);

/** What was sent, or the question for the document, is answered within so long, in milliseconds. */
const PATIENCE_MS = 10_000;
/** A document that the server does not give is asked for again after so long, in milliseconds. */
const REFUSED_MS = 5 * 60_000;

/** A document on the socket. */
export class LiveSession {
  readonly #host: SessionHost;
  readonly #id: string;
  readonly #doc: Y.Doc;
  readonly #presence: Presence;
  readonly #onState: (state: SessionState) => void;
  readonly #onProblem: (problem: LiveProblem | undefined) => void;
  #state: SessionState = "off";
  #name = "";
  #mayWrite = true;
  /** Ends whatever the present attempt still waits for. */
  #attempt = new AbortController();
  /** What waits for the server's word, oldest first. */
  #inflight: StoredEdit[][] = [];
  /** Up to this number all edits were sent. */
  #sentUpTo = 0;
  /** Saved before the document was live. */
  #early: StoredEdit[] = [];
  /** What the server had that was missing here, until its state vector says whose it is. */
  #missing: Uint8Array | undefined;
  #mayPush = true;
  #isTokenFresh = false;
  #refusedUntil = 0;
  /** Whether a socket was closed for what this document sent: another one would be, too. */
  #isAtFault = false;
  #watch = new AbortController();

  constructor(host: SessionHost, { doc, awareness, onState, onProblem }: SessionEditor) {
    this.#host = host;
    this.#id = doc.guid;
    this.#doc = doc;
    this.#onState = onState;
    this.#onProblem = onProblem;
    this.#presence = new Presence(awareness, host.clock, (frame) => this.#state === "live" && host.send(frame));
  }

  /** Where it stands. */
  get state(): SessionState {
    return this.#state;
  }

  /** The name that frames about it bear. */
  get name(): string {
    return this.#name;
  }

  /** Whether edits that are made now are to go live. */
  get accepts(): boolean {
    return this.#state !== "off" && this.#mayWrite;
  }

  /** Whether what goes live is on its way, so that no batch need take it along. */
  get isCarrying(): boolean {
    return this.#state === "live" && this.#mayWrite;
  }

  /** Whether the server does not give the document, so that it goes by batch alone for a while. */
  get isRefused(): boolean {
    return this.#host.clock.now() < this.#refusedUntil;
  }

  /** Whether something waits for the server's word. */
  get isWaiting(): boolean {
    return this.#inflight.some((edits) => edits.length > 0);
  }

  /** The socket is open: everything may have changed meanwhile. */
  begin(): void {
    this.#mayPush = true;
    this.#isTokenFresh = false;
    if (!this.#isAtFault) this.#refusedUntil = 0;
    this.wake();
  }

  /** Something has changed that a document may have waited for. */
  wake(): void {
    if (this.#state !== "off" || !this.#host.isOpen || this.isRefused) return;
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    this.#set("preparing");
    this.#prepare(signal).catch((error: unknown) => {
      if (signal.aborted) return;
      console.error(error);
      this.end();
    });
  }

  /** Ends the attempt, or the session. What has not arrived goes by batch. */
  end(problem?: LiveProblem): void {
    if (problem) this.#onProblem(problem);
    if (this.#state === "off") return;
    if (this.#state !== "preparing") {
      this.#presence.sayGoodbye();
      this.#host.send(closeFrame(this.#name));
    }
    this.#attempt.abort();
    this.#watch.abort();
    const isLeft = this.isWaiting || this.#early.length > 0;
    this.#inflight = [];
    this.#early = [];
    this.#missing = undefined;
    this.#mayWrite = true;
    this.#set("off");
    this.#presence.forgetOthers();
    if (isLeft) this.#host.leave(this.#id);
  }

  /** It will not be used any more. */
  destroy(): void {
    this.end();
    this.#presence.destroy();
  }

  /** The server does not give the document, or not now: it is asked for again much later. */
  refuse(problem?: LiveProblem, isAtFault = false): void {
    this.#isAtFault = isAtFault;
    this.#refusedUntil = this.#host.clock.now() + REFUSED_MS;
    this.end(problem);
  }

  /** An edit is on disk; whether it goes live. */
  edited({ number, update, live }: SavedEdit): boolean {
    if (!live || !this.accepts) return false;
    if (this.#state !== "live") this.#early.push({ number, update });
    else if (number > this.#sentUpTo) this.#send([{ number, update }]);
    return true;
  }

  /** Takes in what the server says. */
  hear(said: Said): void {
    switch (said.kind) {
      case "granted":
        return this.#granted(said.mayWrite);
      case "denied":
        return this.#denied(refusalOf(said));
      case "token-wanted":
        return void this.#renewToken();
      case "step-2":
        if (this.#mayWrite) this.#missing = said.update;
        else this.#takeMissing(said.update);
        return;
      case "step-1":
        return void this.#meet(said.vector, this.#attempt.signal);
      case "update":
        return this.#host.take(this.#id, said.update);
      case "awareness":
        return this.#presence.hear(said.update);
      case "saved":
        return this.#answered(said.isStored);
      case "closed":
        this.refuse(refusalOf(said));
        return this.#host.pull();
      case "unknown":
    }
  }

  #set(state: SessionState): void {
    this.#state = state;
    this.#onState(state);
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    let standing = await this.#host.standing(this.#id);
    if (standing.isQueued && this.#host.isSyncing) return signal.aborted ? undefined : this.end();
    if (standing.isQueued && this.#mayPush) {
      // Once: what is refused there waits for somebody.
      this.#mayPush = false;
      if (!signal.aborted && (await this.#host.sync())) standing = await this.#host.standing(this.#id);
    }
    if (signal.aborted) return;
    if (!standing.isClear) return this.end();
    const token = await this.#host.token(false);
    if (signal.aborted) return;
    if (token === undefined) return this.#host.loginNeeded();
    const name = await this.#host.nameOf(this.#id);
    if (signal.aborted) return;
    this.#name = name;
    this.#presence.name = name;
    this.#set("joining");
    this.#host.send(tokenFrame(name, token));
    this.#expectAnswer();
  }

  #granted(mayWrite: boolean): void {
    if (this.#state !== "joining") return;
    this.#mayWrite = mayWrite;
    this.#set("syncing");
    this.#host.send(step1Frame(this.#name, Y.encodeStateVector(this.#doc)));
    this.#expectAnswer();
  }

  /** Refused: perhaps the token is an old one, else there is nothing to be had. */
  #denied(problem: LiveProblem): void {
    const isOfToken = problem.code === undefined || problem.code === 4401;
    if (!isOfToken || this.#isTokenFresh || this.#state !== "joining") return this.refuse(problem);
    this.#isTokenFresh = true;
    void this.#renewToken();
  }

  async #renewToken(): Promise<void> {
    const { signal } = this.#attempt;
    const token = await this.#host.token(true).catch(() => undefined);
    if (signal.aborted) return;
    if (token === undefined) return this.#host.loginNeeded();
    this.#host.send(tokenFrame(this.#name, token));
    if (this.#state === "joining") this.#expectAnswer();
  }

  /** The server says what it has: its answer to the same is here already, and what it lacks is sent. */
  async #meet(vector: Uint8Array, signal: AbortSignal): Promise<void> {
    // In the middle of a session it means that an edit leans on what the server lacks. A batch finds out what.
    if (this.#state === "live") {
      this.end();
      return this.begin();
    }
    const isAnother = await this.#host.isAnother(this.#id, vector);
    if (signal.aborted) return;
    if (isAnother) {
      this.refuse();
      return this.#host.pull();
    }
    if (this.#missing) this.#takeMissing(this.#missing);
    const unsent = await this.#host.unsent(this.#id);
    if (signal.aborted) return;
    this.#becomeLive();
    // As the answer, also if it is empty: what this editor had when it asked, the server does not report one by one.
    this.#send(unsent, step2Frame);
    for (const edit of this.#early.splice(0)) if (edit.number > this.#sentUpTo) this.#send([edit]);
  }

  #takeMissing(update: Uint8Array): void {
    this.#missing = undefined;
    if (update.length > NOTHING.length) this.#host.take(this.#id, update);
    if (!this.#mayWrite) this.#becomeLive();
  }

  #becomeLive(): void {
    this.#watch.abort();
    this.#sentUpTo = 0;
    this.#set("live");
    this.#presence.sayHello();
  }

  #send(edits: StoredEdit[], frame = updateFrame): void {
    const updates = edits.map(({ update }) => update);
    const update = updates.length > 1 ? Y.mergeUpdates(updates) : (updates[0] ?? NOTHING);
    this.#sentUpTo = Math.max(this.#sentUpTo, ...edits.map(({ number }) => number));
    this.#inflight.push(edits);
    this.#host.send(frame(this.#name, update));
    if (this.#inflight.length === 1) this.#expectAnswer();
  }

  #answered(isStored: boolean): void {
    if (!isStored) {
      // Whoever may only read by now is told so by a batch.
      this.#mayWrite = false;
      if (this.isWaiting) this.#host.leave(this.#id);
      this.#inflight = [];
      return this.#watch.abort();
    }
    const sent = this.#inflight.shift();
    if (this.#inflight.length > 0) this.#expectAnswer();
    else this.#watch.abort();
    if (sent?.length) void this.#settle(sent, this.#attempt.signal);
  }

  async #settle(sent: StoredEdit[], signal: AbortSignal): Promise<void> {
    try {
      const isLeft = await this.#host.settle(this.#id, sent);
      if (!isLeft || signal.aborted || this.#inflight.length > 0 || !this.isCarrying) return;
      // What nothing is waited for was united in the store, or another tab went away with it.
      const unsent = await this.#host.unsent(this.#id);
      if (!signal.aborted && this.#inflight.length === 0 && unsent.length > 0) this.#send(unsent);
    } catch {
      // It stays queued, and goes once more.
    }
  }

  /** Unless an answer comes in time, the socket is given up. */
  #expectAnswer(): void {
    this.#watch.abort();
    const watch = (this.#watch = new AbortController());
    void sleep(this.#host.clock, PATIENCE_MS, watch.signal).then(() => watch.signal.aborted || this.#host.dropLine());
  }
}

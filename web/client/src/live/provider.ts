/**
 * What editors' bindings call a provider: who else is in a document, and whether it is connected.
 *
 * @module
 */
import { ObservableV2 } from "lib0/observable";
import { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { FROM_STORE } from "../documents.js";
import type { BatchSyncService } from "../service.js";
import type { LiveProblem } from "./problem.js";
import { LiveHub } from "./hub.js";
import type { SessionState } from "./session.js";

/** Whether a document is connected. */
export type ProviderStatus = "connecting" | "connected" | "disconnected";

/** What a provider tells of, by the names that bindings know. */
export type ProviderEvents = {
  status: (event: { status: ProviderStatus }) => void;
  /** Whether all that the server had is here, and each key is sent at once. */
  sync: (isSynced: boolean) => void;
  /** The same, when it becomes so. */
  synced: (event: { state: boolean }) => void;
  /** Why it is not connected, where that is more than a connection that was lost; nothing when it is over. */
  problem: (problem: LiveProblem | undefined) => void;
  /** A change that came from elsewhere. */
  update: (update: Uint8Array) => void;
  /** The document is another one now; told by bindings, never by this provider. */
  reload: (doc: Y.Doc) => void;
};

/** How a provider begins. */
export interface ProviderOptions {
  /** Whether it connects at once; `true`. */
  connect?: boolean;
  /** What this editor says of itself; what there is of `y-protocols` in the page, if it has to be the same one. */
  awareness?: Awareness;
}

/**
 * Edits an open document live: each edit is sent as soon as it is on disk, what others type appears at once, and `awareness`
 * says who they are. All providers of a client share one socket. Where there is none, everything goes by batch as it does
 * without a provider.
 */
export class LandfallProvider extends ObservableV2<ProviderEvents> {
  readonly document: Y.Doc;
  /** Who is in the document, and where. */
  readonly awareness: Awareness;
  readonly #client: BatchSyncService;
  readonly #hub: LiveHub;
  #isWanted = false;
  #isJoined = false;
  #state: SessionState = "off";
  #status: ProviderStatus = "disconnected";
  #problem: LiveProblem | undefined;
  #isDestroyed = false;

  /**
   * @param document from {@link BatchSyncService.openDocument}, or an empty one with the document's id as its `guid`, which is opened
   *   when it first connects; one provider for each
   * @throws RangeError if the document has one already
   */
  constructor(client: BatchSyncService, document: Y.Doc, { connect = true, awareness }: ProviderOptions = {}) {
    super();
    this.document = document;
    this.#client = client;
    this.awareness = awareness ?? new Awareness(document);
    this.#hub = client.attachLive((settings) => new LiveHub(settings));
    document.on("update", this.#tellUpdate);
    document.on("destroy", this.#destroyed);
    if (connect) this.connect();
  }

  /** The same document, by the name that other providers have for it. */
  get doc(): Y.Doc {
    return this.document;
  }

  /** Whether it is connected. */
  get status(): ProviderStatus {
    return this.#status;
  }

  /** Whether all that the server had is here, and each key is sent at once. */
  get synced(): boolean {
    return this.#state === "live";
  }

  /** Why it is not connected, where that is more than a connection that was lost. What is edited goes by batch meanwhile. */
  get problem(): LiveProblem | undefined {
    return this.#problem;
  }

  /** Connects, and does so again whenever the connection is lost. */
  connect(): void {
    if (this.#isWanted || this.#isDestroyed) return;
    this.#isWanted = true;
    if (this.#client.hasOpen(this.document)) this.#join();
    else void this.#open();
    this.#show();
  }

  /** Ends the connection, until it is asked for again. What is edited meanwhile goes by batch. */
  disconnect(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    if (this.#isJoined) this.#hub.leaveDocument(this.document.guid);
    this.#isJoined = false;
    this.#tellProblem(undefined);
    this.#show();
  }

  /** Ends its use. The document stays open. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.disconnect();
    this.document.off("update", this.#tellUpdate);
    this.document.off("destroy", this.#destroyed);
    this.awareness.destroy();
    super.destroy();
  }

  readonly #destroyed = (): void => this.destroy();

  readonly #tellUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin === FROM_STORE) this.emit("update", [update]);
  };

  async #open(): Promise<void> {
    try {
      await this.#client.openDocument(this.document.guid, this.document);
      if (this.#isWanted && !this.#isJoined) this.#join();
    } catch (error) {
      this.#isWanted = false;
      this.#tellProblem({ reason: error instanceof Error ? error.message : String(error) });
    }
    this.#show();
  }

  #join(): void {
    const onState = (state: SessionState) => this.#tell(state);
    const onProblem = (problem: LiveProblem | undefined) => this.#tellProblem(problem);
    this.#hub.join({ doc: this.document, awareness: this.awareness, onState, onProblem });
    this.#isJoined = true;
  }

  #tellProblem(problem: LiveProblem | undefined): void {
    if (problem?.code === this.#problem?.code && problem?.reason === this.#problem?.reason) return;
    this.#problem = problem;
    this.emit("problem", [problem]);
  }

  #tell(state: SessionState): void {
    const wasLive = this.synced;
    this.#state = state;
    if (this.synced) this.#tellProblem(undefined);
    if (this.synced !== wasLive) this.emit("sync", [this.synced]);
    if (this.synced && !wasLive) this.emit("synced", [{ state: true }]);
    this.#show();
  }

  #show(): void {
    const status = this.synced ? "connected" : this.#isWanted ? "connecting" : "disconnected";
    if (status === this.#status) return;
    this.#status = status;
    this.emit("status", [{ status }]);
  }
}

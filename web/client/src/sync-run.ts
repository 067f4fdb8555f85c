/**
 * One sync from beginning to end: guard, announcement, push, pull, report.
 *
 * @module
 */
import { uuidv7 } from "./bytes.js";
import { timestamp } from "./clock.js";
import { guardQueue } from "./deletions.js";
import { Stop, type Engine, type SyncReport, type SyncStatus } from "./engine.js";
import { MassDeletion, RequestRefused, Unreachable } from "./errors.js";
import { deviceId, workspaceId } from "./identity.js";
import { readQueue, type QueueEntry } from "./queue.js";
import { ProgressTracker, type Progress } from "./progress.js";
import { Puller } from "./pull.js";
import { isCarried, PushRun, statusOf } from "./push.js";
import { getMeta, setMeta } from "./store.js";
import type { Limits } from "./wire.js";

/** What a sync is to do. */
export interface SyncOptions {
  /** Which way; both. */
  direction?: "push" | "pull" | "both";
  /** Asks the server what would happen; nothing changes on either side. */
  dryRun?: boolean;
  /**
   * All or nothing: everything that is queued goes in one request, and if one operation fails, none is applied. Above
   * the limits of a request the sync ends as `refused`, with an {@link AtomicLimitError}, and nothing is sent.
   */
  atomic?: boolean;
  /** Lifts the guard against deleting more than 20 documents and more than a quarter of all. */
  allowMassDelete?: boolean;
}

/** The protocol's defaults, for a server that has never told its own. */
const FALLBACK_LIMITS = { max_operations: 100, max_body_bytes: 10_485_760 };

/** What a run knows when it starts. */
interface Prepared {
  queue: QueueEntry[];
  /** What has to be agreed to before deletions are pushed. */
  guarded: MassDeletion | undefined;
  deviceId: string;
  workspaceId: string;
}

/** One sync. */
export class SyncRun {
  readonly #engine: Engine;
  readonly #options: Required<SyncOptions>;
  readonly #cancelled: AbortSignal;
  readonly #tracker: ProgressTracker;
  readonly #report: SyncReport;

  /** @param onProgress is told before the event is */
  constructor(engine: Engine, options: SyncOptions, cancelled: AbortSignal, onProgress: (progress: Progress) => void) {
    this.#engine = engine;
    this.#options = { direction: "both", dryRun: false, atomic: false, allowMassDelete: false, ...options };
    this.#cancelled = cancelled;
    this.#tracker = new ProgressTracker(engine.clock, (progress) => {
      onProgress(progress);
      engine.events.emit("progress", progress);
    });
    const { direction } = this.#options;
    this.#report = { status: "synced", direction, progress: this.#tracker.snapshot(), pulled: 0, results: [], again: 0 };
  }

  /**
   * Runs it, alone among the clients of this store.
   *
   * @param before is done first, and counts as part of it
   * @param steals whether the work is taken away from who has it
   */
  async run(before: () => Promise<void>, steals = false): Promise<SyncReport> {
    const report = this.#report;
    try {
      await before();
      const work = async () => ({ result: await this.#pushAndPull() });
      const { lock } = this.#engine;
      const ran = await (steals ? lock.wait("sync", work, { steal: true }) : lock.attempt("sync", work));
      if (!ran) report.status = "busy";
      else if (this.#cancelled.aborted) report.status = "cancelled";
      else if (this.#options.direction === "both" && !this.#options.dryRun) await this.#noteTime();
    } catch (error) {
      report.status = this.#statusOf(error);
    } finally {
      this.#tracker.stop();
    }
    report.progress = this.#tracker.snapshot();
    if (report.status === "auth-needed") this.#engine.events.emit("auth-needed", {});
    this.#engine.events.emit("synced", report);
    return report;
  }

  #noteTime(): Promise<void> {
    const now = timestamp(this.#engine.clock.now());
    return this.#engine.store.transaction("write", (tx) => setMeta(tx, "synced_at", now));
  }

  #statusOf(error: unknown): SyncStatus {
    if (error instanceof MassDeletion) {
      this.#report.guard = error;
      return "guarded";
    }
    const cause = error instanceof Stop ? error.cause : error;
    this.#report.error = cause;
    if ((cause instanceof RequestRefused || cause instanceof Unreachable) && cause.retryAfterMs !== undefined) {
      // More than a time can hold is as good as never: in a year.
      const ms = Math.min(cause.retryAfterMs, 365 * 24 * 3600_000);
      this.#report.retry_at = timestamp(this.#engine.clock.now() + ms);
    }
    return statusOf(error);
  }

  async #pushAndPull(): Promise<void> {
    const { direction, dryRun, atomic, allowMassDelete } = this.#options;
    const prepared = await this.#prepare();
    const pulls = direction !== "push" && !dryRun;
    const puller = new Puller(this.#engine, prepared.workspaceId);
    this.#tracker.start(prepared.queue.length);
    if (prepared.guarded && atomic) throw prepared.guarded;
    try {
      if (pulls && (await puller.isNeededBefore(prepared.queue))) await puller.readFeed(this.#cancelled);
      if (prepared.queue.length > 0) await this.#push(prepared, pulls ? puller : undefined);
      const tooMany = pulls ? await puller.run(allowMassDelete, this.#cancelled) : undefined;
      // Said last: only the deletions wait.
      const guarded = prepared.guarded ?? tooMany;
      if (guarded) throw guarded;
    } finally {
      this.#report.pulled = puller.pulled;
    }
    const { processed, total } = this.#tracker.snapshot();
    if (!this.#cancelled.aborted) this.#tracker.count("skipped", total - processed);
  }

  #prepare(): Promise<Prepared> {
    const { direction, allowMassDelete } = this.#options;
    return this.#engine.store.transaction("write", async (tx) => {
      const queued = direction === "pull" ? [] : await readQueue(tx);
      const queue = queued.filter((operation) => !isCarried(this.#engine, operation));
      return {
        queue,
        guarded: allowMassDelete || direction === "pull" ? undefined : await guardQueue(tx),
        deviceId: await deviceId(tx, this.#engine.clock.now()),
        workspaceId: await workspaceId(tx, this.#engine.workspaceId),
      };
    });
  }

  async #push({ queue, guarded, deviceId, workspaceId }: Prepared, puller: Puller | undefined): Promise<void> {
    const { direction, dryRun, atomic } = this.#options;
    const limits = await this.#limits();
    const syncId = uuidv7(this.#engine.clock.now());
    const path = `/api/v1/syncs/${syncId}`;
    const announced = { workspace_id: workspaceId, total: queue.length, direction, device_id: deviceId };
    if (!dryRun) await this.#announce("PUT", path, announced);
    const tracker = this.#tracker;
    const cancelled = this.#cancelled;
    const run = new PushRun(this.#engine, {
      workspaceId,
      deviceId,
      syncId,
      limits,
      dryRun,
      atomic,
      holdsDeletions: guarded !== undefined,
      tracker,
      cancelled,
      puller,
    });
    this.#report.results = run.results;
    try {
      await run.run();
    } finally {
      this.#report.again = run.again;
    }
    if (cancelled.aborted && !dryRun) await this.#announce("POST", `${path}/cancel?workspace_id=${workspaceId}`);
  }

  /** Tells the server of the run, for its history. A server that does not take it, or is away, does not stop the sync. */
  async #announce(method: string, path: string, body?: unknown): Promise<void> {
    await this.#engine.api.json(method, path, body).catch((error: unknown) => {
      if (["failed", "auth-needed", "storage-full"].includes(statusOf(error))) throw error;
    });
  }

  /** What the server takes, as it says; else as it said; else the protocol's defaults. */
  async #limits(): Promise<Pick<Limits, "max_operations" | "max_body_bytes">> {
    try {
      const limits = await this.#engine.api.open<Limits>("GET", "/api/v1/limits");
      await this.#engine.store.transaction("write", (tx) => setMeta(tx, "limits", limits));
      return limits;
    } catch (error) {
      if (["failed", "storage-full"].includes(statusOf(error))) throw error;
    }
    return (await this.#engine.store.transaction("read", (tx) => getMeta(tx, "limits"))) ?? FALLBACK_LIMITS;
  }
}

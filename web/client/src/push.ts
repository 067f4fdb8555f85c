/**
 * Pushes the queue in chunks: several at once, never two of one document; what fails as a whole is halved down to the
 * one operation that is at fault, and that one is set aside.
 *
 * @module
 */
import type { BatchSize } from "./batch-size.js";
import { backoffMs, sleep, timestamp } from "./clock.js";
import { Stop, type Engine } from "./engine.js";
import { AtomicLimitError, LoginNeeded, RequestRefused, StorageFullError, Unreachable } from "./errors.js";
import type { QueuedOperation } from "./model.js";
import { readSendable, takeChunk, type OutgoingOperation } from "./outbox.js";
import { operationKey, readOperation, type QueueEntry } from "./queue.js";
import type { ProgressTracker } from "./progress.js";
import type { Puller } from "./pull.js";
import { fetchOmitted, isOmitted } from "./omitted.js";
import { fail, settle, type Settlement } from "./settle.js";
import type { BatchAnswer, BatchRequest, Limits, OperationResult } from "./wire.js";

/** Bytes of a request that are not its operations, at most. */
const ENVELOPE_BYTES = 2048;

/** What one run of a push needs. */
export interface PushSettings {
  workspaceId: string;
  deviceId: string;
  /** The sync run that the batches count towards. */
  syncId: string;
  limits: Pick<Limits, "max_operations" | "max_body_bytes">;
  dryRun: boolean;
  /** Everything in one request, all or nothing. */
  atomic: boolean;
  /** Whether deletions wait for somebody's consent. */
  holdsDeletions: boolean;
  /** Takes in changes that come with answers; without it none are asked for. */
  puller: Puller | undefined;
  tracker: ProgressTracker;
  /** Aborted when the run is to end after the batches under way. */
  cancelled: AbortSignal;
}

/** What is to be done about a chunk that was not answered. */
type Remedy = "again" | "halve" | "fail";

/** What `Retry-After` may ask for within a sync, in milliseconds. What lies beyond ends it. */
const LONGEST_WAIT_MS = 5 * 60_000;

/** One push of the queue. */
export class PushRun {
  readonly #engine: Engine;
  readonly #settings: PushSettings;
  readonly #cancelled: Promise<void>;
  /** Documents of chunks under way. */
  readonly #busy = new Set<string>();
  /** When operations are due again, by `client_id`; `Infinity` for those that had their turn in this run. */
  readonly #due = new Map<string, number>();
  /** How often operations failed alone in this run, by `client_id`. */
  readonly #failures = new Map<string, number>();
  /** What was read of the queue and not sent yet, so that it is not read for each chunk. */
  #sendable: QueueEntry[] = [];
  #stop: Stop | undefined;
  #batches = 0;
  #pulling = false;
  #wake: () => void = () => undefined;
  #changed = new Promise<void>((resolve) => (this.#wake = resolve));
  /** The answers of a dry run. */
  readonly results: OperationResult[] = [];

  /** Operations that failed and stay queued. */
  get again(): number {
    return this.#failures.size;
  }

  constructor(engine: Engine, settings: PushSettings) {
    this.#engine = engine;
    this.#settings = settings;
    const { cancelled } = settings;
    this.#cancelled = new Promise((resolve) => {
      if (cancelled.aborted) resolve();
      else cancelled.addEventListener("abort", () => resolve());
    });
  }

  /** @throws {@link Stop} where the run cannot go on */
  async run(): Promise<void> {
    const length = this.#settings.atomic ? 1 : this.#engine.concurrency;
    const workers = Array.from({ length }, () => this.#work());
    await Promise.all(workers);
    if (this.#stop) throw this.#stop;
  }

  get #isOver(): boolean {
    return this.#stop !== undefined || this.#settings.cancelled.aborted;
  }

  /** Pushes chunk after chunk until nothing is left that may be sent. */
  async #work(): Promise<void> {
    for (let first = true; !this.#isOver && (first || !this.#settings.atomic); first = false) {
      const changed = this.#changed;
      const now = this.#engine.clock.now();
      const chunk = await this.#attempt(() => this.#take());
      if (!chunk) return;
      if (chunk.length > 0) {
        await this.#attempt(() => this.#push(chunk));
        for (const { operation } of chunk) this.#busy.delete(operation.document_id);
        this.#notify();
      } else {
        const due = Math.min(...[...this.#due.values()].filter((at) => at > now));
        if (this.#busy.size === 0 && !Number.isFinite(due)) return;
        await this.#pause(Number.isFinite(due) ? due : undefined, changed);
      }
    }
  }

  /** Waits until another worker is done, the run is over, or a point of time. */
  async #pause(until: number | undefined, changed: Promise<void>): Promise<void> {
    const over = new AbortController();
    const waits = [changed, this.#cancelled];
    if (until !== undefined) waits.push(sleep(this.#engine.clock, until - this.#engine.clock.now(), over.signal));
    await Promise.race(waits);
    over.abort();
  }

  #notify(): void {
    this.#wake();
    this.#changed = new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Runs a step; what it cannot deal with stops the whole run. */
  async #attempt<R>(step: () => Promise<R>): Promise<R | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#stop ??= new Stop(statusOf(error), { cause: error });
      this.#notify();
      return undefined;
    }
  }

  /** The largest batch that the server takes. */
  get #most(): BatchSize {
    const { max_operations, max_body_bytes } = this.#settings.limits;
    return { operations: Math.max(1, max_operations), bytes: max_body_bytes - ENVELOPE_BYTES };
  }

  /** Notes how long a batch took, for the size of the next ones. */
  #measure(chunk: OutgoingOperation[], beganMs: number, too_much: boolean): void {
    const { api, clock, pace } = this.#engine;
    const ms = clock.now() - beganMs;
    const bytes = chunk.reduce((sum, operation) => sum + operation.bytes, 0);
    pace.note({ operations: chunk.length, bytes, ms, latency_ms: Math.min(api.latencyMs, ms), too_much }, this.#most);
  }

  /** Takes a chunk of the queue, or of the operations given. */
  #take(only?: QueueEntry[]): Promise<OutgoingOperation[]> {
    const { dryRun, atomic } = this.#settings;
    const { operations, bytes } = atomic ? this.#most : this.#engine.pace.next(this.#most);
    const bounds = { maxOperations: operations, maxBytes: bytes, dryRun };
    // A dry run writes nothing either, but workers must not read side by side.
    return this.#engine.store.transaction("write", async (tx) => {
      if (only) return takeChunk(tx, only, bounds);
      for (;;) {
        if (this.#sendable.length === 0) {
          const now = this.#engine.clock.now();
          const isHeld = (entry: QueueEntry) =>
            (entry.operation === "delete" && this.#settings.holdsDeletions) || isCarried(this.#engine, entry);
          this.#sendable = (await readSendable(tx, isHeld)).filter(
            ({ document_id, client_id }) => !this.#busy.has(document_id) && (this.#due.get(client_id) ?? 0) <= now,
          );
          if (this.#sendable.length === 0) return [];
        }
        const chunk = await takeChunk(tx, this.#sendable, bounds);
        const queued = atomic ? (await tx.all("operations")).filter((each) => !isCarried(this.#engine, each)).length : 0;
        if (queued > chunk.length) throw new AtomicLimitError(queued, chunk.length);
        for (const { operation } of chunk) this.#busy.add(operation.document_id);
        if (chunk.length > 0) return chunk;
      }
    });
  }

  async #push(chunk: OutgoingOperation[]): Promise<void> {
    this.#batches += 1;
    const batch = this.#batches;
    for (let attempt = 1; !this.#isOver; attempt += 1) {
      this.#settings.tracker.doing(
        `batch ${batch}: ${chunk.length} operations${attempt > 1 ? `, try ${attempt}` : ""}`,
      );
      const began = this.#engine.clock.now();
      try {
        const answer = await this.#send(chunk);
        this.#measure(chunk, began, false);
        return await this.#settle(chunk, answer);
      } catch (error) {
        if (isTooMuch(error)) this.#measure(chunk, began, true);
        const remedy = await this.#remedy(error, chunk.length, attempt);
        if (remedy === "fail") return await this.#fail(chunk, error);
        if (remedy === "halve") return await this.#halve(chunk);
      }
    }
  }

  /** One request. At most one chunk at a time also pulls. */
  async #send(chunk: OutgoingOperation[]): Promise<BatchAnswer> {
    const { workspaceId, deviceId, syncId, dryRun, atomic, puller } = this.#settings;
    const pulls = puller && !this.#pulling ? puller : undefined;
    const body: BatchRequest = {
      workspace_id: workspaceId,
      device_id: deviceId,
      ...(dryRun ? {} : { sync_id: syncId }),
      operations: chunk.map(({ wire }) => wire),
      atomic,
      dry_run: dryRun,
    };
    if (!pulls) return this.#post(body);
    this.#pulling = true;
    try {
      const cursor = await pulls.cursorForBatch();
      if (cursor === undefined) return await this.#post(body);
      return await this.#post({ ...body, cursor }).catch((error: unknown) => {
        if (cursor === null || !(error instanceof RequestRefused) || ![400, 410].includes(error.status)) throw error;
        // Perhaps it was the cursor: the feed is read on its own later, and says so then.
        return this.#post(body);
      });
    } finally {
      this.#pulling = false;
    }
  }

  async #post(body: BatchRequest): Promise<BatchAnswer> {
    const sent = this.#engine.api.json<BatchAnswer>("POST", "/api/v1/documents/batch", body);
    const answer = await sent.catch((error: unknown) => {
      // Refused as a whole, but with an answer for each operation.
      if (error instanceof RequestRefused && error.code === "rolled_back") return error.problem as BatchAnswer;
      throw error;
    });
    // Some page of a network in between may answer as well.
    if (!Array.isArray((answer as Partial<BatchAnswer> | undefined)?.results)) throw new Unreachable(false);
    return answer;
  }

  /** What to do about a chunk without an answer; waits where waiting is part of it. */
  async #remedy(error: unknown, operations: number, attempt: number): Promise<Remedy> {
    if (!(error instanceof RequestRefused || error instanceof Unreachable)) throw error;
    const isMany = operations > 1 && !this.#settings.atomic;
    if (error instanceof RequestRefused && isTooLarge(error)) {
      if (isMany) return "halve";
      if (error.status === 413 && !this.#settings.atomic) return "fail";
      throw error;
    }
    // It was heard and not answered, perhaps for being too much: of all else that went wrong, only this is about the batch.
    const isHeavy = error instanceof Unreachable ? error.timedOut : error.code === "timeout" || error.code === "internal";
    const passes = error instanceof Unreachable || error.status === 429 || error.status >= 500;
    if (!passes || (error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw error;
    if (attempt < this.#engine.tries || (isHeavy && isMany)) {
      const ms = backoffMs(this.#engine.backoff, attempt, error.retryAfterMs);
      await sleep(this.#engine.clock, ms, this.#settings.cancelled);
      return isHeavy && isMany ? "halve" : "again";
    }
    // If the server is well otherwise, this operation may be at fault, and must not hold up the others.
    if (isHeavy && operations === 1 && !this.#settings.atomic && (await this.#engine.api.isHealthy())) return "fail";
    throw error;
  }

  async #halve(chunk: OutgoingOperation[]): Promise<void> {
    const operations = chunk.map(({ operation }) => operation);
    const middle = Math.ceil(operations.length / 2);
    for (const half of [operations.slice(0, middle), operations.slice(middle)]) {
      if (this.#isOver) return;
      const part = await this.#take(half);
      if (part.length > 0) await this.#push(part);
    }
  }

  /** Counts a try of an operation that failed as a whole request. */
  async #fail(chunk: OutgoingOperation[], error: unknown): Promise<void> {
    const refused = error instanceof RequestRefused ? error : undefined;
    const problem = {
      code: refused?.code ?? "timeout",
      message: error instanceof Error ? error.message : String(error),
      retryable: refused?.status !== 413,
    };
    for (const { operation } of chunk) {
      if (this.#settings.dryRun) {
        this.#due.set(operation.client_id, Infinity);
        continue;
      }
      const settlement = await this.#engine.store.transaction("write", async (tx) => {
        const queued = (await readOperation(tx, operationKey(operation))) ?? operation;
        return fail(tx, this.#engine.clock.now(), queued, problem);
      });
      // It was tried as often as anything is in one run.
      this.#failures.set(operation.client_id, this.#engine.tries);
      this.#conclude(operation, settlement);
    }
  }

  /** Takes in an answer: at once, but for what did not fit into it; that is fetched, one document after another. */
  async #settle(chunk: OutgoingOperation[], answer: BatchAnswer): Promise<void> {
    if (this.#settings.dryRun) return this.#report(chunk, answer.results);
    const omitted = new Map(answer.results.filter(isOmitted).map((result) => [result.client_id, result]));
    await this.#settleResults(
      chunk.filter(({ operation }) => !omitted.has(operation.client_id)),
      answer.results.filter(({ client_id }) => !omitted.has(client_id)),
    );
    for (const each of chunk) {
      const result = omitted.get(each.operation.client_id);
      if (!result) continue;
      await this.#settleResults([each], [await fetchOmitted(this.#engine.api, this.#settings.workspaceId, each.operation, result)]);
    }
    if (answer.changes) await this.#settings.puller?.take(answer.changes);
    this.#settings.tracker.doing(`batch settled`);
  }

  /** Takes in results in one transaction, then the events. */
  async #settleResults(chunk: OutgoingOperation[], answered: OperationResult[]): Promise<void> {
    const results = new Map(answered.map((result) => [result.client_id, result]));
    const now = this.#engine.clock.now();
    // Side by side: no two operations of a chunk concern one document.
    const settled = await this.#engine.store.transaction("write", (tx) =>
      Promise.all(
        chunk.map(async ({ operation }) => {
          const result = results.get(operation.client_id);
          return {
            operation,
            result,
            settlement: result && (await settle(tx, now, operation, result)),
          };
        }),
      ),
    );
    for (const { operation, result, settlement } of settled) {
      if (result) this.#engine.events.emit("result", result);
      if (settlement) this.#conclude(operation, settlement);
      else this.#due.set(operation.client_id, Infinity);
    }
    const ids = answered.flatMap(({ server, document_id }) => (server && document_id) ?? []);
    if (ids.length > 0) this.#engine.events.emit("changed", { document_ids: ids });
  }

  /** Counts a settlement and tells of it. */
  #conclude(operation: QueuedOperation, settlement: Settlement): void {
    const { tracker } = this.#settings;
    const { client_id, document_id } = operation;
    const failures = (this.#failures.get(client_id) ?? 0) + 1;
    this.#failures.delete(client_id);
    if (settlement.kind === "done") return tracker.count("succeeded");
    const { code, message } = settlement.error;
    const at = timestamp(this.#engine.clock.now());
    tracker.note({ client_id, document_id, code, message, retry_count: operation.attempts, timestamp: at });
    if (settlement.kind === "again") {
      const isSkipped = code === "dependency_failed" || code === "rolled_back";
      const wait = failures < this.#engine.tries ? backoffMs(this.#engine.backoff, failures) : Infinity;
      this.#due.set(client_id, isSkipped ? Infinity : this.#engine.clock.now() + wait);
      if (!isSkipped) this.#failures.set(client_id, failures);
      return;
    }
    tracker.count("failed");
    if (settlement.kind === "lost") this.#engine.events.emit("changed", { document_ids: [document_id] });
    else if (settlement.kind === "conflict") this.#engine.events.emit("conflict", settlement.conflict);
    else this.#engine.events.emit("dead-letter", settlement.letter);
  }

  #report(chunk: OutgoingOperation[], results: OperationResult[]): void {
    for (const { operation } of chunk) this.#due.set(operation.client_id, Infinity);
    for (const result of results) {
      this.#settings.tracker.count(outcomeOf(result));
      this.#engine.events.emit("result", result);
      this.results.push(result);
    }
  }
}

/** Whether an operation is on its way live. */
export function isCarried({ live }: Engine, operation: QueueEntry): boolean {
  return !!live?.carries(operation);
}

/** Whether the server's own limits refuse a batch for its size. */
function isTooLarge({ code }: RequestRefused): boolean {
  return code === "payload_too_large" || code === "too_many_operations";
}

/** Whether a batch was perhaps too much: refused as too large, or heard and not answered in time. */
function isTooMuch(error: unknown): boolean {
  return (error instanceof Unreachable && error.timedOut) || (error instanceof RequestRefused && (isTooLarge(error) || error.code === "timeout"));
}

function outcomeOf(result: OperationResult): "succeeded" | "failed" | "skipped" {
  if (result.status === "success") return "succeeded";
  return result.status === "skipped" ? "skipped" : "failed";
}

/** How a sync ends that met this error. */
export function statusOf(error: unknown): Stop["status"] {
  if (error instanceof Stop) return error.status;
  if (error instanceof LoginNeeded) return "auth-needed";
  if (error instanceof StorageFullError) return "storage-full";
  if (error instanceof Unreachable) return "offline";
  if (error instanceof AtomicLimitError) return "refused";
  if (error instanceof RequestRefused) {
    if (error.status === 429) return "rate-limited";
    if (error.code === "sync_cancelled") return "cancelled";
    return error.status >= 500 ? "offline" : "refused";
  }
  return "failed";
}

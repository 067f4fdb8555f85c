/**
 * How far a sync is.
 *
 * @module
 */
import { timestamp, type Clock } from "./clock.js";

/** Between two tellings, in milliseconds. Half a second is promised; timers come late. */
const INTERVAL_MS = 250;

/** Something that went wrong with an operation. */
export interface ProgressError {
  client_id: string;
  document_id: string;
  code: string;
  message: string;
  retry_count: number;
  /** RFC 3339. */
  timestamp: string;
}

/** How far a sync is, in operations. */
export interface Progress {
  total: number;
  /** succeeded + failed + skipped */
  processed: number;
  succeeded: number;
  /** In conflict or among the dead letters. */
  failed: number;
  /** Left in the queue until another operation is settled. */
  skipped: number;
  /** Processed of total, 0 to 100, rounded down to one decimal. */
  percentage: number;
  current_operation?: string;
  /** The newest 100. */
  errors: ProgressError[];
  /** RFC 3339. */
  started_at: string;
  /** RFC 3339; if it goes on as it went so far. */
  estimated_completion?: string;
}

/** Counts, and tells. */
export class ProgressTracker {
  readonly #clock: Clock;
  readonly #tell: (progress: Progress) => void;
  readonly #startedMs: number;
  #timer: unknown;
  #total = 0;
  #counts = { succeeded: 0, failed: 0, skipped: 0 };
  #current: string | undefined;
  #errors: ProgressError[] = [];

  constructor(clock: Clock, tell: (progress: Progress) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#startedMs = clock.now();
  }

  /** Begins to tell, at once and then at least each half second. */
  start(total: number): void {
    this.#total = total;
    this.#tick();
  }

  /** Ends that, with a last word. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#current = undefined;
    this.#tell(this.snapshot());
  }

  /** Says what is being done. */
  doing(what: string): void {
    this.#current = what;
    this.#tell(this.snapshot());
  }

  /** Counts operations that have their answer. */
  count(outcome: "succeeded" | "failed" | "skipped", operations = 1): void {
    this.#counts[outcome] += operations;
  }

  /** Notes an error; it is told with the next progress. */
  note(error: ProgressError): void {
    this.#errors = [error, ...this.#errors].slice(0, 100);
  }

  /** How far it is now. */
  snapshot(): Progress {
    const { succeeded, failed, skipped } = this.#counts;
    const processed = succeeded + failed + skipped;
    const total = Math.max(this.#total, processed);
    const elapsedMs = this.#clock.now() - this.#startedMs;
    const underWay = processed > 0 && processed < total;
    return {
      total,
      processed,
      succeeded,
      failed,
      skipped,
      percentage: total === 0 ? 100 : Math.floor((processed / total) * 1000) / 10,
      ...(this.#current === undefined ? {} : { current_operation: this.#current }),
      errors: [...this.#errors],
      started_at: timestamp(this.#startedMs),
      ...(underWay
        ? { estimated_completion: timestamp(this.#startedMs + Math.ceil((elapsedMs * total) / processed)) }
        : {}),
    };
  }

  #tick(): void {
    this.#tell(this.snapshot());
    this.#timer = this.#clock.setTimeout(() => this.#tick(), INTERVAL_MS);
  }
}

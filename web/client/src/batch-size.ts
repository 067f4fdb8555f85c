/**
 * How large the next batch is, by how long the last ones took. Its cases are in `tests/client_rules/batch_size.json`, for every
 * client.
 *
 * A batch is to take about a second: then progress shows, a broken connection costs little, and no request times out. What a
 * batch takes is the line's latency, which no size changes, and a time that grows with its operations and bytes.
 *
 * @module
 */

/** How long a batch is to take, and how long it is to use the line at least, however long its latency is; in milliseconds. */
const TARGET_MS = 1000;
const MIN_TRANSFER_MS = 500;

/** A batch at least, as long as none was too much. */
const LEAST: BatchSize = { operations: 5, bytes: 4096 };

const FIRST: BatchSize = { operations: 10, bytes: 65_536 };

/** How large a batch may be. */
export interface BatchSize {
  operations: number;
  /** Of the request's body; an operation that is larger goes alone. */
  bytes: number;
}

/** A batch that was sent. */
export interface SentBatch extends BatchSize {
  /** From its sending to its answer; of several tries the last. */
  ms: number;
  /** The shortest answer to any request so far. */
  latency_ms: number;
  /** It was refused as too large, or not answered in time. */
  too_much?: boolean;
}

/** The size of the first batch. */
export function firstSize(most: BatchSize): BatchSize {
  return map((key) => Math.min(FIRST[key], most[key]));
}

/** The size of the next batch after one that was sent. */
export function sizeAfter(now: BatchSize, sent: SentBatch, most: BatchSize): BatchSize {
  if (sent.too_much) {
    const one = { operations: 1, bytes: LEAST.bytes };
    return map((key) => Math.min(Math.max(Math.min(now[key], Math.floor(sent[key] / 2)), one[key]), most[key]));
  }
  const taken = Math.max(1, sent.ms - sent.latency_ms);
  const budget = Math.max(MIN_TRANSFER_MS, TARGET_MS - sent.latency_ms);
  return map((key) => {
    const fitting = Math.floor((sent[key] * budget) / taken);
    const next =
      taken <= budget
        ? // A small batch shows nothing about a large one: no more than twice of what was seen to work.
          Math.max(now[key], Math.min(fitting, 2 * sent[key]))
        : Math.min(Math.max(fitting, Math.floor(now[key] / 4), LEAST[key]), now[key]);
    return Math.min(next, most[key]);
  });
}

function map(of: (key: keyof BatchSize) => number): BatchSize {
  return { operations: of("operations"), bytes: of("bytes") };
}

/** The size of a client's batches, from one sync to the next. */
export class Pace {
  readonly #fixed: number | undefined;
  #size: BatchSize | undefined;

  /** @param fixed the operations that somebody asked for: no rule changes them */
  constructor(fixed?: number) {
    this.#fixed = fixed;
  }

  /** The next batch at most. */
  next(most: BatchSize): BatchSize {
    if (this.#fixed !== undefined) return { ...most, operations: Math.min(this.#fixed, most.operations) };
    this.#size ??= firstSize(most);
    return map((key) => Math.min(this.#size?.[key] ?? Infinity, most[key]));
  }

  /** Notes a batch that was answered, or was too much. */
  note(sent: SentBatch, most: BatchSize): void {
    this.#size = sizeAfter(this.#size ?? firstSize(most), sent, most);
  }
}

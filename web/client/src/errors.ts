/**
 * The errors that callers can tell apart.
 *
 * @module
 */
import type { Problem } from "./wire.js";

/** There is no room left on the device. Nothing was written, and what was there before is untouched. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
  constructor(options?: ErrorOptions) {
    super("the device has no room left: nothing was saved; free some space and try again", options);
  }
}

/** Another process has the store open. */
export class StoreInUseError extends Error {
  override readonly name = "StoreInUseError";
  constructor(store: string, pid?: number) {
    super(`${store} is in use by ${pid === undefined ? "another process" : `process ${pid}`}; close it there first`);
  }
}

/** The server refused a whole request. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  /** HTTP status. */
  readonly status: number;
  /** The problem's code, if the answer was a problem. */
  readonly code: string | undefined;
  /** The problem itself. */
  readonly problem: Partial<Problem> | undefined;
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(status: number, problem: Partial<Problem> | undefined, retryAfterMs?: number) {
    super(problem?.detail ?? `the server answered with status ${status}`);
    this.status = status;
    this.code = problem?.code;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** More is queued than one request takes, or something that has to wait: it cannot go all or nothing. */
export class AtomicLimitError extends Error {
  override readonly name = "AtomicLimitError";
  constructor(queued: number, fit: number) {
    super(`only ${fit} of ${queued} queued operations fit into one request: settle what waits, or sync without atomic`);
  }
}

/** No answer of the server's came: the network or the server is away, or something between them answered. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  /** Whether the request was sent and the time for its answer ran out. */
  readonly timedOut: boolean;
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(timedOut: boolean, options?: ErrorOptions & { status?: number; retryAfterMs?: number | undefined }) {
    const status = options?.status;
    const reason = status === undefined ? "" : `: something in between answered, with status ${status}`;
    super(timedOut ? "the server did not answer in time" : `the server cannot be reached${reason}`, options);
    this.timedOut = timedOut;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Somebody has to log in. The queue stays as it is. */
export class LoginNeeded extends Error {
  override readonly name = "LoginNeeded";
  constructor(options?: ErrorOptions) {
    super("log in to go on; everything that is queued stays queued", options);
  }
}

/** The store holds another account's documents. */
export class OtherAccountError extends Error {
  override readonly name = "OtherAccountError";
  constructor(owner: string) {
    super(`this store holds the documents of ${owner}: open one of its own for another account`);
  }
}

/** There is no such document on this device, or it was deleted. */
export class NoSuchDocument extends Error {
  override readonly name = "NoSuchDocument";
  constructor(documentId: string) {
    super(`there is no document ${documentId} on this device`);
  }
}

/** A whole text was made from a version that others have changed since, and whose text is not known here any more. */
export class BaseUnknown extends Error {
  override readonly name = "BaseUnknown";
  constructor(version: number) {
    super(`others changed the document since version ${version}, and its text is not known any more: read it anew`);
  }
}

/** A resolution that the conflict does not allow. */
export class ResolutionError extends Error {
  override readonly name = "ResolutionError";
}

/** So much would be deleted that somebody has to agree first. The deletions wait; everything else was synced. */
export class MassDeletion extends Error {
  override readonly name = "MassDeletion";
  /** Where the documents would be deleted. */
  readonly side: "server" | "device";
  /** How many would be. */
  readonly deletions: number;
  /** Of how many. */
  readonly documents: number;
  constructor(side: "server" | "device", deletions: number, documents: number) {
    super(
      `${deletions} of ${documents} documents would be deleted on the ${side}; ` +
        "none was; sync with allowMassDelete if that is meant",
    );
    this.side = side;
    this.deletions = deletions;
    this.documents = documents;
  }
}

/** Another tab, with an older version of the page, has the store open and does not react. Nothing was changed. */
export class StoreBlockedError extends Error {
  override readonly name = "StoreBlockedError";
  constructor(store: string) {
    super(`another tab has an older version of this page open, and does not let go of ${store}: close or reload it`);
  }
}

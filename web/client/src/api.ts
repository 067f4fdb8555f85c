/**
 * The server over `fetch`: addresses, tokens, timeouts, and errors by name. Knows nothing of queues.
 *
 * @module
 */
import type { Clock } from "./clock.js";
import { LoginNeeded, RequestRefused, Unreachable } from "./errors.js";
import type { Lock } from "./lock.js";
import type { Session } from "./model.js";
import { getMeta, setMeta, type Store } from "./store.js";
import type { Problem, SessionAnswer } from "./wire.js";

/** A function like `fetch`. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** What a request needs. */
export interface ApiSettings {
  /** Where the server is, without `/api`. */
  url: string;
  store: Store;
  fetch: Fetch;
  clock: Clock;
  /** Keeps two tabs from using one refresh token twice, which would end the session. */
  lock: Lock;
  /** How long an answer may take. */
  timeoutMs: number;
  /** Gives the access token of an outside identity provider; asked anew, with `true`, after a 401. */
  token?: (refresh: boolean) => Promise<string | undefined>;
  /** Told when the server can be reached, or cannot, and that is new. */
  onReach: (reachable: boolean) => void;
}

/** The server. */
export class Api {
  readonly #settings: ApiSettings;
  #isReachable: boolean | undefined;

  constructor(settings: ApiSettings) {
    this.#settings = settings;
  }

  /** Sends a request as the user who is logged in, and reads the JSON of its answer. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.authorized((token) => this.#send(method, path, body, token));
    return parse<T>(response);
  }

  /** Sends a request that needs no login. */
  async open<T>(method: string, path: string, body?: unknown): Promise<T> {
    return parse<T>(await this.#send(method, path, body));
  }

  /** Opens a stream as the user who is logged in; no time is set for it. */
  stream(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    return this.authorized((token) => this.#fetch(path, { headers: { ...headers, ...bearer(token) }, signal }));
  }

  /** Whether the server says that it is well. */
  async isHealthy(): Promise<boolean> {
    return this.open("GET", "/api/health").then(
      () => true,
      () => false,
    );
  }

  /** The access token; after the present one was refused, a fresh one. `undefined` if somebody has to log in. */
  async token(refresh = false): Promise<string | undefined> {
    if (this.#settings.token) return this.#settings.token(refresh);
    const present = (await this.#session())?.access_token;
    return refresh && present !== undefined ? this.#refresh(present) : present;
  }

  /**
   * Runs a request with the access token; on 401 refreshes it, once.
   *
   * @throws {@link LoginNeeded} if that does not help
   */
  async authorized<T>(request: (token: string) => Promise<T>): Promise<T> {
    const token = await this.token();
    if (token === undefined) throw new LoginNeeded();
    try {
      return await request(token);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
    }
    const fresh = await this.#refresh(token);
    if (fresh === undefined) throw new LoginNeeded();
    try {
      return await request(fresh);
    } catch (error) {
      throw isUnauthorized(error) ? new LoginNeeded({ cause: error }) : error;
    }
  }

  #session(): Promise<Session | undefined> {
    return this.#settings.store.transaction("read", (tx) => getMeta(tx, "session"));
  }

  /** A new access token; `undefined` if there is none to be had without a login. */
  #refresh(stale: string): Promise<string | undefined> {
    const { token, lock, store } = this.#settings;
    if (token) return token(true);
    return lock.wait("refresh", async () => {
      const session = await this.#session();
      // Another tab was faster.
      if (!session || session.access_token !== stale) return session?.access_token;
      const body = { refresh_token: session.refresh_token };
      const answer = await this.open<SessionAnswer>("POST", "/api/v1/auth/refresh", body).catch((error: unknown) => {
        if (error instanceof RequestRefused && error.status < 500 && error.status !== 429) return undefined;
        throw error;
      });
      if (!answer) return undefined;
      const { access_token, refresh_token } = answer;
      await store.transaction("write", (tx) => setMeta(tx, "session", { ...session, access_token, refresh_token }));
      return access_token;
    });
  }

  async #send(method: string, path: string, body?: unknown, token?: string): Promise<Response> {
    const { clock, timeoutMs } = this.#settings;
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(), timeoutMs);
    try {
      const response = await this.#fetch(path, {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...bearer(token) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: abort.signal,
      });
      // Within the same time: an answer that stops halfway is no answer.
      const bytes = await response.arrayBuffer().catch((cause: unknown) => {
        throw new Unreachable(abort.signal.aborted, { cause });
      });
      return new Response(response.status === 204 ? null : bytes, response);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#settings.fetch(this.#settings.url + path, init);
    } catch (cause) {
      const aborted = init.signal?.aborted ?? false;
      if (!aborted) this.#reach(false);
      throw new Unreachable(aborted, { cause });
    }
    this.#reach(true);
    if (response.ok) return response;
    const problem = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined;
    throw new RequestRefused(response.status, problem, retryAfterMs(response, this.#settings.clock));
  }

  #reach(reachable: boolean): void {
    if (this.#isReachable === reachable) return;
    this.#isReachable = reachable;
    this.#settings.onReach(reachable);
  }
}

/** The JSON of an answer, or nothing with 204. Some page of a network in between is no answer of the server's. */
async function parse<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new Unreachable(false, { cause });
  }
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof RequestRefused && error.status === 401;
}

/** `Retry-After` in seconds or as a date. */
function retryAfterMs(response: Response, clock: Clock): number | undefined {
  const value = response.headers.get("retry-after");
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

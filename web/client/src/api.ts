/**
 * The server over `fetch`: addresses, tokens, timeouts, and errors by name. Knows nothing of queues.
 *
 * @module
 */
import type { Clock } from "./clock.js";
import { LoginNeeded, RequestRefused, Unreachable } from "./errors.js";
import type { Lock } from "./lock.js";
import type { Session } from "./model.js";
import { PROBLEM_CODES } from "./problem-codes.js";
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
  /** The shortest time to an answer so far, in milliseconds: what the line takes for nothing. */
  latencyMs = Infinity;

  constructor(settings: ApiSettings) {
    this.#settings = settings;
  }

  /** Sends a request as the user who is logged in, and reads the JSON of its answer. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.authorized((token) => this.#send(method, path, body, token));
    return parse<T>(response);
  }

  /** Asks for tokens, which needs no login. */
  async session(how: "login" | "register" | "refresh", body: object): Promise<SessionAnswer> {
    const answer = await this.open<SessionAnswer>("POST", `/api/v1/auth/${how}`, body);
    // What something in between answered must never take the place of a session.
    if (typeof answer.access_token !== "string") throw new Unreachable(false);
    return answer;
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
    return this.open<{ status?: string }>("GET", "/api/health").then(
      ({ status }) => status === "ok",
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
   * Runs a request with the access token; on 401 refreshes it, twice at most.
   *
   * @throws {@link LoginNeeded} if that does not help
   */
  async authorized<T>(request: (token: string) => Promise<T>): Promise<T> {
    let token = await this.token();
    // A second time, since what another part of the page renewed may have run out by now as well.
    for (let tries = 0; ; tries += 1) {
      if (token === undefined) throw new LoginNeeded();
      try {
        return await request(token);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        if (tries === 2) throw new LoginNeeded({ cause: error });
      }
      token = await this.#refresh(token);
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
      const answer = await this.session("refresh", body).catch((error: unknown) => {
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
    const began = clock.now();
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
      this.latencyMs = Math.min(this.latencyMs, clock.now() - began);
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
    const type = response.headers.get("content-type") ?? "";
    const isOurs = response.status === 204 || /^(application\/json|text\/event-stream)\b/.test(type);
    if (response.ok && isOurs) {
      this.#reach(true);
      return response;
    }
    const { status } = response;
    const retryAfterMs = retryAfter(response.headers, this.#settings.clock.now());
    const problem = type.startsWith("application/problem+json") ? await problemOf(response) : undefined;
    this.#reach(problem !== undefined);
    if (problem) throw new RequestRefused(status, problem, retryAfterMs);
    throw new Unreachable(false, { status, retryAfterMs });
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
  const body = (await response.json().catch(() => undefined)) as T;
  if (typeof body !== "object" || body === null) throw new Unreachable(false, { status: response.status });
  return body;
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof RequestRefused && error.status === 401;
}

/** A refusal of the server's own; whatever else some gateway says is none. */
async function problemOf(response: Response): Promise<Problem | undefined> {
  const problem = (await response.json().catch(() => undefined)) as Problem | null | undefined;
  return problem && PROBLEM_CODES.includes(problem.code) ? problem : undefined;
}

/** `Retry-After` in milliseconds: given as seconds, or as a date by the server's own clock. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  // Anything shorter is no date, though `Date.parse` takes a number for one.
  const at = value.length > 20 ? Date.parse(value) : NaN;
  const sent = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(sent) ? now : sent));
}

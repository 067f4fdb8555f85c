// A server that does what a test tells it, without a network: every operation succeeds unless the script says otherwise.
import {
  BatchSyncService,
  MemoryStore,
  type BatchAnswer,
  type BatchRequest,
  type ChangesPage,
  type ClientOptions,
  type OperationResult,
  type WireDocument,
  type WireOperation,
} from "../../src/index.js";
import { TestClock } from "./clock.js";

export const WORKSPACE = "550e8400-e29b-41d4-a716-446655440000";

/** A request that came. */
export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  token: string | undefined;
  body: unknown;
  /** Milliseconds since the first request. */
  at: number;
}

/** How the script answers: a response, an error (the network is away), or nothing for the usual answer. */
export type Turn = Response | Error | undefined;

export class Script {
  readonly clock: TestClock;
  readonly seen: Seen[] = [];
  /** Answers instead of the usual. */
  on: (request: Seen) => Turn | Promise<Turn> = () => undefined;
  /** Decides about one operation. */
  judge: (operation: WireOperation, batch: BatchRequest) => Partial<OperationResult> = () => ({});
  /** The feed; each page is answered once, then empty ones. */
  pages: ChangesPage[] = [];
  limits = { max_operations: 100, max_body_bytes: 10_485_760 };

  constructor(now?: number) {
    this.clock = new TestClock(now);
  }

  readonly fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    const headers = new Headers(init.headers);
    const request: Seen = {
      method: init.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      token: headers.get("authorization")?.replace("Bearer ", ""),
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
      at: this.clock.now() - (this.#start ??= this.clock.now()),
    };
    this.seen.push(request);
    const hung = new Promise<never>((_, reject) =>
      init.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
    );
    const turn = await Promise.race([this.on(request), hung]);
    if (turn instanceof Error) throw turn;
    return turn ?? this.#usual(request);
  };
  #start: number | undefined;

  /** The batches that came. */
  get batches(): BatchRequest[] {
    return this.seen.filter(({ path }) => path.endsWith("/batch")).map(({ body }) => body as BatchRequest);
  }

  /** The operations of each batch, as one word each. */
  get pushed(): string[][] {
    return this.batches.map(({ operations }) => operations.map((row) => `${row.operation} ${nameOf(row)}`.trim()));
  }

  /** A client of this server, logged in unless told otherwise. */
  async client(options: Partial<ClientOptions> = {}): Promise<BatchSyncService> {
    const { fetch, clock } = this;
    const made = new BatchSyncService({
      url: "http://server",
      store: new MemoryStore(),
      fetch,
      clock,
      concurrency: 1,
      batchSize: 50,
      backoff: { random: () => 0.999 },
      ...options,
    });
    if (!options.token) await made.login("ada", "correct horse battery");
    this.seen.length = 0;
    return made;
  }

  #usual(request: Seen): Response {
    if (request.path.endsWith("/login")) {
      return json({ access_token: "access-1", refresh_token: "refresh-1", workspace_id: WORKSPACE });
    }
    if (request.path.endsWith("/limits")) return json(this.limits);
    if (request.path.endsWith("/health")) return json({ status: "ok" });
    if (request.path.endsWith("/batch")) return json(this.#answer(request.body as BatchRequest));
    if (request.path.endsWith("/changes")) return json(this.#page());
    // Nothing is missing of what a page has told.
    if (request.path.endsWith("/diff")) {
      const { documents } = request.body as { documents: { document_id: string; version?: number }[] };
      return json({ items: documents.map(({ document_id, version = 1 }) => ({ document_id, version })) });
    }
    return problem(404, "not_found");
  }

  #page(): ChangesPage {
    return this.pages.shift() ?? { items: [], next_cursor: "end", has_more: false };
  }

  #answer(batch: BatchRequest): BatchAnswer {
    const results = batch.operations.map((operation): OperationResult => {
      const base = operation.operation === "create" ? 0 : (operation.base_version ?? 0);
      return {
        client_id: operation.client_id,
        operation: operation.operation,
        status: "success",
        document_id: operation.document_id ?? "",
        version: base + 1,
        ...this.judge(operation, batch),
      };
    });
    const changes = batch.cursor === undefined ? {} : { changes: this.#page() };
    return { results, committed: true, dry_run: batch.dry_run ?? false, ...changes } as BatchAnswer;
  }
}

/** What a test calls an operation: its title, or its text. */
export function nameOf(operation: WireOperation): string {
  if (operation.operation === "delete" || operation.operation === "check") return "";
  return operation.data.title ?? operation.data.content ?? "";
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json(
    { type: "about:blank", title: code, status, detail: `refused: ${code}`, code, request_id: "r" },
    status,
    { "content-type": "application/problem+json", ...headers },
  );
}

/** What a document's failure looks like. */
export function failure(code: string, retryable = false): Partial<OperationResult> {
  return {
    status: "error",
    error: { code, message: `refused: ${code}`, retryable } as OperationResult["error"] & object,
  };
}

/** A plain document as the feed shows it. */
export function document(document_id: string, version: number, fields: Partial<WireDocument> = {}): WireDocument {
  const at = "2026-11-22T09:00:00.000000Z";
  return {
    document_id,
    version,
    title: document_id,
    content: `text of ${document_id}`,
    created_at: at,
    updated_at: at,
    updated_by: "grace",
    deleted: false,
    ...fields,
  };
}

export function tombstone(document_id: string, version: number): WireDocument {
  const { content: _content, ...fields } = document(document_id, version);
  return { ...fields, deleted: true, deleted_at: fields.updated_at };
}

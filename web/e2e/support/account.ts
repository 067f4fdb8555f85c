/**
 * The server past the editor: accounts made and documents read over the API, to compare with what the page shows.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises";
import type { TestServer } from "./server.js";

/** What a login needs. */
export interface Credentials {
  username: string;
  password: string;
}

/** A document as the server has it. */
export interface ServerDocument {
  document_id: string;
  title: string;
  version: number;
  deleted: boolean;
  content?: string;
}

/** The answer to a batch, as far as tests look into it. */
export interface BatchAnswer {
  successful: number;
  failed: number;
  results: { client_id: string; status: string; document_id?: string; version?: number }[];
}

/** A user of a server, with the workspace that came with the account. */
export class Account {
  readonly credentials: Credentials;
  readonly workspaceId: string;
  readonly #server: TestServer;
  /** Proves who the user is, for as long as the server lets it. */
  token: string;

  private constructor(server: TestServer, credentials: Credentials, session: { token: string; workspaceId: string }) {
    this.#server = server;
    this.credentials = credentials;
    this.workspaceId = session.workspaceId;
    this.token = session.token;
  }

  /** Makes an account. */
  static register(server: TestServer, username: string): Promise<Account> {
    return Account.#enter(server, "register", { username, password: "correct horse battery staple" });
  }

  /** Logs in to an account that was made elsewhere, as in the editor. */
  static logIn(server: TestServer, credentials: Credentials): Promise<Account> {
    return Account.#enter(server, "login", credentials);
  }

  static async #enter(server: TestServer, how: "register" | "login", credentials: Credentials): Promise<Account> {
    const session = await ask<{ access_token: string; workspace_id: string }>(`${server.url}/api/v1/auth/${how}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(credentials),
    });
    return new Account(server, credentials, { token: session.access_token, workspaceId: session.workspace_id });
  }

  /** All documents of the workspace with their texts, tombstones left out, ordered by title. */
  async documents(): Promise<ServerDocument[]> {
    const documents: ServerDocument[] = [];
    for (let cursor = "", more = true; more; ) {
      const page: { items: ServerDocument[]; next_cursor: string; has_more: boolean } = await this.get(
        `/api/v1/documents/changes?workspace_id=${this.workspaceId}&limit=100${cursor}`,
      );
      documents.push(...page.items.filter(({ deleted }) => !deleted));
      cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
      more = page.has_more;
    }
    return documents.sort((a, b) => (a.title < b.title ? -1 : 1));
  }

  /** The texts of all documents by title. */
  async texts(): Promise<Record<string, string | undefined>> {
    return Object.fromEntries((await this.documents()).map(({ title, content }) => [title, content]));
  }

  /** The one document with this title, if it has arrived: what can be waited for. */
  async find(title: string): Promise<ServerDocument | undefined> {
    const found = (await this.documents()).filter((document) => document.title === title);
    if (found.length > 1) throw new Error(`the server has ${found.length} documents with the title ${title}`);
    return found[0];
  }

  /** The text of the one document with this title, if it has arrived. */
  async text(title: string): Promise<string | undefined> {
    return (await this.find(title))?.content;
  }

  /** The one document with this title, which has arrived. */
  async document(title: string): Promise<ServerDocument> {
    const document = await this.find(title);
    if (document === undefined) throw new Error(`the server has no document with the title ${title}`);
    return document;
  }

  /** Pushes operations as another program of the user would, to the user's own workspace if no other one is named. */
  push(
    operations: readonly object[],
    device = "another program",
    workspace: Pick<Account, "workspaceId"> = this,
  ): Promise<BatchAnswer> {
    const body = { workspace_id: workspace.workspaceId, device_id: device, operations };
    return this.#send<BatchAnswer>("POST", "/api/v1/documents/batch", body);
  }

  /** Lets somebody else into the user's workspace: they accept at once. */
  async invite(guest: Account, role: "editor" | "viewer"): Promise<void> {
    await this.#send("PUT", `/api/v1/workspaces/${this.workspaceId}/members/${guest.credentials.username}`, { role });
    await guest.#send("POST", `/api/v1/invitations/${this.workspaceId}/accept`, {});
  }

  #send<T>(method: string, path: string, body: object): Promise<T> {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    return ask<T>(`${this.#server.url}${path}`, { method, headers, body: JSON.stringify(body) });
  }

  /** Reads from the API. On a busy machine that can take longer than a token lasts: then there is another login. */
  async get<T>(path: string): Promise<T> {
    const read = (): Promise<T> => ask<T>(`${this.#server.url}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    for (let logins = 0; ; logins += 1) {
      try {
        return await read();
      } catch (error) {
        if (logins === PATIENCE || !(error instanceof Refused) || error.status !== 401) throw error;
        this.token = (await Account.logIn(this.#server, this.credentials)).token;
      }
    }
  }
}

/** How often a request is sent again to a server that asks for a pause, or for a login. */
const PATIENCE = 3;

/** A refusal by the server. */
class Refused extends Error {
  readonly status: number;

  constructor(request: string, status: number, body: string) {
    super(`${request}: ${status} ${body}`);
    this.status = status;
  }
}

async function ask<T>(
  url: string,
  request: RequestInit & { headers: Record<string, string> },
  patience = PATIENCE,
): Promise<T> {
  // Each on a connection of its own: one that is kept may be closed by the server just when it is used again.
  const answer = await fetch(url, { ...request, headers: { ...request.headers, connection: "close" } });
  if (answer.status === 429 && patience > 0) {
    await setTimeout(Number(answer.headers.get("retry-after")) * 1000);
    return ask(url, request, patience - 1);
  }
  if (!answer.ok) throw new Refused(`${request.method ?? "GET"} ${url}`, answer.status, await answer.text());
  return (await answer.json()) as T;
}

/**
 * A newer version of the page, without another server: a proxy before the real one, which from the release on hands out
 * what a newer build would change, the page and the list of files in its service worker.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestServer } from "./server.js";

/** What the newer version has in its head, and the older one has not. */
export const NEWER = 'meta[name="release"][content="newer"]';

function newerPage(page: string): string {
  return page.replace("</head>", '<meta name="release" content="newer"></head>');
}

function newerWorker(script: string): string {
  return script.replace(/(url:"\/index\.html",revision:")[^"]+/, (_, before: string) => `${before}newer`);
}

/** Files that the newer version changes. */
const CHANGES = new Map([
  ["/", newerPage],
  ["/index.html", newerPage],
  ["/sw.js", newerWorker],
]);

/** A server whose page is replaced while it is in use. */
export class Deployment {
  /** Where the page is. */
  readonly url: string;
  readonly #proxy: Server;
  readonly #server: TestServer;
  #isReleased = false;

  private constructor(proxy: Server, server: TestServer) {
    this.#proxy = proxy;
    this.#server = server;
    this.url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    proxy.on("request", (asked, answer) => this.#relay(asked, answer));
  }

  /** Puts the proxy before a server. */
  static async of(server: TestServer): Promise<Deployment> {
    const proxy = createServer().listen(0, "127.0.0.1");
    await once(proxy, "listening");
    return new Deployment(proxy, server);
  }

  /** From now on there is a newer version. */
  release(): void {
    this.#isReleased = true;
  }

  /** Ends the proxy. */
  async close(): Promise<void> {
    const closed = once(this.#proxy, "close");
    this.#proxy.close();
    this.#proxy.closeAllConnections();
    await closed;
  }

  #relay(asked: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(asked.url ?? "/", this.#server.url);
    const change = this.#isReleased ? CHANGES.get(url.pathname) : undefined;
    const { "if-none-match": _known, ...headers } = asked.headers;
    const plain = { ...headers, "accept-encoding": "identity" };
    const onward = request(url, { method: asked.method, headers: change ? plain : asked.headers });
    onward.on("response", (told) => {
      if (change) return void send(answer, told, change).catch(() => answer.destroy());
      answer.writeHead(told.statusCode ?? 502, told.headers);
      told.pipe(answer);
    });
    // As if the server itself were away.
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  }
}

async function send(answer: ServerResponse, told: IncomingMessage, change: (file: string) => string): Promise<void> {
  const before = await text(told);
  const file = change(before);
  if (file === before) throw new Error("the page is not built as these tests know it");
  const { etag: _tag, "content-length": _length, ...headers } = told.headers;
  answer.writeHead(200, { ...headers, "content-length": Buffer.byteLength(file) });
  answer.end(file);
}

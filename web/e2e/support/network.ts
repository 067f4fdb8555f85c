/**
 * Networks that fail: answers that get lost on their way back, pushes that are held up, a way that is slow and breaks;
 * and a count of what was asked.
 *
 * @module
 */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, CDPSession, Page, Request } from "@playwright/test";

/** A bad connection between a page and the server. */
export interface BadNetwork {
  /** How many answers got lost so far. */
  lost: number;
  /** Makes the connection good again. */
  heal(): Promise<void>;
}

/** Pushes of batches. */
export function isPush(request: Request): boolean {
  return request.method() === "POST" && new URL(request.url()).pathname === "/api/v1/documents/batch";
}

/** An operation of a push, as far as tests look into it. */
export interface SentOperation {
  operation: "create" | "update" | "delete";
  client_id: string;
  document_id: string;
}

/** The operations of each push from now on, in order, as they leave the pages. */
export function pushesOf(...pages: Page[]): SentOperation[][] {
  const pushes: SentOperation[][] = [];
  for (const page of pages) {
    page.on("request", (request) => {
      if (isPush(request)) pushes.push((request.postDataJSON() as { operations: SentOperation[] }).operations);
    });
  }
  return pushes;
}

/** Takes WebSockets away from the pages of a device, so that everything goes by batch. Before its first page is loaded. */
export async function withoutSockets({ context }: { context: BrowserContext }): Promise<void> {
  await context.addInitScript(() => Reflect.deleteProperty(window, "WebSocket"));
}

/** A way to a server that does not let WebSockets through, as of a proxy that was set up for requests alone. */
export async function proxyWithoutUpgrades(url: string): Promise<{ url: string; close(): void }> {
  const { hostname, port } = new URL(url);
  const proxy = createServer((near, answer) => {
    const { method, url: path, headers } = near;
    const far = request({ hostname, port, method, path, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    far.on("error", () => answer.destroy());
    near.pipe(far);
    answer.on("close", () => far.destroy());
  });
  proxy.on("upgrade", (_request, socket) => void socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"));
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const close = (): void => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close };
}

/**
 * Lets requests that `loses` picks reach the server and be carried out there, and drops their answers: what a
 * connection does that breaks at the worst moment. At most `times` answers get lost.
 */
export async function losing(
  page: Page,
  loses: (request: Request) => boolean = isPush,
  times = Number.POSITIVE_INFINITY,
): Promise<BadNetwork> {
  const everything = "**/*";
  const network: BadNetwork = {
    lost: 0,
    heal: () => page.unroute(everything),
  };
  await page.route(everything, async (route) => {
    if (network.lost >= times || !loses(route.request())) return route.fallback();
    network.lost += 1;
    await route.fetch();
    return route.abort("connectionreset");
  });
  return network;
}

/** A gate on the way from a page to the server: pushes wait before it until they are let through. */
export class Gate {
  #mayPass = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor() {}

  /** Puts up a gate, closed. */
  static async before(page: Page): Promise<Gate> {
    const gate = new Gate();
    await page.route("**/*", async (route) => {
      if (isPush(route.request())) await gate.#turn();
      return route.fallback();
    });
    return gate;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#letThrough();
    });
  }

  /** Lets as many pushes through as this, of those that wait or come later. */
  pass(pushes: number): void {
    this.#mayPass += pushes;
    this.#letThrough();
  }

  /** Lets everything through from now on. */
  open(): void {
    this.pass(Number.POSITIVE_INFINITY);
  }

  #letThrough(): void {
    for (; this.#mayPass > 0 && this.#waiting.length > 0; this.#mayPass -= 1) this.#waiting.shift()?.();
  }
}

/**
 * A slow way from a page to the server, which can break: what is under way in a push then stays so for a while, and
 * fails.
 */
export class SlowUplink {
  readonly #session: CDPSession;
  readonly #bytesPerSecond: number;

  private constructor(session: CDPSession, bytesPerSecond: number) {
    this.#session = session;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Makes the way as slow as this, in bytes a second. Playwright's own `setOffline` would make it fast again. */
  static async of(page: Page, bytesPerSecond: number): Promise<SlowUplink> {
    const uplink = new SlowUplink(await page.context().newCDPSession(page), bytesPerSecond);
    await uplink.#session.send("Network.enable");
    await uplink.mend();
    return uplink;
  }

  /** Takes the network away; what is under way fails. */
  cut(): Promise<void> {
    return this.#set(true);
  }

  /** Gives the network back, as slow as before. */
  mend(): Promise<void> {
    return this.#set(false);
  }

  async #set(offline: boolean): Promise<void> {
    const uploadThroughput = this.#bytesPerSecond;
    const conditions = { offline, latency: 0, downloadThroughput: -1, uploadThroughput };
    await this.#session.send("Network.emulateNetworkConditions", conditions);
  }
}

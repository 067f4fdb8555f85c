/**
 * Networks that fail: answers that get lost on their way back, and a count of what was asked.
 *
 * @module
 */
import type { Page, Request } from "@playwright/test";

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

/** Makes the way from a page to the server as slow as this, in bytes a second; what is under way in a push then stays so for a while. */
export async function slowUplink(page: Page, bytesPerSecond: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const unlimited = { offline: false, latency: 0, downloadThroughput: -1 };
  await session.send("Network.emulateNetworkConditions", { ...unlimited, uploadThroughput: bytesPerSecond });
}

// The problem that a provider reports when a document cannot be live. What is typed meanwhile goes by batch: no key is lost or doubled.
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import * as Y from "yjs";
import { BatchSyncService, LandfallProvider, MemoryStore, ROOT, type ClientOptions, type LiveProblem, type SocketMaker } from "../src/index.js";
import { TestServer } from "./support/server.js";

const PASSWORD = "correct horse battery";
let server: TestServer;
let users = 0;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  server = await TestServer.start({ LANDFALL_RATE_LIMIT: "off" });
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Device {
  client: BatchSyncService;
  text: Y.Text;
  provider: LandfallProvider;
  problems: (LiveProblem | undefined)[];
}

function client(at: TestServer, webSocket: SocketMaker = WebSocket as unknown as SocketMaker, options: Partial<ClientOptions> = {}): BatchSyncService {
  const one = new BatchSyncService({ url: at.url, store: new MemoryStore(), backoff: { baseMs: 20, capMs: 200 }, webSocket, ...options });
  ends.push(() => one.close());
  return one;
}

async function open(of: BatchSyncService, id: string): Promise<Device> {
  // As any other provider is given one; the client fills it.
  const doc = new Y.Doc({ guid: id });
  const provider = new LandfallProvider(of, doc, { connect: false });
  const problems: Device["problems"] = [];
  provider.on("problem", (problem) => problems.push(problem));
  provider.connect();
  return { client: of, text: doc.getText(ROOT), provider, problems };
}

/** Two devices in one document, the first one with sockets of its own. */
async function two(at = server, webSocket?: SocketMaker): Promise<[Device, Device]> {
  const name = `problem-${(users += 1)}`;
  const [laptop, phone] = [client(at, webSocket), client(at)];
  await laptop.register(name, PASSWORD);
  await phone.login(name, PASSWORD);
  const id = await laptop.queueCreate({ title: "Shared", content: "" });
  await laptop.sync();
  await phone.sync();
  return [await open(laptop, id), await open(phone, id)];
}

async function expectText(text: string, ...devices: Device[]): Promise<void> {
  for (const device of devices) await expect.poll(() => device.text.toString(), { interval: 5, timeout: 20_000 }).toBe(text);
}

async function expectLive(...devices: Device[]): Promise<void> {
  for (const { provider } of devices) await expect.poll(() => provider.synced, { timeout: 20_000 }).toBe(true);
}

/** Stands between a client and the server, and ends sockets with any code. */
class Relay {
  readonly #servers = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  isHeld = false;

  static async to(server: TestServer): Promise<Relay> {
    const relay = new Relay(server);
    await new Promise((done) => relay.#servers.once("listening", done));
    return relay;
  }

  private constructor(to: TestServer) {
    this.#servers.on("connection", (near, { url }) => {
      const far = new WebSocket(`${to.url.replace(/^http/, "ws")}${url}`);
      const early: Buffer[] = [];
      far.on("open", () => early.splice(0).forEach((frame) => far.send(frame)));
      near.on("message", (frame: Buffer) => {
        if (this.isHeld) return;
        if (far.readyState === WebSocket.OPEN) far.send(frame);
        else early.push(frame);
      });
      far.on("message", (frame: Buffer) => near.send(frame));
      near.on("close", () => far.terminate());
      far.on("close", () => near.terminate());
      for (const socket of [near, far]) socket.on("error", () => undefined);
    });
    ends.push(() => this.#servers.close());
  }

  /** A `WebSocket` that goes through it. */
  get socket(): SocketMaker {
    const { port } = this.#servers.address() as AddressInfo;
    return class extends WebSocket {
      constructor(url: string) {
        super(url.replace(/:\d+/, `:${port}`));
      }
    } as unknown as SocketMaker;
  }

  end(code: number, reason: string): void {
    for (const near of this.#servers.clients) near.close(code, reason);
    this.isHeld = false;
  }
}

describe("a socket that is closed with a code", () => {
  for (const [code, reason, comesBack] of [
    [1009, "a message is too large", false],
    [1013, "the server cannot do this now", true],
    [4422, "the update is refused", false],
    [4529, "too many sockets are open", false],
  ] as const) {
    test(`${code}: the provider reports it, and the queued edit arrives once`, async () => {
      const relay = await Relay.to(server);
      const [laptop, phone] = await two(server, relay.socket);
      await expectLive(laptop, phone);
      laptop.text.insert(0, "a");
      await expectText("a", phone);
      relay.isHeld = true;
      laptop.text.insert(1, "b");
      await laptop.client.flush();
      relay.end(code, reason);
      await expect.poll(() => laptop.problems[0]).toEqual({ code, reason });
      // Nobody asks for a sync.
      await expectText("ab", phone);
      laptop.text.insert(2, "c");
      await expectText("abc", phone);
      await expect.poll(async () => (await laptop.client.queued()).length).toBe(0);
      if (comesBack) await expectLive(laptop);
      await expect.poll(() => laptop.provider.problem).toEqual(comesBack ? undefined : { code, reason });
      expect(laptop.provider.status).toBe(comesBack ? "connected" : "connecting");
    });
  }

  test("a connection that is lost is no problem", async () => {
    const relay = await Relay.to(server);
    const [laptop, phone] = await two(server, relay.socket);
    await expectLive(laptop, phone);
    const isLost = new Promise((done) => laptop.provider.on("status", done));
    relay.end(1012, "the server restarts");
    await isLost;
    await expectLive(laptop);
    expect(laptop.problems).toEqual([]);
  });
});

describe("what the server itself refuses", () => {
  test("another socket than a user may have", async () => {
    const small = await TestServer.start({ LANDFALL_RATE_LIMIT: "off", LANDFALL_MAX_USER_STREAMS: "1" });
    ends.push(() => small.stop());
    const [laptop, phone] = await two(small);
    const both = [laptop, phone];
    await expect.poll(() => both.filter(({ provider }) => provider.synced).length).toBe(1);
    await expect.poll(() => both.filter(({ provider }) => provider.problem?.code === 4529).length).toBe(1);
    const [live, other] = laptop.provider.synced ? [laptop, phone] : [phone, laptop];
    expect(other.provider.problem?.reason).toContain("too many sockets");
    other.text.insert(0, "by batch");
    await expectText("by batch", live);
  });

  for (const [name, setting, code] of [
    ["more than a workspace may hold", "LANDFALL_MAX_WORKSPACE_BYTES", 4422],
    ["a message that is too large", "LANDFALL_MAX_YJS_BYTES", 1009],
  ] as const) {
    test(`${name}: its author gets the problem, others go on`, async () => {
      const small = await TestServer.start({ LANDFALL_RATE_LIMIT: "off", [setting]: "20000" });
      ends.push(() => small.stop());
      const [laptop, phone] = await two(small);
      await expectLive(laptop, phone);
      laptop.text.insert(0, "x".repeat(30_000));
      await expect.poll(() => laptop.provider.problem?.code).toBe(code);
      expect(laptop.provider.problem?.reason).toMatch(/too large|workspace/);
      // The batch that takes its place says so too, and it stays here.
      await expect.poll(async () => (await laptop.client.deadLetters()).length).toBe(1);
      expect(laptop.text.length).toBe(30_000);
      phone.text.insert(0, "still live");
      await expect.poll(async () => (await phone.client.queued()).length).toBe(0);
      expect(phone.problems).toEqual([]);
    });
  }
});

describe("a document of the page's own", () => {
  test("is filled when its provider connects", async () => {
    const [laptop, phone] = await two();
    laptop.text.insert(0, "there");
    await expectText("there", phone);
    const desktop = client(server);
    await desktop.login((await laptop.client.status()).username ?? "", PASSWORD);
    await desktop.sync();
    const late = await open(desktop, laptop.provider.document.guid);
    const { document } = late.provider;
    expect([late.provider.status, late.text.toString()]).toEqual(["connecting", ""]);
    await expectText("there", late);
    await expectLive(late);
    late.text.insert(5, " too");
    await expectText("there too", laptop, phone);
    expect(await desktop.openDocument(document.guid)).toBe(document);
    await expect(desktop.openDocument(document.guid, new Y.Doc({ guid: document.guid }))).rejects.toThrow(RangeError);
    await expect(desktop.openDocument(document.guid, new Y.Doc())).rejects.toThrow(RangeError);
  });

  test("that is written into before it is filled has two histories, and both are kept", async () => {
    const [laptop, phone] = await two();
    laptop.text.insert(0, "theirs");
    await expectText("theirs", phone);
    const desktop = client(server);
    await desktop.login((await laptop.client.status()).username ?? "", PASSWORD);
    await desktop.sync();
    const late = await open(desktop, laptop.provider.document.guid);
    late.text.insert(0, "early ");
    await expect.poll(async () => (await desktop.conflicts()).length).toBe(1);
    const [conflict] = await desktop.conflicts();
    expect(conflict?.mine.content).toContain("early");
    await expectText("theirs", laptop, phone);
  });

  test("that this device does not have is a problem, and can be connected once it is here", async () => {
    const [laptop] = await two();
    const desktop = client(server);
    await desktop.login((await laptop.client.status()).username ?? "", PASSWORD);
    const late = await open(desktop, laptop.provider.document.guid);
    await expect.poll(() => late.provider.problem?.reason).toContain(laptop.provider.document.guid);
    expect(late.provider.status).toBe("disconnected");
    await desktop.sync();
    late.provider.connect();
    await expectLive(late);
    expect(late.provider.problem).toBeUndefined();
  });
});

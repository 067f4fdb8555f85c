// Live editing against the real server: what goes over the socket, what goes by batch after all, and that nothing is lost or twice.
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import WebSocket from "ws";
import type * as Y from "yjs";
import { BatchSyncService, LandfallProvider, MemoryStore, ROOT, type ClientOptions, type SocketMaker } from "../src/index.js";
import { TestServer } from "./support/server.js";

const PASSWORD = "correct horse battery";
const webSocket = WebSocket as unknown as SocketMaker;
let server: TestServer;
let users = 0;
const made: BatchSyncService[] = [];

beforeAll(async () => {
  server = await TestServer.start({ LANDFALL_RATE_LIMIT: "off" });
});
afterAll(() => server.stop());
afterEach(async () => {
  await Promise.all(made.splice(0).map((client) => client.close()));
});

function client(options: Partial<ClientOptions> = {}): BatchSyncService {
  const one = new BatchSyncService({
    url: server.url,
    store: new MemoryStore(),
    backoff: { baseMs: 20, capMs: 200 },
    webSocket,
    ...options,
  });
  made.push(one);
  return one;
}

/** One document on two devices of one user, open and connected on both. */
interface Device {
  client: BatchSyncService;
  doc: Y.Doc;
  text: Y.Text;
  provider: LandfallProvider;
}

async function device(of: BatchSyncService, id: string): Promise<Device> {
  const doc = await of.openDocument(id);
  return { client: of, doc, text: doc.getText(ROOT), provider: new LandfallProvider(of, doc) };
}

async function two(content = "", options: Partial<ClientOptions> = {}): Promise<[Device, Device, string]> {
  const name = `live-${(users += 1)}`;
  const [laptop, phone] = [client(options), client()];
  await laptop.register(name, PASSWORD);
  await phone.login(name, PASSWORD);
  const id = await laptop.queueCreate({ title: "Shared", content });
  await laptop.sync();
  await phone.sync();
  const devices: [Device, Device] = [await device(laptop, id), await device(phone, id)];
  await expectLive(...devices);
  return [...devices, id];
}

async function expectLive(...devices: Device[]): Promise<void> {
  for (const { provider } of devices) await expect.poll(() => provider.synced, { timeout: 20_000 }).toBe(true);
}

function type({ text }: Device, typed: string): void {
  for (const key of typed) text.insert(text.length, key);
}

async function expectText(text: string, ...devices: Device[]): Promise<void> {
  for (const device of devices) await expect.poll(() => device.text.toString(), { interval: 5, timeout: 20_000 }).toBe(text);
}

async function queued(of: BatchSyncService): Promise<number> {
  return (await of.queued()).length;
}

/** The text as the server has it, read by a device that has nothing yet. */
async function serverText({ client: of }: Device, id: string): Promise<string | undefined> {
  const { username } = await of.status();
  const reader = client();
  await reader.login(username ?? "", PASSWORD);
  await reader.sync();
  return (await reader.document(id))?.content;
}

/** A way to the server that can be cut and given back. */
async function wire(to: TestServer): Promise<{ url: string; cut: () => void; mend: () => void; close: () => void }> {
  const sockets = new Set<TcpSocket>();
  let isCut = false;
  const proxy = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(new URL(to.url).port), "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one);
      one.on("error", () => undefined).on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const close = (): void => {
    cut();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cut, mend: () => void (isCut = false), close };
}

describe("two devices in one document", () => {
  test("each sees the other's keys at once, on the server too, and no sync run is opened", async () => {
    const [laptop, phone, id] = await two("Dear ");
    const [synced, progress] = [vi.fn(), vi.fn()];
    laptop.client.on("synced", synced);
    laptop.client.on("progress", progress);
    type(laptop, "G");
    await expectText("Dear G", phone);
    type(laptop, "race");
    type(phone, "!");
    await expect.poll(() => phone.text.length).toBe("Dear Grace!".length);
    await expectText(phone.text.toString(), laptop);
    await expect.poll(() => queued(laptop.client)).toBe(0);
    await expect.poll(() => queued(phone.client)).toBe(0);
    expect(await serverText(laptop, id)).toBe(laptop.text.toString());
    expect(synced).not.toHaveBeenCalled();
    expect(progress).not.toHaveBeenCalled();
  });

  test("what came live is on the device", async () => {
    const [laptop, phone, id] = await two();
    type(laptop, "kept");
    await expectText("kept", phone);
    await expect.poll(async () => (await phone.client.document(id))?.content).toBe("kept");
  });

  test("the same key typed by both at one moment is there twice", async () => {
    const [laptop, phone] = await two();
    type(laptop, "a");
    type(phone, "a");
    await expectText("aa", laptop, phone);
    await Promise.all([laptop.client.sync(), phone.client.sync()]);
    await expectText("aa", laptop, phone);
  });

  test("each knows where the other is, until it goes", async () => {
    const [laptop, phone] = await two();
    laptop.provider.awareness.setLocalStateField("user", { name: "Ada", color: "#3366cc" });
    const there = () => phone.provider.awareness.getStates().get(laptop.doc.clientID)?.["user"];
    await expect.poll(there).toEqual({ name: "Ada", color: "#3366cc" });
    phone.provider.disconnect();
    expect(there()).toBeUndefined();
    phone.provider.connect();
    await expect.poll(there).toEqual({ name: "Ada", color: "#3366cc" });
    laptop.provider.disconnect();
    await expect.poll(there).toBeUndefined();
    laptop.provider.connect();
    await expect.poll(there).toEqual({ name: "Ada", color: "#3366cc" });
    laptop.doc.destroy();
    await expect.poll(there).toBeUndefined();
  });

  test("a sync in the middle of typing takes along what is not on its way, and nothing twice", async () => {
    const [laptop, phone, id] = await two();
    const results = vi.fn();
    laptop.client.on("result", results);
    for (let n = 0; n < 20; n += 1) {
      type(laptop, String(n % 10));
      if (n % 5 === 0) expect((await laptop.client.sync()).status).toBe("synced");
    }
    await laptop.client.queueUpdate(id, { title: "Counted" });
    expect((await laptop.client.sync()).status).toBe("synced");
    await expectText("01234567890123456789", phone);
    await expect.poll(() => queued(laptop.client)).toBe(0);
    await phone.client.sync();
    expect(await phone.client.document(id)).toMatchObject({ title: "Counted", content: "01234567890123456789" });
    // The title alone.
    expect(results).toHaveBeenCalledTimes(1);
  });
});

describe("what is done at once after typing", () => {
  test("a deletion and a new title clash with nothing", async () => {
    const [laptop, phone, id] = await two("Begun");
    type(laptop, ", and gone on");
    type(phone, "!");
    await expect.poll(() => laptop.text.length).toBe("Begun, and gone on!".length);
    await expectText(laptop.text.toString(), phone);
    await expect.poll(() => queued(laptop.client)).toBe(0);
    laptop.doc.destroy();
    await laptop.client.queueUpdate(id, { title: "Renamed" });
    expect(await laptop.client.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
    expect(await laptop.client.conflicts()).toEqual([]);
    type(phone, "!");
    await expect.poll(async () => (await serverText(phone, id))?.length).toBe(phone.text.length);
    await expect.poll(() => queued(phone.client)).toBe(0);
    phone.doc.destroy();
    await phone.client.queueDelete(id);
    expect(await phone.client.sync()).toMatchObject({ status: "synced", progress: { failed: 0 } });
    expect(await phone.client.conflicts()).toEqual([]);
    expect(await serverText(laptop, id)).toBeUndefined();
  });

  test("a deletion clashes with what was never seen here", async () => {
    const [laptop, phone, id] = await two("Begun");
    type(laptop, " and");
    await expectText("Begun and", phone);
    await expect.poll(() => queued(laptop.client)).toBe(0);
    laptop.doc.destroy();
    await laptop.client.queueDelete(id);
    type(phone, " unseen");
    await expect.poll(() => serverText(phone, id)).toBe("Begun and unseen");
    expect((await laptop.client.sync()).progress.failed).toBe(1);
    expect(await laptop.client.conflicts()).toHaveLength(1);
    expect(await serverText(phone, id)).toBe("Begun and unseen");
  });
});

describe("a connection that is lost", () => {
  test("in the middle of typing: what was in doubt goes by batch, every key is there once", async () => {
    const line = await wire(server);
    try {
      const [laptop, phone, id] = await two("", { url: line.url });
      for (let n = 0; n < 30; n += 1) {
        type(laptop, "l");
        type(phone, "p");
        if (n === 10) line.cut();
        if (n === 20) line.mend();
        await new Promise((done) => setTimeout(done, 5));
      }
      await expectLive(laptop, phone);
      await expect.poll(() => queued(laptop.client), { timeout: 20_000 }).toBe(0);
      await expect.poll(() => laptop.text.length, { timeout: 20_000 }).toBe(60);
      await expectText(laptop.text.toString(), phone);
      expect([...laptop.text.toString()].filter((key) => key === "l")).toHaveLength(30);
      expect(await serverText(phone, id)).toBe(laptop.text.toString());
    } finally {
      line.close();
    }
  });

  test("a server that is killed while both type: both come back, every key once", async () => {
    const other = await TestServer.start({ LANDFALL_RATE_LIMIT: "off" });
    const kept = server;
    server = other;
    try {
      const [laptop, phone, id] = await two();
      for (let n = 0; n < 40; n += 1) {
        type(laptop, "l");
        type(phone, "p");
        if (n === 15) await other.kill();
        if (n === 25) await other.restart();
        await new Promise((done) => setTimeout(done, 5));
      }
      await expectLive(laptop, phone);
      await expect.poll(() => laptop.text.length, { timeout: 20_000 }).toBe(80);
      await expectText(laptop.text.toString(), phone);
      await expect.poll(async () => (await queued(laptop.client)) + (await queued(phone.client))).toBe(0);
      expect(await serverText(laptop, id)).toBe(laptop.text.toString());
    } finally {
      await Promise.all(made.splice(0).map((one) => one.close()));
      server = kept;
      await other.stop();
    }
  });

  test("edited while disconnected, then connected: the queue goes first, as after any time offline", async () => {
    const [laptop, phone] = await two("[ ] milk");
    laptop.provider.disconnect();
    phone.provider.disconnect();
    for (const { text } of [laptop, phone]) {
      text.delete(1, 1);
      text.insert(1, "x");
    }
    await Promise.all([laptop.client.flush(), phone.client.flush()]);
    laptop.provider.connect();
    await expectLive(laptop);
    phone.provider.connect();
    await expectLive(phone);
    // Not [xx]: the same change was made on both.
    await expectText("[x] milk", laptop, phone);
    type(phone, "!");
    await expectText("[x] milk!", laptop);
  });
});

describe("where it cannot be had", () => {
  test("a proxy that refuses sockets: edits go by batch after a short pause", async () => {
    class Refused {
      readonly readyState = 3;
      binaryType = "";
      onopen = null;
      onmessage = null;
      onclose: ((event: never) => void) | null = null;
      onerror = null;
      constructor() {
        setTimeout(() => this.onclose?.({ code: 1006 } as never));
      }
      send(): void {}
      close(): void {}
    }
    const [laptop, phone, id] = await two();
    laptop.provider.disconnect();
    await laptop.client.close();
    const desktop = client({ webSocket: Refused });
    await desktop.login((await phone.client.status()).username ?? "", PASSWORD);
    await desktop.sync();
    const late = await device(desktop, id);
    // Until two handshakes have failed it may be a bad moment.
    await new Promise((done) => setTimeout(done, 300));
    type(late, "slow");
    // Nobody asked for a sync.
    await expectText("slow", phone);
    expect(late.provider.status).toBe("connecting");
    await expect.poll(() => queued(desktop)).toBe(0);
  });

  test("a document that the server has not got yet goes live once it has", async () => {
    const alone = client();
    await alone.register(`live-${(users += 1)}`, PASSWORD);
    const id = await alone.queueCreate({ title: "New" });
    const fresh = await device(alone, id);
    type(fresh, "first");
    await expectLive(fresh);
    expect((await alone.document(id))?.version).toBeGreaterThan(0);
    type(fresh, " and on");
    await expect.poll(() => queued(alone)).toBe(0);
    expect(await serverText(fresh, id)).toBe("first and on");
  });

  test("who may only read gets everything, and hears by batch that an edit is refused", async () => {
    const [laptop, , id] = await two("Read me");
    const guest = client();
    const name = `live-${(users += 1)}`;
    await guest.register(name, PASSWORD);
    const { workspace_id } = await laptop.client.status();
    await laptop.client.call("PUT", `/api/v1/workspaces/${workspace_id}/members/${name}`, { role: "viewer" });
    await guest.call("POST", `/api/v1/invitations/${workspace_id}/accept`, {});
    const reader = client({ workspaceId: workspace_id ?? "", token: (refresh) => guest.accessToken(refresh) });
    await reader.sync();
    const viewer = await device(reader, id);
    await expectLive(viewer);
    type(laptop, " now");
    await expectText("Read me now", viewer);
    type(viewer, "?");
    await expect.poll(() => queued(reader)).toBe(1);
    expect((await reader.sync()).status).toBe("refused");
    expect(await serverText(laptop, id)).toBe("Read me now");
  });

  test("a document that is deleted elsewhere", async () => {
    const [laptop, phone, id] = await two("Short-lived");
    await laptop.client.queueDelete(id);
    await laptop.client.sync();
    await expect.poll(() => phone.provider.synced).toBe(false);
    await expect.poll(() => phone.client.document(id)).toBeUndefined();
  });

  test("after a logout nothing is sent, after a login it goes on", async () => {
    const [laptop, phone] = await two();
    const username = (await laptop.client.status()).username ?? "";
    await laptop.client.logout();
    await expect.poll(() => laptop.provider.synced).toBe(false);
    type(laptop, "kept here");
    await laptop.client.flush();
    expect(await queued(laptop.client)).toBe(1);
    await laptop.client.login(username, PASSWORD);
    await laptop.client.sync();
    await expectLive(laptop);
    type(laptop, " until now");
    await expectText("kept here until now", phone);
  });

  test("a token that has run out is renewed", async () => {
    const [laptop, phone] = await two();
    laptop.provider.disconnect();
    let isStale = true;
    const outside = client({
      workspaceId: (await laptop.client.status()).workspace_id ?? "",
      token: async (refresh) => {
        isStale &&= !refresh;
        return isStale ? "not a token" : laptop.client.accessToken();
      },
    });
    // So that the first to ask is the socket.
    isStale = false;
    await outside.sync();
    isStale = true;
    const late = await device(outside, laptop.doc.guid);
    await expectLive(late);
    expect(isStale).toBe(false);
    type(late, "renewed");
    await expectText("renewed", phone);
  });
});

/**
 * What every test starts from: a real server on the project's database, and devices (browsers with nothing shared).
 *
 * @module
 */
import { expect, test as base, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";
import { Editor } from "../editor.js";
import { Complaints } from "./complaints.js";
import { Postgres } from "./postgres.js";
import { TestServer } from "./server.js";

export { expect };

/**
 * For journeys that run on Postgres as well, each through another part of the server. All else is the same to a page,
 * which cannot see the database: that both databases answer alike is for the tests of the API.
 */
export const onBoth = { tag: "@both" };

/** What a server keeps its data in. */
export type Database = "sqlite" | "postgres";

/** A browser of its own, with a page of the editor that is not open yet. */
export interface Device {
  context: BrowserContext;
  page: Page;
  editor: Editor;
  /** What its pages complain about; the test fails on what it did not expect. */
  complaints: Complaints;
}

/** What a project chooses. */
export interface Options {
  database: Database;
}

interface WorkerFixtures {
  /** A Postgres, if the project needs one. */
  postgres: Postgres | undefined;
}

interface Fixtures {
  /** More settings of the server (environment variables), by `test.use`. */
  settings: Record<string, string>;
  server: TestServer;
  /** Makes another device. */
  newDevice: (options?: BrowserContextOptions) => Promise<Device>;
  /** The first device. */
  device: Device;
}

/** Playwright's `test` with a server and devices. */
export const test = base.extend<Fixtures, WorkerFixtures & Options>({
  database: ["sqlite", { option: true, scope: "worker" }],
  postgres: [
    async ({ database }, use) => {
      const postgres = database === "postgres" ? await Postgres.start() : undefined;
      await use(postgres);
      await postgres?.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  settings: [{}, { option: true }],
  server: async ({ postgres, settings }, use, testInfo) => {
    const url = postgres?.createDatabase();
    const server = await TestServer.start(url === undefined ? settings : { LANDFALL_DATABASE_URL: url, ...settings });
    await use(server);
    await server.remove();
    if (url !== undefined) postgres?.dropDatabase(url);
    if (server.log !== "") await testInfo.attach("server.log", { body: server.log, contentType: "text/plain" });
    expect(server.log, "the server must not panic").not.toContain("panicked");
  },
  newDevice: async ({ browser, server }, use) => {
    const devices: Device[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      const complaints = await Complaints.of(context);
      const page = await context.newPage();
      const device = { context, page, editor: new Editor(page), complaints };
      devices.push(device);
      return device;
    });
    const complaints = devices.flatMap((device) => device.complaints.unexpected());
    for (const { context } of devices) await context.close();
    expect(complaints, "what the page complains about").toEqual([]);
  },
  device: async ({ newDevice }, use) => use(await newDevice()),
});

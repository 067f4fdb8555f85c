import { availableParallelism } from "node:os";
import { defineConfig } from "@playwright/test";
import type { Options } from "./support/fixtures.js";
import { browser } from "./support/browser.js";
import { chromiumForTests, landfall } from "./support/programs.js";

export default defineConfig<object, Options>({
  // Looked for here, so that a missing server is told once and not by every test.
  metadata: { server: landfall() },
  testDir: "tests",
  outputDir: "test-results",
  // Some of the tests do nothing but wait: for a tab that hangs, a session that ends, a page that tries again.
  workers: Math.min(availableParallelism() + 1, 4),
  fullyParallel: true,
  forbidOnly: process.env["CI"] !== undefined,
  retries: 0,
  // Only what hangs is to fail by time, on a machine that builds beside it too.
  timeout: 600_000,
  expect: { timeout: 90_000 },
  reporter: [["list"]],
  use: {
    ...browser,
    launchOptions: { ...browser.launchOptions, executablePath: chromiumForTests() },
    actionTimeout: 90_000,
    // Without a film of the page, which costs more than the rest and shows what the snapshots show.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "sqlite", use: { database: "sqlite" } },
    { name: "postgres", use: { database: "postgres" }, grep: /@both/ },
  ],
});

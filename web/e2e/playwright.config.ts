import { defineConfig } from "@playwright/test";
import type { Options } from "./support/fixtures.js";
import { browser } from "./support/browser.js";
import { landfall } from "./support/programs.js";

export default defineConfig<object, Options>({
  // Looked for here, so that a missing server is told once and not by every test.
  metadata: { server: landfall() },
  testDir: "tests",
  outputDir: "test-results",
  workers: 2,
  fullyParallel: true,
  forbidOnly: process.env["CI"] !== undefined,
  retries: 0,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    ...browser,
    actionTimeout: 30_000,
    // Without a film of the page, which costs more than the rest and shows what the snapshots show.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "sqlite", use: { database: "sqlite" } },
    // How the page is delivered, who can use it and what a device keeps is the same on every database.
    { name: "postgres", use: { database: "postgres" }, testIgnore: /(page|everybody|new-version|store|leader|live-editors)\.spec\.ts$/ },
  ],
});

import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser.js";
import type { Options } from "./support/fixtures.js";

/** Takes the pictures of the documentation; no tests. */
export default defineConfig<object, Options>({
  testDir: "pictures",
  outputDir: "test-results",
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: { ...browser, database: "sqlite" },
});

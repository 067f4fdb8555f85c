import { defineConfig, mergeConfig } from "vitest/config";
import viteConfig from "./vite.config.ts";

export default mergeConfig(
  viteConfig,
  defineConfig({
    test: {
      include: ["test/**/*.test.{ts,tsx}"],
      // happy-dom, with requests that reach a real server on another origin.
      environment: "../react/test/environment.ts",
      // Only what hangs is to fail by time.
      testTimeout: 120_000,
      hookTimeout: 60_000,
      // A test that cannot pass alone is not a test.
      sequence: { shuffle: { files: false, tests: true } },
    },
  }),
);

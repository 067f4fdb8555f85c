import { defineConfig, mergeConfig } from "vitest/config";
import viteConfig from "./vite.config.ts";

export default mergeConfig(
  viteConfig,
  defineConfig({
    test: {
      include: ["test/**/*.test.{ts,tsx}"],
      environment: "happy-dom",
      testTimeout: 30_000,
      // A test that cannot pass alone is not a test.
      sequence: { shuffle: { files: false, tests: true } },
    },
  }),
);

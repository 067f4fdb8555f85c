import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Only what hangs is to fail by time.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // A test that cannot pass alone is not a test.
    sequence: { shuffle: { files: false, tests: true } },
  },
});

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    // A test that cannot pass alone is not a test.
    sequence: { shuffle: { files: false, tests: true } },
  },
});

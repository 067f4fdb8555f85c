import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  // The sources of both packages, so that nothing has to be built first.
  resolve: {
    alias: [
      { find: /^@landfall\/client$/, replacement: path("../client/src/index.ts") },
      { find: /^@landfall\/client\/workspace$/, replacement: path("../client/src/workspace.ts") },
      { find: /^@landfall\/react$/, replacement: path("src/index.ts") },
    ],
    dedupe: ["react", "react-dom", "yjs"],
  },
  test: {
    environment: "./test/environment.ts",
    include: ["test/**/*.test.{ts,tsx}"],
    // Only what hangs is to fail by time.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    sequence: { shuffle: { files: false, tests: true } },
  },
});

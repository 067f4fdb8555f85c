import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { precache } from "./precache.ts";

const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react(), precache({ worker: "src/service-worker.ts" })],
  resolve: {
    // The packages as they are written, so that a build needs no other build first.
    alias: {
      "@landfall/client/workspace": from("../client/src/workspace.ts"),
      "@landfall/client": from("../client/src/index.ts"),
      "@landfall/react": from("../react/src/index.ts"),
    },
    // One Yjs for the page: two of them do not recognise each other's types.
    dedupe: ["yjs", "react", "react-dom"],
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // A data: address in a style sheet would need a hole in the page's policy.
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:7001" } },
});

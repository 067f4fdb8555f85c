import { defineConfig } from "vite";

// The server is another one than Vite's while developing.
export default defineConfig({
  build: { target: "es2022" },
  server: { proxy: { "/api": "http://127.0.0.1:7001" } },
});

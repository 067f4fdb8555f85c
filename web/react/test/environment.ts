// A page by happy-dom, with Node's own requests: the tests speak with a real server, on another origin and by streams.
import { builtinEnvironments, type Environment } from "vitest/runtime";

const OWN = ["fetch", "Request", "Response", "Headers", "AbortController", "AbortSignal", "BroadcastChannel"] as const;

export default {
  name: "page",
  viteEnvironment: "client",
  async setup(global: typeof globalThis, options) {
    const own = OWN.map((name) => [name, global[name]] as const);
    const page = await builtinEnvironments["happy-dom"].setup(global, options);
    for (const [name, value] of own) Object.defineProperty(global, name, { value, configurable: true, writable: true });
    return page;
  },
} satisfies Environment;

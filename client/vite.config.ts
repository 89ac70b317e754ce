/**
 * Builds the client into the Python package that serves it, with hashed names.
 *
 * `TERMHUB_URL=http://127.0.0.1:8000 npm run dev` serves the sources instead and passes
 * `/api` on to a running hub.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const hub = process.env.TERMHUB_URL ?? "http://127.0.0.1:8000";
const root = fileURLToPath(new URL("..", import.meta.url));

export default defineConfig({
  base: "/",
  build: {
    outDir: "../termhub/gateways/web/static",
    emptyOutDir: true,
    target: "es2022",
    // Every file stays a file: the content security policy allows no data: URLs for code or style.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    fs: { allow: [root] },
    // The hub lets in pages of its own origin only; to it this one is.
    proxy: {
      "/api": { target: hub, ws: true, changeOrigin: true, headers: { origin: new URL(hub).origin } },
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    // Nothing waits for time; this only bounds what went wrong, also on a busy machine.
    testTimeout: 60_000,
  },
});

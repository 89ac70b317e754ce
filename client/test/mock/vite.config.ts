/**
 * The page with a fake hub behind it: `npm run mock` serves the sources, `npm run mock:built` the
 * built client with the content security policy of the real server.  Log in with /#login=let-me-in.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin, type PreviewServer, type ViteDevServer } from "vite";
import { FakeHub } from "../support/fake-hub.ts";

const client = fileURLToPath(new URL("../..", import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

function fakeHub(): Plugin {
  const hub = new FakeHub();
  hub.create({ name: "demo" });
  hub.create({ name: "numbers", program: "ipython" }).window(0).print("lines");
  const install = ({ middlewares, httpServer }: ViteDevServer | PreviewServer) => {
    middlewares.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (process.env.POLICY) response.setHeader("Content-Security-Policy", POLICY);
      if (!hub.handle(request, response)) next();
    });
    httpServer?.on("upgrade", (request, socket, head) => void hub.upgrade(request, socket, head));
  };
  return { name: "fake-hub", configureServer: install, configurePreviewServer: install };
}

export default defineConfig({
  root: client,
  plugins: [fakeHub()],
  server: { fs: { allow: [fileURLToPath(new URL("../../..", import.meta.url))] } },
  build: { outDir: "../termhub/gateways/web/static" },
});

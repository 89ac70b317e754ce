/**
 * A hub and its consoles, small, for tests and for looking at the page without a server.
 *
 * It speaks "Hub and client" of docs/protocol.md over real sockets.  A console runs a toy program:
 * a prompt that echoes, and a few commands (`help` lists them).
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import {
  ACK,
  accepted,
  CONSOLE,
  Decoder,
  EVENT,
  encodeJson,
  HELLO,
  INPUT,
  type JsonObject,
  keyframes,
  output,
  parseAck,
  parseInput,
  parseJson,
  parseResize,
  REPLY,
  REQUEST,
  RESIZE,
  resize,
} from "../../src/frames.ts";
import { FakeAccount } from "./fake-account.ts";
import { FakeKeys } from "./fake-keys.ts";
import { FakeWindow } from "./fake-window.ts";

const WINDOW_BYTES = 256 * 1024;

interface View {
  readonly socket: WebSocket;
  readonly viewer: bigint;
  /** Offset sent and acknowledged of each window looked at. */
  readonly sent: Map<number, number>;
  readonly acked: Map<number, number>;
}

/** A console and its viewers. */
export class FakeConsole {
  readonly windows = new Map<number, FakeWindow>();
  readonly views = new Set<View>();
  readonly acknowledged: number[] = [];
  readonly created = Date.now() / 1000;
  state = "running";
  reason: string | null = null;
  policy = "latest";
  /** Input frames are thrown away while true, as if the hub had died with them. */
  deaf = false;

  constructor(
    readonly id: string,
    public name: string,
    readonly program: string,
    readonly image: string,
    cols = 80,
    rows = 24,
  ) {
    this.open([program], cols, rows);
  }

  open(argv: string[], cols: number, rows: number, number = this.windows.size): FakeWindow {
    const window = new FakeWindow(this, number, argv, cols, rows);
    this.windows.set(number, window);
    this.broadcast(number, { type: "opened", argv });
    window.print("Toy 1.0 — help lists the commands\r\n>>> ");
    return window;
  }

  window(number: number): FakeWindow {
    const window = this.windows.get(number);
    if (window === undefined) throw new Error(`no window ${number}`);
    return window;
  }

  describe(): JsonObject {
    const { id, name, program, image, state, reason, created } = this;
    return { id, name, program, image, state, reason, created, last_activity: created, isolation: "none" };
  }

  broadcast(number: number, event: JsonObject): void {
    for (const { socket } of this.views) socket.send(encodeJson(EVENT, number, event));
  }

  resized(number: number, cols: number, rows: number): void {
    for (const view of this.views) {
      if (!view.sent.has(number)) continue;
      view.socket.send(resize(number, cols, rows));
      void this.sendKeyframe(view, number, 0);
    }
  }

  /** Sends each viewer what it may have. */
  flush(number: number): void {
    const window = this.windows.get(number);
    if (window === undefined) return;
    for (const view of this.views) {
      const sent = view.sent.get(number);
      if (sent === undefined || window.end === sent) continue;
      const acked = view.acked.get(number) ?? 0;
      if (window.end - acked > WINDOW_BYTES) {
        // It is skipped once nothing is under way any more; see the ACK.
        if (acked >= sent) this.skip(view, number);
        continue;
      }
      view.socket.send(output(number, sent, window.read(sent)));
      view.sent.set(number, window.end);
    }
  }

  async sendKeyframe(view: View, number: number, scrollback: number | null): Promise<void> {
    const window = this.window(number);
    const { offset, data } = await window.keyframe(scrollback);
    const { cols, rows } = window.terminal;
    for (const frame of keyframes(number, offset, cols, rows, data)) view.socket.send(frame);
    view.sent.set(number, offset);
    view.acked.set(number, offset);
    this.flush(number);
  }

  private skip(view: View, number: number): void {
    view.sent.delete(number);
    void this.sendKeyframe(view, number, 0);
  }

  /** Drops all connections, as a hub does that dies. */
  drop(): void {
    for (const { socket } of this.views) socket.terminate();
  }

  attach(socket: WebSocket): void {
    const decoder = new Decoder();
    let view: View | null = null;
    socket.on("message", (data: RawData) => {
      for (const frame of decoder.feed(data as Buffer)) {
        if (frame.type === HELLO) view = this.hello(socket, parseJson(frame.payload));
        else if (view !== null)
          this.frame(view, frame.type, frame.window, frame.payload as Uint8Array<ArrayBuffer>);
      }
    });
    socket.on("close", () => {
      if (view !== null) this.views.delete(view);
      this.broadcast(CONSOLE, { type: "viewers", count: this.views.size });
    });
  }

  private hello(socket: WebSocket, hello: JsonObject): View {
    const view: View = { socket, viewer: BigInt(`0x${hello.viewer}`), sent: new Map(), acked: new Map() };
    this.views.add(view);
    const windows = [...this.windows.values()].map((window) => ({
      window: window.number,
      argv: window.argv,
      offset: window.end,
      cols: window.terminal.cols,
      rows: window.terminal.rows,
      title: window.title,
      exit: window.exit,
    }));
    const console = this.describe();
    socket.send(
      encodeJson(HELLO, CONSOLE, { version: 1, console, role: "owner", policy: this.policy, windows }),
    );
    for (const [number, since] of Object.entries(hello.windows as Record<string, number | null>)) {
      this.subscribe(view, Number(number), since);
    }
    this.broadcast(CONSOLE, { type: "viewers", count: this.views.size });
    return view;
  }

  private subscribe(view: View, number: number, since: number | null): void {
    if (!this.windows.has(number)) return;
    if (since === null) return void this.sendKeyframe(view, number, 0);
    view.sent.set(number, since);
    view.acked.set(number, since);
    this.flush(number);
  }

  private frame(view: View, type: number, number: number, payload: Uint8Array<ArrayBuffer>): void {
    if (type === ACK) {
      const offset = parseAck(payload);
      this.acknowledged.push(offset);
      view.acked.set(number, offset);
      this.flush(number);
    } else if (type === INPUT && !this.deaf) {
      this.input(view, this.window(number), payload);
    } else if (type === RESIZE) {
      const { cols, rows } = parseResize(payload);
      const window = this.windows.get(number);
      const same = window?.terminal.cols === cols && window.terminal.rows === rows;
      if (!same && this.policy === "latest") window?.resize(cols, rows);
    } else if (type === REQUEST) {
      void this.request(view, parseJson(payload));
    }
  }

  private input(view: View, window: FakeWindow, payload: Uint8Array<ArrayBuffer>): void {
    const { viewer, sequence, data } = parseInput(payload);
    const expected = window.expected.get(viewer) ?? sequence;
    if (sequence <= expected && sequence + data.length > expected) {
      window.expected.set(viewer, sequence + data.length);
      window.input(new TextDecoder().decode(data.subarray(expected - sequence)));
    }
    view.socket.send(accepted(window.number, viewer, window.expected.get(viewer) ?? expected));
  }

  private async request(view: View, request: JsonObject): Promise<void> {
    const number = Number(request.window);
    const reply = (fields: JsonObject) =>
      view.socket.send(encodeJson(REPLY, CONSOLE, { id: request.id, ...fields }));
    switch (request.op) {
      case "ping":
        return reply({ ok: true, t: request.t });
      case "subscribe":
        reply({ ok: true });
        return this.subscribe(view, number, request.since as number | null);
      case "unsubscribe":
        view.sent.delete(number);
        return reply({ ok: true });
      case "keyframe":
        reply({ ok: true, offset: this.window(number).end });
        return this.sendKeyframe(view, number, request.scrollback as number | null);
      case "open": {
        const known = this.windows.get(number);
        const argv = [String(request.program ?? known?.argv[0] ?? this.program)];
        const window = this.open(argv, Number(request.cols), Number(request.rows), known && number);
        return reply({ ok: true, window: window.number });
      }
      case "close":
        this.windows.get(number)?.stop();
        this.windows.delete(number);
        reply({ ok: true });
        return this.broadcast(number, { type: "closed" });
      case "policy":
        this.policy = String(request.policy);
        return reply({ ok: true });
      default:
        return reply({ ok: false, code: "unknown_op", error: `There is no ${String(request.op)}.` });
    }
  }
}

const LOGIN_LINK = "let-me-in";
const COOKIE = "termhub_session=1";

/** The REST part, one person's. */
export class FakeHub {
  readonly consoles: FakeConsole[] = [];
  private readonly sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "termhub.v1" });
  private readonly keys = new FakeKeys();
  private readonly account = new FakeAccount();
  private next = 1;

  create(wanted: {
    name?: string;
    program?: string;
    image?: string;
    cols?: number;
    rows?: number;
  }): FakeConsole {
    const { program = "python", image = "3.13", cols, rows } = wanted;
    const id = `c-${String(this.next++).padStart(10, "a")}`;
    const console = new FakeConsole(id, wanted.name ?? `console-${this.next}`, program, image, cols, rows);
    this.consoles.push(console);
    return console;
  }

  find(key: string): FakeConsole | undefined {
    return this.consoles.find(({ id, name }) => id === key || name === key);
  }

  close(): void {
    for (const console of this.consoles) {
      for (const window of console.windows.values()) window.stop();
      console.drop();
    }
    this.sockets.close();
  }

  /** Answers requests under `/api/v1`; false for others. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (!path.startsWith("/api/v1/")) return false;
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const fields = body === "" ? {} : (JSON.parse(body) as Record<string, string>);
      const [status, value] = this.answer(request, path.slice(7), fields);
      const type = status >= 400 ? "application/problem+json" : "application/json";
      const cookie =
        path.endsWith("/login") && status < 300 ? { "Set-Cookie": `${COOKIE}; Path=/; HttpOnly` } : {};
      response.writeHead(status, { "Content-Type": type, ...cookie });
      response.end(status === 204 ? undefined : JSON.stringify(value));
    });
    return true;
  }

  /** Upgrades `/api/v1/consoles/ID/attach`. */
  upgrade(request: IncomingMessage, socket: import("node:stream").Duplex, head: Buffer): boolean {
    const [, key] = /^\/api\/v1\/consoles\/([^/]+)\/attach$/.exec(request.url ?? "") ?? [];
    if (key === undefined) return false;
    this.sockets.handleUpgrade(request, socket, head, (client) => {
      const console = this.find(key);
      if (console === undefined) client.close(4004, "There is no such console.");
      else console.attach(client);
    });
    return true;
  }

  private answer(
    request: IncomingMessage,
    path: string,
    fields: Record<string, string>,
  ): [number, JsonObject] {
    const { method } = request;
    if (path === "/login") {
      const right = fields.link === LOGIN_LINK || fields.password === "secret";
      return right
        ? [200, { name: "ada" }]
        : [401, { code: "not_logged_in", detail: "Name or password is wrong." }];
    }
    if (path === "/logout") return [204, {}];
    if (path === "/server")
      return [200, { version: "0", ssh: "ssh -p 2222 console@localhost", guests: true }];
    const cookies = request.headers.cookie ?? "";
    if (!cookies.includes(COOKIE)) return [401, { code: "not_logged_in", detail: "Log in first." }];
    const now = Date.now() / 1000;
    if (path === "/me" && method === "GET")
      return [
        200,
        {
          name: "ada",
          plan: "free",
          created: now - 864e3,
          is_admin: true,
          has_password: true,
          expires: null,
        },
      ];
    if (path === "/images") {
      return [
        200,
        { images: [{ name: "3.13", version: "3.13.5", source: "pyenv", programs: ["python", "bash"] }] },
      ];
    }
    if (path === "/consoles" && method === "GET") {
      return [200, { consoles: this.consoles.map((console) => console.describe()) }];
    }
    if (path === "/consoles") {
      if (this.find(fields.name ?? "") !== undefined)
        return [409, { code: "name_taken", detail: "The name is taken." }];
      return [201, this.create(fields).describe()];
    }
    const ofKeys = this.keys.answer(method ?? "", path, fields);
    if (ofKeys !== null) return ofKeys;
    const ofAccount = this.account.answer(method ?? "", path, fields);
    if (ofAccount !== null) return ofAccount;
    const console = this.find(decodeURIComponent(path.split("/")[2] ?? ""));
    if (console === undefined) return [404, { code: "no_such_console", detail: "There is no such console." }];
    if (method === "PATCH") {
      console.name = fields.name ?? console.name;
      console.broadcast(CONSOLE, { type: "renamed", name: console.name });
    } else if (method === "DELETE") {
      return this.end(console);
    }
    return [200, console.describe()];
  }

  private end(console: FakeConsole): [number, JsonObject] {
    if (console.state === "ended") this.consoles.splice(this.consoles.indexOf(console), 1);
    console.state = "ended";
    console.reason = "ended by its owner";
    console.broadcast(CONSOLE, { type: "state", state: "ended", reason: console.reason });
    return [204, {}];
  }
}

/** A fake hub on a free port. */
export async function serve(
  hub: FakeHub,
): Promise<{ server: Server; port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (!hub.handle(request, response)) response.writeHead(404).end();
  });
  server.on("upgrade", (request, socket, head) => {
    if (!hub.upgrade(request, socket, head)) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      hub.close();
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { server, port: (server.address() as AddressInfo).port, close };
}

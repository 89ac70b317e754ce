/** The session over real sockets against the fake hub, with a real terminal's parser. */

import headless from "@xterm/headless";
import { afterEach, beforeEach, expect, it } from "vitest";
import WebSocket from "ws";
import { Session } from "../src/session.ts";
import type { Clock } from "../src/session-types.ts";
import type { Display } from "../src/viewer.ts";
import { type FakeConsole, FakeHub, serve } from "./support/fake-hub.ts";
import { bytes, Recorder } from "./support/fakes.ts";

const clock: Clock = {
  now: () => performance.now(),
  later: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => 0,
};

let served: Awaited<ReturnType<typeof serve>>;
let console_: FakeConsole;
const sessions: Session[] = [];

beforeEach(async () => {
  const hub = new FakeHub();
  console_ = hub.create({ name: "demo" });
  served = await serve(hub);
});

afterEach(async () => {
  for (const session of sessions.splice(0)) session.stop();
  await served.close();
});

class HeadlessDisplay implements Display {
  readonly terminal = new headless.Terminal({
    cols: 80,
    rows: 24,
    scrollback: 10_000,
    allowProposedApi: true,
  });

  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows);
  }

  write(data: Uint8Array, done: () => void): void {
    this.terminal.write(data, done);
  }

  get lines(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from(
      { length: active.length },
      (_, y) => active.getLine(y)?.translateToString(true).trimEnd() ?? "",
    );
  }
}

function attach(): { session: Session; display: HeadlessDisplay; recorder: Recorder } {
  const recorder = new Recorder();
  const display = new HeadlessDisplay();
  const session = new Session({
    clock,
    viewer: BigInt(sessions.length + 7),
    events: recorder,
    connect: (events) => {
      const socket = new WebSocket(`ws://127.0.0.1:${served.port}/api/v1/consoles/demo/attach`, "termhub.v1");
      socket.on("open", () => events.opened());
      socket.on("message", (data) => events.received(new Uint8Array(data as Buffer)));
      socket.on("close", (code, reason) => events.closed(code, reason.toString()));
      socket.on("error", () => undefined);
      return { send: (data) => socket.send(data), close: () => socket.close() };
    },
  });
  sessions.push(session);
  session.show(0, display);
  session.start();
  return { session, display, recorder };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

it("shows a prompt, and what is typed", async () => {
  const { session, display } = attach();
  await until(() => display.lines.includes(">>>"));
  session.type(0, bytes("6*7\r"));
  await until(() => display.lines.includes("42"));
});

it("goes on after broken connections without a gap, and types everything once", async () => {
  const { session, display, recorder } = attach();
  await until(() => recorder.welcomes === 1);
  let typed = "";
  for (let round = 1; round <= 5; round += 1) {
    for (let n = 0; n < 40; n += 1) {
      const line = `word-${round}-${n}\r`;
      typed += line;
      session.type(0, bytes(line));
    }
    await until(() => console_.window(0).typed.length > typed.length - 300);
    console_.drop();
    await until(() => recorder.welcomes > round);
  }
  await until(() => session.unacceptedBytes(0) === 0);
  expect(console_.window(0).typed).toBe(typed);
  await until(() => display.lines.some((line) => line.includes("word-5-39")));
  const numbers = display.lines.flatMap((line) => /^>>> (word-\d+-\d+)$/.exec(line)?.[1] ?? []);
  expect(numbers.join("\r")).toBe(typed.trimEnd());
});

it("sends again what a hub took with it when it died", async () => {
  const { session, recorder } = attach();
  await until(() => recorder.welcomes === 1);
  console_.deaf = true;
  session.type(0, bytes("lost and found"));
  console_.drop();
  console_.deaf = false;
  await until(() => session.unacceptedBytes(0) === 0 && recorder.welcomes === 2);
  expect(console_.window(0).typed).toBe("lost and found");
});

it("skips to a keyframe when it cannot keep up, and then shows what is there", async () => {
  const { session, display } = attach();
  await until(() => display.lines.includes(">>>"));
  console_.window(0).print(`${"y".repeat(78)}\r\n`.repeat(20_000));
  console_.window(0).print("the end\r\n");
  await until(() => display.lines.includes("the end"));
  expect(session.viewer(0)?.stale).toBe(false);
});

it("brings all scrollback when it is asked for", async () => {
  console_.window(0).input("lines 500\r");
  const { session, display, recorder } = attach();
  await until(() => recorder.drawings.length === 1);
  expect(display.lines).not.toContain("line 0");
  await session.requestHistory(0);
  await until(() => recorder.drawings.length === 2);
  for (const line of ["line 0", "line 499"]) expect(display.lines).toContain(line);
});

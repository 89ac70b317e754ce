/**
 * What a session is given and what it tells; and the hub's HELLO, checked.
 */

import type { Bytes } from "./frames.ts";
import { FrameError, type JsonObject, VERSION } from "./frames.ts";
import type { DrawnKeyframe } from "./viewer.ts";

/** An open socket, as the session needs it. */
export interface Socket {
  send(data: Bytes): void;
  close(code: number, reason: string): void;
}

/** What a socket tells the session. */
export interface SocketEvents {
  opened(): void;
  received(data: Uint8Array): void;
  closed(code: number, reason: string): void;
}

/** Time and chance. */
export interface Clock {
  /** Milliseconds that only go forward. */
  now(): number;
  /** Calls `callback` after `milliseconds`; returns what cancels it. */
  later(milliseconds: number, callback: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}

/** Where a session stands. */
export type SessionState =
  | { readonly name: "connecting"; readonly attempt: number }
  | { readonly name: "attached" }
  | { readonly name: "waiting"; readonly attempt: number; readonly until: number; readonly reason: string }
  | { readonly name: "closed"; readonly cause: CloseCause; readonly reason: string };

export type CloseCause =
  | "detached"
  /** Another viewer wants to be the only one. */
  | "detached_by_other"
  /** The share that let this person in has ended, or an owner removed them. */
  | "not_shared"
  | "not_allowed"
  | "no_such_console"
  | "protocol"
  | "not_logged_in";

/** A window as the hub describes it. */
export interface WindowInfo {
  readonly window: number;
  readonly argv: readonly string[];
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
  readonly title: string;
  readonly exit: JsonObject | null;
}

/** The hub's HELLO. */
export interface Welcome {
  readonly console: JsonObject;
  readonly role: string;
  readonly policy: string;
  readonly windows: readonly WindowInfo[];
  /** All of it; {@link Room} reads what it says of people. */
  readonly hello: JsonObject;
}

/** What a session tells the page. */
export interface SessionEvents {
  state(state: SessionState): void;
  welcome(welcome: Welcome): void;
  /** A host's or hub's event; `window` is {@link CONSOLE} for the whole console. */
  event(window: number, event: JsonObject): void;
  /** The size of a window is now this; its keyframe follows. */
  size(window: number, cols: number, rows: number): void;
  /** A keyframe has been drawn. */
  drawn(window: number, keyframe: DrawnKeyframe): void;
  /** The terminal of a window has stopped working: give {@link Session.replace} another. */
  stuck(window: number): void;
  /** Round trip to the hub, in milliseconds. */
  latency(milliseconds: number): void;
}

/** Why nothing could be opened, found out by asking over HTTP. */
export type Diagnosis = "retry" | CloseCause;

export interface SessionOptions {
  readonly connect: (events: SocketEvents) => Socket;
  readonly clock: Clock;
  readonly viewer: bigint;
  readonly events: SessionEvents;
  /** Asked when a connection fails before HELLO; a socket does not say why. */
  readonly diagnose?: () => Promise<Diagnosis>;
}

/** The hub's HELLO, checked. */
export function parseWelcome(hello: JsonObject): Welcome {
  if (hello.version !== VERSION) {
    throw new FrameError(`the server speaks version ${String(hello.version)}, this page ${VERSION}`);
  }
  const windows = Array.isArray(hello.windows) ? (hello.windows as JsonObject[]) : [];
  return {
    console: (hello.console ?? {}) as JsonObject,
    role: typeof hello.role === "string" ? hello.role : "observer",
    policy: typeof hello.policy === "string" ? hello.policy : "latest",
    windows: windows.map(parseWindow),
    hello,
  };
}

function parseWindow(window: JsonObject): WindowInfo {
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  return {
    window: number(window.window),
    argv: Array.isArray(window.argv) ? window.argv.map(String) : [],
    offset: number(window.offset),
    cols: number(window.cols) || 80,
    rows: number(window.rows) || 24,
    title: typeof window.title === "string" ? window.title : "",
    exit: typeof window.exit === "object" ? (window.exit as JsonObject | null) : null,
  };
}

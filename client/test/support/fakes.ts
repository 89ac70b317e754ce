/** Stand-ins for what is passed in: a clock that stands still, sockets and displays that record. */

import {
  type Bytes,
  Decoder,
  encodeJson,
  type Frame,
  HELLO,
  type JsonObject,
  parseJson,
} from "../../src/frames.ts";
import type { Clock, SessionEvents, SessionState, Socket, SocketEvents } from "../../src/session-types.ts";
import type { Display } from "../../src/viewer.ts";

/** A clock that moves when told to. */
export class FakeClock implements Clock {
  time = 0;
  chance = 1;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  later(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.time + milliseconds, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return this.chance;
  }

  /** Lets time pass, and what promises wait for happen. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((other) => other !== due);
      this.time = due.at;
      due.callback();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything that is resolved take effect. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  readonly sent: Frame[] = [];
  closedWith: number | null = null;
  private readonly decoder = new Decoder();

  constructor(readonly events: SocketEvents) {}

  send(data: Bytes): void {
    this.sent.push(...this.decoder.feed(data));
  }

  close(code: number): void {
    this.closedWith = code;
  }

  /** Sent frames of one type, with JSON opened. */
  json(type: number): JsonObject[] {
    return this.sent.filter((frame) => frame.type === type).map(({ payload }) => parseJson(payload));
  }

  receive(...frames: Uint8Array[]): void {
    for (const frame of frames) this.events.received(frame);
  }

  /** Opens, and lets the hub say hello. */
  welcome(changes: JsonObject = {}): void {
    this.events.opened();
    const window = {
      window: 0,
      argv: ["/usr/bin/python3"],
      offset: 0,
      cols: 80,
      rows: 24,
      title: "",
      exit: null,
    };
    const hello = { version: 1, console: {}, role: "owner", policy: "latest", windows: [window] };
    this.receive(encodeJson(HELLO, 0xffff, { ...hello, ...changes }));
  }
}

/** A terminal that records what it is given; writes are processed when the test says so. */
export class FakeDisplay implements Display {
  size: string[] = [];
  written = "";
  private waiting: (() => void)[] = [];

  /** @param immediate process each write at once */
  constructor(private readonly immediate = true) {}

  resize(cols: number, rows: number): void {
    this.size.push(`${cols}x${rows}@${this.written.length}`);
  }

  write(data: Uint8Array, done: () => void): void {
    const process = () => {
      this.written += new TextDecoder("latin1").decode(data);
      done();
    };
    if (this.immediate) process();
    else this.waiting.push(process);
  }

  get waitingWrites(): number {
    return this.waiting.length;
  }

  /** Processes what waits, and what comes while doing so. */
  process(writes = Number.POSITIVE_INFINITY): void {
    for (let n = 0; n < writes; n += 1) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      next();
    }
  }
}

/** Session events as a list of words. */
export class Recorder implements SessionEvents {
  readonly states: SessionState[] = [];
  readonly events: JsonObject[] = [];
  readonly sizes: string[] = [];
  readonly drawings: string[] = [];
  readonly latencies: number[] = [];
  readonly stuckWindows: number[] = [];
  welcomes = 0;

  get stateNames(): string {
    return this.states.map(({ name }) => name).join(" ");
  }

  state(state: SessionState): void {
    this.states.push(state);
  }

  welcome(): void {
    this.welcomes += 1;
  }

  event(window: number, event: JsonObject): void {
    this.events.push({ window, ...event });
  }

  size(window: number, cols: number, rows: number): void {
    this.sizes.push(`${window}: ${cols}x${rows}`);
  }

  drawn(window: number, keyframe: { offset: number; history: boolean }): void {
    this.drawings.push(`${window}@${keyframe.offset}${keyframe.history ? " with history" : ""}`);
  }

  stuck(window: number): void {
    this.stuckWindows.push(window);
  }

  latency(milliseconds: number): void {
    this.latencies.push(milliseconds);
  }
}

/** `text` as bytes, one a character. */
export function bytes(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Numbers in [0, 1) that are the same each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

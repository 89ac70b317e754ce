/**
 * One connection to a console, kept up across everything that can break it.
 *
 * The session speaks "Hub and client" of docs/protocol.md: HELLO, output and keyframes into the
 * viewers of the windows it shows, input out of their buffers, requests, events, a ping for the
 * latency.  When the connection breaks it comes back with the offsets it has and the same viewer
 * number, and sends again what was not accepted.  No DOM: the socket, the clock and the dice are
 * passed in.
 *
 * States: connecting → attached → (waiting → connecting)* → closed.
 */

import {
  ACCEPTED,
  ack,
  type Bytes,
  CONSOLE,
  Decoder,
  EVENT,
  encodeJson,
  type Frame,
  FrameError,
  HELLO,
  type JsonObject,
  KEYFRAME,
  OUTPUT,
  parseAccepted,
  parseJson,
  parseResize,
  REPLY,
  REQUEST,
  RESIZE,
  resize,
  VERSION,
} from "./frames.ts";
import { RequestError, Requests } from "./requests.ts";
import {
  type CloseCause,
  type Diagnosis,
  parseWelcome,
  type SessionOptions,
  type SessionState,
  type Socket,
  type Welcome,
} from "./session-types.ts";
import { Typing } from "./typing.ts";
import { type Display, Viewer } from "./viewer.ts";

const TICK_MS = 1000;
const PING_MS = 4000;
const SILENCE_MS = 12_000;
const CONNECT_MS = 10_000;
const STALE_MS = 2500;
/** In ticks, not in time: a hidden page's timers are slowed down, its terminal's and ours alike. */
const STUCK_TICKS = 10;
const BACK_OFF_MS = 250;
const BACK_OFF_LIMIT_MS = 8000;
const PROTOCOL_ERRORS = 3;

interface Shown {
  readonly viewer: Viewer;
  visible: boolean;
  staleSince: number | null;
  /** Ticks for which the terminal had something to do and did nothing. */
  stillTicks: number;
  processedThen: number;
}

/** Milliseconds to wait before attempt `attempt` (from 1), with jitter against herds. */
export function backOff(attempt: number, random: number): number {
  const ceiling = Math.min(BACK_OFF_LIMIT_MS, BACK_OFF_MS * 2 ** (attempt - 1));
  return ceiling * (0.5 + random / 2);
}

export class Session {
  private stateNow: SessionState = { name: "connecting", attempt: 0 };
  private socket: Socket | null = null;
  /** Goes up with every connection, so that a late callback of an old one is recognised. */
  private connection = 0;
  private decoder = new Decoder();
  private readonly shown = new Map<number, Shown>();
  private readonly requests: Requests;
  private readonly typing: Typing;
  private area = { cols: 80, rows: 24 };
  private attempt = 0;
  private protocolErrors = 0;
  private lastReceived = 0;
  private pingSince: number | null = null;
  private lastPing = Number.NEGATIVE_INFINITY;
  private cancelTimer: () => void = () => {};
  private cancelTick: () => void = () => {};

  constructor(private readonly options: SessionOptions) {
    this.requests = new Requests(options.clock);
    this.typing = new Typing(options.viewer, (frame) => this.send(frame));
  }

  get state(): SessionState {
    return this.stateNow;
  }

  /** Bytes typed into `window` that the console has not accepted. */
  unacceptedBytes(window: number): number {
    return this.typing.unacceptedBytes(window);
  }

  /** The stream of `window`, once it is shown. */
  viewer(window: number): Viewer | undefined {
    return this.shown.get(window)?.viewer;
  }

  /** Connects. */
  start(): void {
    this.cancelTick = this.options.clock.later(TICK_MS, () => this.tick());
    this.connect();
  }

  /** Detaches for good. */
  stop(): void {
    if (this.stateNow.name !== "closed") this.close("detached", "");
  }

  /** Tries at once instead of waiting, and checks a connection that may be dead. */
  retryNow(): void {
    if (this.stateNow.name === "waiting") this.connect();
    else if (this.stateNow.name === "attached") this.ping();
  }

  /** Shows `window` in `display`, from now on or again. */
  show(window: number, display: Display): void {
    const known = this.shown.get(window);
    if (known !== undefined) {
      if (known.visible) return;
      known.visible = true;
      this.subscribe(window, known.viewer.resumeOffset);
      return;
    }
    const viewer = new Viewer(display, {
      ack: (offset) => this.send(ack(window, offset)),
      lost: () => this.requestKeyframe(window),
      drawn: (keyframe) => this.options.events.drawn(window, keyframe),
    });
    this.typing.add(window);
    this.shown.set(window, {
      viewer,
      visible: true,
      staleSince: null,
      stillTicks: 0,
      processedThen: 0,
    });
    this.subscribe(window, null);
  }

  /** Stops the output of `window`; what it shows stays, and goes on with {@link show}. */
  hide(window: number): void {
    const shown = this.shown.get(window);
    if (shown === undefined || !shown.visible) return;
    shown.visible = false;
    this.requestQuietly("unsubscribe", window, {});
  }

  /** Goes on with an empty terminal in `window`. */
  replace(window: number, display: Display): void {
    this.shown.get(window)?.viewer.replaceDisplay(display);
    this.requestKeyframe(window);
  }

  /** Forgets `window`: it was closed. */
  forget(window: number): void {
    this.shown.delete(window);
    this.typing.forget(window);
  }

  /** Sends `data` to the program, where this page may; false when too much waits already. */
  type(window: number, data: Uint8Array): boolean {
    return this.typing.push(window, data);
  }

  /** Says how large a terminal fits here; the hub's policy decides what the size becomes. */
  resizeArea(window: number, cols: number, rows: number): void {
    this.area = { cols, rows };
    this.send(resize(window, cols, rows));
  }

  /** Asks for the screen anew, without scrollback. */
  requestKeyframe(window: number): void {
    this.requestQuietly("keyframe", window, { scrollback: 0 });
  }

  /** Asks for the screen with all scrollback; resolves when the keyframe is on its way. */
  async requestHistory(window: number): Promise<void> {
    await this.request("keyframe", window, { scrollback: null }, () =>
      this.shown.get(window)?.viewer.expectHistory(),
    );
  }

  /**
   * Asks the hub and resolves with its reply.
   *
   * @throws RequestError when it refuses, does not answer, or there is no connection
   */
  request(op: string, window: number, fields: JsonObject = {}, accepted?: () => void): Promise<JsonObject> {
    if (this.stateNow.name !== "attached") {
      return Promise.reject(new RequestError("There is no connection to the server.", "not_connected"));
    }
    const of = window === CONSOLE ? {} : { window };
    return this.requests.ask(
      (id) => this.send(encodeJson(REQUEST, window, { id, op, ...of, ...fields })),
      accepted,
    );
  }

  // -- connection ----------------------------------------------------------------------------------

  private connect(): void {
    this.cancelTimer();
    this.attempt += 1;
    this.decoder = new Decoder();
    const connection = ++this.connection;
    this.become({ name: "connecting", attempt: this.attempt });
    this.cancelTimer = this.options.clock.later(CONNECT_MS, () =>
      this.broken(connection, "The server does not answer."),
    );
    const current = () => connection === this.connection;
    this.socket = this.options.connect({
      opened: () => {
        if (current()) this.sayHello();
      },
      received: (data) => {
        if (current()) this.receive(data);
      },
      closed: (code, reason) => {
        if (current()) this.closed(code, reason);
      },
    });
  }

  private sayHello(): void {
    const windows: Record<string, number | null> = {};
    for (const [window, shown] of this.shown) {
      if (shown.visible) windows[window] = shown.viewer.resumeOffset;
    }
    const { cols, rows } = this.area;
    const viewer = this.typing.viewer.toString(16).padStart(16, "0");
    const hello = { version: VERSION, viewer, cols, rows, windows, via: "browser" };
    this.socket?.send(encodeJson(HELLO, CONSOLE, hello));
  }

  private closed(code: number, reason: string): void {
    const attached = this.stateNow.name === "attached";
    this.lose();
    if (code === 4001) return this.close("detached_by_other", "Detached by another viewer.");
    if (code === 4003) return this.close("not_shared", "This console is no longer shared with you.");
    if (code === 4004) return this.close("no_such_console", reason || "There is no such console.");
    if (code === 1008) return this.close("not_allowed", reason || "You are not allowed to attach here.");
    if (code === 1002 && ++this.protocolErrors >= PROTOCOL_ERRORS) {
      return this.close("protocol", reason || "The server and this page do not understand each other.");
    }
    if (code === 1000 && attached) return this.close("detached", reason);
    const words = code === 1012 ? "The server restarts." : attached ? "The connection was lost." : reason;
    if (attached) return this.wait(words);
    const connection = this.connection;
    const diagnosis = this.options.diagnose?.() ?? Promise.resolve<Diagnosis>("retry");
    diagnosis.then(
      (cause) => {
        if (connection !== this.connection || this.stateNow.name !== "connecting") return;
        if (cause === "retry") this.wait(words);
        else this.close(cause, words);
      },
      () => {
        if (connection === this.connection && this.stateNow.name === "connecting") this.wait(words);
      },
    );
  }

  private broken(connection: number, reason: string): void {
    if (connection !== this.connection) return;
    this.socket?.close(3000, "no answer");
    this.lose();
    this.wait(reason);
  }

  /** The socket is of no more use. */
  private lose(): void {
    this.cancelTimer();
    this.connection += 1;
    this.socket = null;
    this.pingSince = null;
    for (const shown of this.shown.values()) shown.viewer.disconnected();
    this.requests.lost();
    this.typing.lost();
  }

  private wait(reason: string): void {
    const milliseconds = backOff(Math.max(1, this.attempt), this.options.clock.random());
    const until = this.options.clock.now() + milliseconds;
    this.become({ name: "waiting", attempt: this.attempt, until, reason });
    this.cancelTimer = this.options.clock.later(milliseconds, () => this.connect());
  }

  private close(cause: CloseCause, reason: string): void {
    const socket = this.socket;
    this.lose();
    this.cancelTick();
    socket?.close(1000, "detached");
    this.become({ name: "closed", cause, reason });
  }

  private become(state: SessionState): void {
    this.stateNow = state;
    this.options.events.state(state);
  }

  private send(frame: Bytes): void {
    if (this.stateNow.name === "attached") this.socket?.send(frame);
  }

  // -- frames --------------------------------------------------------------------------------------

  private receive(data: Uint8Array): void {
    this.lastReceived = this.options.clock.now();
    try {
      const connection = this.connection;
      for (const frame of this.decoder.feed(data)) {
        if (connection !== this.connection) return;
        this.handle(frame);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.socket?.close(1002, error.message.slice(0, 100));
      this.closed(1002, error.message);
    }
  }

  private handle(frame: Frame): void {
    if (this.stateNow.name === "connecting") {
      if (frame.type !== HELLO) throw new FrameError("the server did not begin with HELLO");
      this.welcome(parseWelcome(parseJson(frame.payload)));
      return;
    }
    const shown = this.shown.get(frame.window);
    switch (frame.type) {
      case OUTPUT:
        shown?.viewer.output(frame);
        break;
      case KEYFRAME:
        shown?.viewer.keyframe(frame);
        break;
      case ACCEPTED:
        this.typing.accepted(frame.window, parseAccepted(frame.payload).sequence, this.options.clock.now());
        break;
      case RESIZE: {
        const { cols, rows } = parseResize(frame.payload);
        this.options.events.size(frame.window, cols, rows);
        break;
      }
      case EVENT:
        this.event(frame.window, parseJson(frame.payload));
        break;
      case REPLY:
        this.requests.reply(parseJson(frame.payload));
        break;
      default:
        // A later version may say more; what we do not know we do not need.
        break;
    }
  }

  /** Some events are about input, which is ours; the page hears of all. */
  private event(window: number, event: JsonObject): void {
    if (event.type === "refused") this.typing.refused(window, event);
    else if (event.type === "role") this.typing.role(event.role);
    this.options.events.event(window, event);
  }

  private welcome(welcome: Welcome): void {
    this.cancelTimer();
    this.attempt = 0;
    this.protocolErrors = 0;
    if (!this.typing.welcome(welcome.role)) return this.reconnect();
    this.become({ name: "attached" });
    this.options.events.welcome(welcome);
    for (const shown of this.shown.values()) shown.staleSince = null;
    this.typing.attached();
    this.ping();
  }

  /** Connects again as another viewer. */
  private reconnect(): void {
    this.typing.renumber();
    const socket = this.socket;
    this.lose();
    socket?.close(1000, "as another viewer");
    this.connect();
  }

  private subscribe(window: number, since: number | null): void {
    this.requestQuietly("subscribe", window, { since });
  }

  private requestQuietly(op: string, window: number, fields: JsonObject): void {
    if (this.stateNow.name !== "attached") return;
    // What goes wrong here shows: the window stays stale, and the tick asks again.
    this.request(op, window, fields).catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error;
    });
  }

  // -- time ----------------------------------------------------------------------------------------

  private tick(): void {
    this.cancelTick = this.options.clock.later(TICK_MS, () => this.tick());
    for (const [window, shown] of this.shown) this.watch(window, shown);
    if (this.stateNow.name !== "attached") return;
    const now = this.options.clock.now();
    if (
      this.pingSince !== null &&
      now - this.pingSince > SILENCE_MS &&
      now - this.lastReceived > SILENCE_MS
    ) {
      this.broken(this.connection, "The server does not answer.");
      return;
    }
    if (now - this.lastPing >= PING_MS) this.ping();
    this.typing.tick(now);
    for (const [window, shown] of this.shown) this.mend(window, shown, now);
  }

  /** An exception in xterm.js's parser stops it for good; nothing else would ever notice. */
  private watch(window: number, shown: Shown): void {
    const { processedWrites, waitingWrites } = shown.viewer;
    if (waitingWrites === 0 || processedWrites !== shown.processedThen) {
      shown.stillTicks = 0;
      shown.processedThen = processedWrites;
    } else if (++shown.stillTicks > STUCK_TICKS) {
      shown.stillTicks = 0;
      this.options.events.stuck(window);
    }
  }

  private mend(window: number, shown: Shown, now: number): void {
    if (!shown.viewer.stale || !shown.visible) {
      shown.staleSince = null;
    } else if (shown.staleSince === null) {
      shown.staleSince = now;
    } else if (now - shown.staleSince > STALE_MS) {
      shown.staleSince = now;
      this.requestKeyframe(window);
    }
  }

  private ping(): void {
    if (this.pingSince !== null) return;
    const sent = this.options.clock.now();
    this.pingSince = sent;
    this.lastPing = sent;
    this.request("ping", CONSOLE, { t: sent }).then(
      () => {
        this.pingSince = null;
        this.options.events.latency(this.options.clock.now() - sent);
      },
      () => {
        this.pingSince = null;
      },
    );
  }
}

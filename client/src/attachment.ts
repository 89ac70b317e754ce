/**
 * An attached console: its session, and one terminal for each of its windows that was looked at.
 *
 * Only the window in view is subscribed to; the others keep what they show and go on from their offset
 * when they are looked at again.  The views draw what {@link AttachmentEvents} tells.
 */

import { type Api, ApiError, type Console } from "./api.ts";
import { CONSOLE, type JsonObject } from "./frames.ts";
import { memoryWords } from "./limits.ts";
import { type Pane, Panes } from "./panes.ts";
import type { Role } from "./room/messages.ts";
import type { Room } from "./room/room.ts";
import type { News } from "./room/watch.ts";
import { Session } from "./session.ts";
import type { Diagnosis, SessionState, Welcome } from "./session-types.ts";
import { settings } from "./settings.ts";
import { browserClock, newViewer, openSocket } from "./socket.ts";
import { type Size, TerminalDisplay } from "./terminal/display.ts";
import { History } from "./terminal/history.ts";
import { terminalTheme } from "./views/theme.ts";

export interface AttachmentEvents {
  state(state: SessionState): void;
  /** The hub answered; again after each lost connection. */
  welcome(): void;
  /** Windows, the one in view, the role or the policy changed. */
  changed(): void;
  latency(milliseconds: number): void;
  bell(window: number): void;
  clipboard(data: string): void;
  renamed(name: string): void;
  ended(reason: string): void;
  recovering(isRecovering: boolean): void;
  refused(error: unknown): void;
  /** Keys did not reach the program, because somebody else has control. */
  noControl(): void;
  /** What is in view, or selected, may have changed in the window in view. */
  moved(): void;
  /** The person scrolled, or typed, which shows the live screen. */
  userScrolled(): void;
  /** A program wrote something. */
  output(window: number): void;
  /** A command ended that took `seconds`. */
  finished(window: number, seconds: number): void;
  /** It stands otherwise with a limit. */
  limit(event: JsonObject): void;
  /** A program was ended because memory ran out, as `words` say; its window waits for Enter. */
  outOfMemory(window: number, words: string): void;
  openLink(address: string, certain: boolean): void;
}

export interface AttachmentOptions {
  readonly api: Api;
  /** Learns what the hub tells about people. */
  readonly room: Room;
  /** Where terminals stand. */
  readonly area: HTMLElement;
  /** The window to begin with. */
  readonly window: number;
  readonly events: AttachmentEvents;
  readonly transform: (text: string) => string;
  readonly shortcut: (event: KeyboardEvent) => boolean;
}

interface Screen {
  readonly display: TerminalDisplay;
  readonly history: History;
}

export class Attachment {
  policy = "latest";
  private readonly panes = new Panes();
  private readonly screens = new Map<number, Screen>();
  private active = 0;
  private session: Session | null = null;
  private sentArea = "";

  constructor(private readonly options: AttachmentOptions) {
    this.activate(options.window);
  }

  /** Connects to `console`. */
  start(console: Console): void {
    const { api, events } = this.options;
    const session = new Session({
      clock: browserClock,
      viewer: newViewer(),
      connect: (socketEvents) => openSocket(console.id, socketEvents),
      diagnose: () => diagnose(api, console.id),
      events: {
        state: (state) => this.state(state),
        welcome: (welcome) => this.welcome(welcome),
        event: (window, event) => this.event(window, event),
        size: (window, cols, rows) => this.update(window, { cols, rows }),
        stuck: (window) => this.replaceScreen(window),
        latency: (milliseconds) => events.latency(milliseconds),
        drawn: (window, keyframe) => {
          this.update(window, { cols: keyframe.cols, rows: keyframe.rows });
          this.screens.get(window)?.history.drawn(keyframe);
        },
      },
    });
    this.session = session;
    session.show(this.active, this.screen.display);
    this.fit();
    session.start();
  }

  stop(): void {
    this.session?.stop();
    for (const { display } of this.screens.values()) display.dispose();
    this.screens.clear();
  }

  // -- what is in view -----------------------------------------------------------------------------

  /** What this page may do here. */
  get role(): Role {
    return this.options.room.role;
  }

  get windows(): readonly Pane[] {
    return this.panes.list;
  }

  get activeWindow(): number {
    return this.active;
  }

  get pane(): Pane | undefined {
    return this.panes.get(this.active);
  }

  get display(): TerminalDisplay {
    return this.screen.display;
  }

  get sessionState(): SessionState | null {
    return this.session?.state ?? null;
  }

  /** The byte of the stream that comes next in the window in view. */
  get offset(): number | null {
    return this.session?.viewer(this.active)?.offset ?? null;
  }

  get unacceptedBytes(): number {
    return this.session?.unacceptedBytes(this.active) ?? 0;
  }

  get historyComplete(): boolean {
    return this.screen.history.complete;
  }

  /** The size that would fit here. */
  get area(): Size | null {
    return this.screen.display.area();
  }

  /** Brings `window` into view. */
  activate(window: number): void {
    const before = this.screens.get(this.active);
    const hadFocus = before?.display.element.contains(document.activeElement) ?? false;
    if (window !== this.active && before !== undefined) {
      this.session?.hide(this.active);
      before.display.element.hidden = true;
    }
    this.active = window;
    const screen = this.screens.get(window) ?? this.newScreen(window);
    screen.display.element.hidden = false;
    screen.display.open();
    if (hadFocus) screen.display.terminal.focus();
    this.panes.seen(window);
    if (this.session !== null) {
      this.session.show(window, screen.display);
      this.sentArea = "";
      this.fit();
    }
    this.options.events.changed();
  }

  /** The window `step` tabs to the right. */
  activateNext(step: number): void {
    const next = this.panes.next(this.active, step);
    if (next !== undefined && next.window !== this.active) this.activate(next.window);
  }

  /** Brings `window` into view, `back` lines above its live screen. */
  look(window: number, back: number): void {
    if (this.panes.get(window) === undefined) return;
    if (window !== this.active) this.activate(window);
    this.display.lookBack(back);
  }

  /** All history is in the terminal; false when it could not be had. */
  wantHistory(): Promise<boolean> {
    return this.screen.history.want();
  }

  /** Tells the hub how much fits here, when that changed. */
  fit(): void {
    const size = this.area;
    if (size === null || this.session === null) return;
    const area = `${this.active}:${size.cols}x${size.rows}`;
    if (area === this.sentArea) return;
    this.sentArea = area;
    this.session.resizeArea(this.active, size.cols, size.rows);
  }

  // -- what the person does ------------------------------------------------------------------------

  /** Opens a window with `program`, or the console's own, and brings it into view. */
  async open(program?: string): Promise<void> {
    const size = this.area ?? { cols: 80, rows: 24 };
    const reply = await this.ask("open", CONSOLE, program === undefined ? { ...size } : { program, ...size });
    const window = Number(reply.window);
    if (this.panes.get(window) === undefined) this.panes.open(window, program === undefined ? [] : [program]);
    this.activate(window);
  }

  /** Starts the program of a window that ended anew, in the same window. */
  async restart(window: number): Promise<void> {
    const size = this.area ?? { cols: 80, rows: 24 };
    const { argv, exit } = this.panes.get(window) ?? { argv: [], exit: null };
    this.update(window, { exit: null });
    try {
      await this.ask("open", window, argv.length > 0 ? { argv, ...size } : { ...size });
    } catch (error) {
      this.update(window, { exit });
      throw error;
    }
  }

  async close(window: number): Promise<void> {
    await this.ask("close", window, {});
    this.remove(window);
  }

  /** Sets how the size follows the viewers. */
  async setPolicy(policy: string, size: Size | null = null): Promise<void> {
    await this.ask("policy", CONSOLE, { policy, ...size });
    this.policy = policy;
    this.options.events.changed();
  }

  /** Shows at the tab of `window` that something happened. */
  mark(window: number, news: News): void {
    if (window !== this.active) this.update(window, { news });
  }

  retryNow(): void {
    this.session?.retryNow();
  }

  /** Asks the hub; `window` may be {@link CONSOLE}. */
  ask(op: string, window: number, fields: JsonObject): Promise<JsonObject> {
    if (this.session === null) return Promise.reject(new Error("The console is not attached yet."));
    return this.session.request(op, window, fields);
  }

  private typed(window: number, data: Uint8Array): void {
    if (this.session === null) return;
    const { room, events } = this.options;
    if (this.session.state.name === "attached") {
      if (room.role === "observer") return;
      if (!room.mayType) {
        if (!isReport(data)) events.noControl();
        return;
      }
    }
    if (!isReport(data)) events.userScrolled();
    if (!this.session.type(window, data)) {
      events.refused(new Error("The program does not read, and too much input waits for it."));
    }
  }

  // -- what the hub tells --------------------------------------------------------------------------

  private state(state: SessionState): void {
    if (state.name !== "attached") {
      for (const { history } of this.screens.values()) history.disconnected();
      this.options.room.disconnected();
    }
    this.options.events.state(state);
  }

  private welcome(welcome: Welcome): void {
    this.options.room.welcome(welcome.hello);
    this.policy = welcome.policy;
    const known = new Set(welcome.windows.map(({ window }) => window));
    for (const window of this.panes.welcome(welcome.windows)) this.remove(window);
    const first = welcome.windows[0];
    if (!known.has(this.active) && first !== undefined) this.activate(first.window);
    this.sentArea = "";
    this.fit();
    if (welcome.console.state === "ended") this.showAll(known);
    this.options.events.recovering(welcome.console.state === "recovering");
    if (welcome.console.state === "ended") this.options.events.ended(String(welcome.console.reason ?? ""));
    this.options.events.welcome();
    this.options.events.changed();
  }

  /** An ended console sends the last picture of each window once. */
  private showAll(windows: Iterable<number>): void {
    for (const window of windows) {
      const { display } = this.screens.get(window) ?? this.newScreen(window);
      display.element.hidden = window !== this.active;
      this.session?.show(window, display);
    }
  }

  private event(window: number, event: JsonObject): void {
    const { events, room } = this.options;
    if (room.event(event)) {
      if (event.type === "role") events.changed();
      return;
    }
    switch (event.type) {
      case "title":
        this.update(window, { title: String(event.title ?? "") });
        break;
      case "bell":
        if (window !== this.active) this.update(window, { bell: true });
        events.bell(window);
        break;
      case "activity":
        if (window !== this.active) this.update(window, { activity: true });
        events.output(window);
        break;
      case "prompt":
        if (event.mark === "D" && typeof event.seconds === "number") events.finished(window, event.seconds);
        break;
      case "refused":
        events.noControl();
        break;
      case "opened":
        this.opened(window, event.argv);
        break;
      case "exit":
        this.update(window, { exit: event });
        break;
      case "closed":
        this.remove(window);
        break;
      case "clipboard":
        if (window === this.active && typeof event.data === "string") events.clipboard(event.data);
        break;
      case "policy":
        this.policy = String(event.policy ?? this.policy);
        events.changed();
        break;
      case "limit":
        events.limit(event);
        break;
      case "renamed":
        events.renamed(String(event.name ?? ""));
        break;
      case "state":
        events.recovering(event.state === "recovering");
        if (event.state === "ended") events.ended(String(event.reason ?? ""));
        break;
      case "ended":
        events.ended(String(event.reason ?? ""));
        break;
      default:
        break;
    }
  }

  private opened(window: number, argv: unknown): void {
    const exit = this.panes.get(window)?.exit ?? null;
    this.panes.open(window, Array.isArray(argv) ? argv.map(String) : []);
    const words = exit === null ? null : memoryWords(exit);
    if (words !== null) this.options.events.outOfMemory(window, words);
    this.options.events.changed();
  }

  // -- windows -------------------------------------------------------------------------------------

  private get screen(): Screen {
    return this.screens.get(this.active) ?? this.newScreen(this.active);
  }

  private newScreen(window: number): Screen {
    const { area, events, transform, shortcut } = this.options;
    const { fontSize, screenReader } = settings();
    const display: TerminalDisplay = new TerminalDisplay({
      theme: terminalTheme(),
      fontSize,
      screenReader,
      typed: (data) => this.typed(window, data),
      transform,
      shortcut,
      moved: () => {
        if (window === this.active) events.moved();
      },
      userScrolled: () => events.userScrolled(),
      wrote: () => events.output(window),
      mend: () => this.session?.requestKeyframe(window),
      scrolled: (missing) => void history.want(missing),
      openLink: events.openLink,
    });
    const history = new History({
      request: () => this.session?.requestHistory(window) ?? Promise.reject(new Error("not attached")),
      restoreView: (more) => display.restoreView(more),
      linesBack: () => display.linesBack,
    });
    const screen = { display, history };
    this.screens.set(window, screen);
    area.append(display.element);
    return screen;
  }

  /** Puts a fresh terminal in the place of one that stopped working. */
  private replaceScreen(window: number): void {
    const old = this.screens.get(window)?.display;
    const { display } = this.newScreen(window);
    display.element.hidden = window !== this.active;
    if (window === this.active) display.open();
    this.session?.replace(window, display);
    if (old?.element.contains(document.activeElement)) display.terminal.focus();
    old?.dispose();
  }

  private update(window: number, changes: Partial<Pane>): void {
    if (this.panes.update(window, changes)) this.options.events.changed();
  }

  private remove(window: number): void {
    this.panes.remove(window);
    const next = this.windows[0];
    if (window === this.active && next !== undefined) this.activate(next.window);
    this.session?.forget(window);
    this.screens.get(window)?.display.dispose();
    this.screens.delete(window);
    this.options.events.changed();
  }

  /** Calls `change` with each terminal: a setting changed. */
  forEachDisplay(change: (display: TerminalDisplay) => void): void {
    for (const { display } of this.screens.values()) change(display);
  }
}

/** Whether `data` is what a terminal tells by itself: the mouse moved, the focus came or went. */
function isReport(data: Uint8Array): boolean {
  if (data[0] !== 0x1b || data[1] !== 0x5b) return false;
  const kind = String.fromCharCode(data[2] ?? 0);
  return kind === "<" || kind === "M" || ((kind === "I" || kind === "O") && data.length === 3);
}

async function diagnose(api: Api, id: string): Promise<Diagnosis> {
  try {
    await api.console(id);
    return "retry";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return "not_logged_in";
    if (error.status === 403) return "not_allowed";
    if (error.status === 404) return "no_such_console";
    return "retry";
  }
}

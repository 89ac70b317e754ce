/**
 * One console: its terminal, windows, state, and what can be done with them.
 *
 * `/c/NAME` opens the console of that name, or makes it when there is none.
 */

import { ApiError, type Console, lacksSandbox } from "../api.ts";
import { Attachment } from "../attachment.ts";
import { h, iconButton } from "../dom.ts";
import { exitWords } from "../limits.ts";
import { Room } from "../room/room.ts";
import { consolePath, navigate, replacePath } from "../router.ts";
import type { SessionState } from "../session-types.ts";
import { settings } from "../settings.ts";
import { exposeTerminal } from "../testhook.ts";
import { ring } from "./bell.ts";
import { copyText, programCopies, readText } from "./clipboard.ts";
import { ComingsLine } from "./comings.ts";
import { consoleMenu, sizeMenu, windowMenu } from "./console-menus.ts";
import { confirm } from "./dialog.ts";
import { KeyBar } from "./keybar.ts";
import { LimitNotices } from "./limit-notices.ts";
import { endConsole, rename } from "./list.ts";
import { Note, type NoteAction } from "./note.ts";
import { complain, notice } from "./notices.ts";
import { Notifications, notificationsDialog } from "./notifications.ts";
import { openLink } from "./open-link.ts";
import { nameFor, type Page, type PageContext } from "./page.ts";
import { PeoplePanel } from "./people.ts";
import { nextSteps } from "./problem.ts";
import { SearchBar } from "./search.ts";
import { ShareAsks } from "./share-ask.ts";
import { shareDialog } from "./share-dialog.ts";
import { Status } from "./status.ts";
import { followSurroundings } from "./surroundings.ts";
import { Tabs, tabTitle } from "./tabs.ts";
import { type Follower, Together } from "./together.ts";
import { visitorMark } from "./visitor.ts";

export function consolePage(context: PageContext, name: string): Page {
  const view = new ConsoleView(context, name);
  return { element: view.element, start: () => void view.start(), stop: () => view.stop() };
}

class ConsoleView {
  readonly element: HTMLElement;
  /** What an observer cannot do is not offered. */
  private readonly writersOnly: readonly HTMLElement[];
  private readonly cleanUp: (() => void)[] = [];
  private console: Console | null = null;
  private attachment: Attachment | null = null;
  private ended = false;
  private readonly area = h("div", { className: "area" });
  private readonly title = h("h1", { className: "console-title" });
  private readonly unsafe = h("span", { className: "unsafe", hidden: true }, "No sandbox");
  private readonly note = new Note();
  private readonly shareButton = iconButton("share", "Share this console", () => this.share());
  private readonly sizeFace = h("span", { className: "chip-text" });
  private readonly room = new Room((op, window, fields) => this.live.ask(op, window, fields));
  private readonly shareAsks = new ShareAsks(this.room);
  private readonly comings = new ComingsLine(this.room);
  private readonly together = new Together(this.room, {
    people: (room, follower) => this.peoplePanel(room, follower),
    attachment: () => this.attachment,
    focus: () => this.focus(),
  });
  private readonly notifications = new Notifications({
    attachment: () => this.attachment,
    name: () => this.name,
    marked: () => this.mark(),
  });
  private readonly status = new Status(() => this.attachment?.retryNow());
  private readonly limits = new LimitNotices(() => this.focus());
  private readonly tabs = new Tabs({
    activate: (window) => {
      this.attachment?.activate(window);
      this.focus();
    },
    close: (window) => void this.closeWindow(window),
  });
  private readonly keyBar = new KeyBar({
    type: (text) => this.attachment?.display.type(text),
    applicationCursor: () => this.attachment?.display.terminal.modes.applicationCursorKeysMode ?? false,
    paste: () => void this.paste(),
    focus: () => this.focus(),
  });
  private readonly search = new SearchBar({
    display: () => this.live.display,
    wantHistory: () => this.live.wantHistory(),
    closed: () => this.focus(),
  });

  constructor(
    private readonly context: PageContext,
    private name: string,
  ) {
    this.title.textContent = name;
    this.shareButton.hidden = true;
    const hint =
      "Keys go to the program. Control Shift Enter leaves the terminal, Control Shift F searches, Control Shift Y says who typed a line.";
    const menus = this.menus();
    this.writersOnly = [menus.window, menus.size, this.keyBar.element];
    this.element = h(
      "div",
      { className: "console-page" },
      h(
        "header",
        { className: "bar" },
        h("a", {
          href: "/",
          className: "icon-button",
          title: "All consoles",
          attrs: { "aria-label": "All consoles" },
        }),
        this.title,
        this.unsafe,
        context.me.expires !== null && visitorMark(context.me.expires),
        h(
          "nav",
          { className: "windows", attrs: { "aria-label": "Windows" } },
          this.tabs.element,
          menus.window,
        ),
        h(
          "div",
          { className: "bar-end" },
          this.limits.mark,
          this.status.element,
          this.shareButton,
          this.together.control.menu,
          this.together.button,
          menus.size,
          menus.console,
        ),
      ),
      this.status.banner,
      this.search.element,
      h(
        "div",
        { className: "desk" },
        h(
          "main",
          {
            className: "stage",
            attrs: { "aria-label": `Terminal ${name}`, "aria-describedby": "terminal-hint" },
          },
          h("p", { id: "terminal-hint", className: "hidden-text" }, hint),
          this.area,
          this.together.control.bar,
          this.note.element,
          this.comings.element,
          this.limits.banner,
        ),
        this.together.sidebar.element,
      ),
      this.keyBar.element,
    );
    this.element.querySelector("header a")?.append(iconButton("back", "", () => {}).firstChild ?? "");
  }

  async start(): Promise<void> {
    document.title = `${this.name} – termhub`;
    this.attachment = this.newAttachment();
    this.cleanUp.push(
      followSurroundings(
        this.area,
        () => this.attachment,
        () => this.retitle(),
      ),
    );
    try {
      this.console = await this.openOrCreate();
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return this.context.loginNeeded();
      const reason = error instanceof Error ? error.message : String(error);
      this.status.state({ name: "closed", cause: "no_such_console", reason }, 0);
      const steps = nextSteps(error).filter(({ href }) => href !== "/");
      return this.note.say(reason, [
        ["Try again", () => navigate(location.pathname)],
        ["All consoles", () => navigate("/")],
        ...steps.map(({ href, words }): NoteAction => [words, () => navigate(href)]),
      ]);
    }
    // The person may have gone on while the server answered.
    if (!this.element.isConnected) return;
    this.rename(this.console.name);
    this.title.title = this.console.isolation;
    this.unsafe.hidden = !lacksSandbox(this.console);
    this.attachment.start(this.console);
    this.focus();
  }

  stop(): void {
    for (const clean of this.cleanUp) clean();
    this.status.dispose();
    this.together.stop();
    this.notifications.stop();
    this.comings.stop();
    this.limits.stop();
    this.shareAsks.stop();
    const attachment = this.attachment;
    // What is told from here on is told to nobody.
    this.attachment = null;
    attachment?.stop();
    delete document.documentElement.dataset.session;
  }

  private get live(): Attachment {
    if (this.attachment === null) throw new Error("the console view is not started");
    return this.attachment;
  }

  private async openOrCreate(): Promise<Console> {
    const { api } = this.context;
    try {
      return await api.console(this.name);
    } catch (error) {
      const mayBeMade = error instanceof ApiError && error.status === 404 && !this.name.includes("/");
      if (!mayBeMade || this.context.me.isGuest) throw error;
      return await api.create({ name: this.name, ...this.live.area });
    }
  }

  private peoplePanel(room: Room, follower: Follower): PeoplePanel {
    const panel = new PeoplePanel(room, follower, {
      context: () => this.context,
      share: () => this.share(),
      console: () => this.console?.id ?? null,
    });
    this.cleanUp.push(() => panel.stop());
    return panel;
  }

  private share(): void {
    if (this.console === null) return;
    const { api, loginNeeded } = this.context;
    void shareDialog({ api, console: { id: this.console.id, name: this.name }, loginNeeded });
  }

  private newAttachment(): Attachment {
    const attachment: Attachment = new Attachment({
      api: this.context.api,
      room: this.room,
      area: this.area,
      window: rememberedWindow(),
      transform: (text) => this.keyBar.transform(text),
      shortcut: (event) => this.shortcut(event),
      events: {
        state: (state) => this.state(state),
        changed: () => this.draw(),
        latency: (milliseconds) => this.status.latency(milliseconds),
        bell: (window) => {
          ring(this.area);
          this.mark();
          this.notifications.bell(window);
        },
        output: (window) => this.notifications.output(window),
        finished: (window, seconds) => this.notifications.finished(window, seconds),
        noControl: () => this.together.control.refused(),
        moved: () => this.together.moved(),
        userScrolled: () => this.together.scrolled(),
        welcome: () => {
          this.together.attached();
          this.limits.welcome();
        },
        clipboard: programCopies,
        renamed: (name) => this.rename(name),
        ended: (reason) => this.showEnd(reason),
        recovering: (isRecovering) => this.recovering(isRecovering),
        refused: complain,
        limit: (event) => this.limits.told(event),
        outOfMemory: (window, words) => this.ranOut(window, words),
        openLink: (address, certain) => void openLink(address, certain),
      },
    });
    this.cleanUp.push(exposeTerminal(attachment));
    return attachment;
  }

  // -- drawing -------------------------------------------------------------------------------------

  private draw(): void {
    const attachment = this.attachment;
    if (attachment === null) return;
    const { windows, activeWindow, pane, role } = attachment;
    const mayClose = role !== "observer" && windows.length > 1;
    this.tabs.draw(windows, activeWindow, mayClose);
    this.tabs.element.hidden = windows.length < 2;
    for (const element of this.writersOnly) element.hidden = role === "observer";
    this.shareButton.hidden = role !== "owner" || this.context.me.isGuest || this.ended;
    this.notifications.looked();
    if (rememberedWindow() !== activeWindow) history.replaceState({ window: activeWindow }, "");
    if (pane !== undefined) {
      this.sizeFace.textContent = `${pane.cols}×${pane.rows}`;
      if (!this.ended) this.showExit(pane.exit === null ? null : exitWords(pane.exit), pane.window);
    }
    this.retitle();
  }

  private retitle(): void {
    if (!document.hidden) document.title = this.plainTitle();
  }

  private plainTitle(): string {
    const title = this.attachment?.pane?.title;
    return title ? `${title} – ${this.name} – termhub` : `${this.name} – termhub`;
  }

  /** The tab of the browser shows that something rang. */
  private mark(): void {
    if (document.hidden) document.title = `● ${this.plainTitle()}`;
  }

  private rename(name: string): void {
    if (this.console !== null) this.console = { ...this.console, name };
    this.name = this.console === null ? name : nameFor(this.console, this.context.me);
    this.title.textContent = this.name;
    replacePath(consolePath(this.name));
    this.draw();
  }

  private state(state: SessionState): void {
    if (this.attachment === null) return;
    document.documentElement.dataset.session = state.name;
    this.status.state(state, this.attachment.unacceptedBytes);
    if (state.name !== "closed") return;
    if (state.cause === "not_logged_in") return this.context.loginNeeded();
    if (this.ended) return;
    // On a phone it would lie over what is said.
    this.together.sidebar.close();
    if (state.cause === "not_shared")
      return this.note.say(state.reason, [["All consoles", () => navigate("/")]]);
    const again = state.cause === "detached_by_other" ? "Reattach" : "Open again";
    this.note.say(state.reason || "The connection was closed.", [
      [again, () => navigate(location.pathname)],
      ["All consoles", () => navigate("/")],
    ]);
  }

  private recovering(isRecovering: boolean): void {
    if (isRecovering) this.note.say("The console is being recovered. What you type is kept.", []);
    else if (!this.ended) this.note.hide();
  }

  private showEnd(reason: string): void {
    this.ended = true;
    if (this.console !== null) this.console = { ...this.console, state: "ended", reason };
    this.note.say(reason === "" ? "This console has ended." : `This console has ended (${reason}).`, [
      ["All consoles", () => navigate("/")],
      ...(this.room.role === "owner" ? ([["Remove it", () => void this.end()]] as const) : []),
    ]);
  }

  private showExit(words: string | null, window: number): void {
    const startAgain = () => void this.live.restart(window).then(() => this.focus(), complain);
    this.note.sayExit(
      words,
      this.room.mayWrite
        ? [
            ["Start again", startAgain],
            ["Close window", () => void this.closeWindow(window)],
          ]
        : [],
    );
  }

  /** The terminal says it where it happened; this also to who looks elsewhere, or listens. */
  private ranOut(window: number, words: string): void {
    const pane = this.live.windows.find((one) => one.window === window);
    notice(`${pane === undefined ? "A program" : tabTitle(pane)} was ${words}. Enter starts a fresh one.`);
  }

  // -- actions -------------------------------------------------------------------------------------

  private focus(): void {
    this.attachment?.display.terminal.focus();
  }

  private shortcut(event: KeyboardEvent): boolean {
    if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return false;
    const run = {
      KeyC: () => void this.copy(),
      KeyF: () => this.search.open(),
      KeyY: () => void this.together.whoTyped(),
      Enter: () => this.element.querySelector<HTMLElement>("header a")?.focus(),
      ArrowLeft: () => this.attachment?.activateNext(-1),
      ArrowRight: () => this.attachment?.activateNext(1),
    }[event.code];
    // The browser itself pastes, without asking, into the terminal's own field.
    if (event.code === "KeyV") return true;
    if (run === undefined) return false;
    event.preventDefault();
    if (event.type === "keydown") run();
    return true;
  }

  private async copy(): Promise<void> {
    const text = this.live.display.terminal.getSelection();
    if (text !== "") await copyText(text);
  }

  private async paste(): Promise<void> {
    const text = await readText();
    this.attachment?.display.paste(text);
    this.focus();
  }

  private async selectAll(): Promise<void> {
    await this.live.wantHistory();
    this.live.display.terminal.selectAll();
  }

  private async closeWindow(window: number): Promise<void> {
    const pane = this.live.windows.find((one) => one.window === window);
    if (pane === undefined) return;
    if (pane.exit !== null) return this.live.close(window).catch(complain);
    const text = "Its program is stopped. The console and its other windows go on.";
    await confirm(`Close ${tabTitle(pane)}?`, text, "Close window", true, () => this.live.close(window));
    this.focus();
  }

  private async end(): Promise<void> {
    if (this.console === null) return;
    const wasEnded = this.console.state === "ended";
    const done = await endConsole(this.context, this.console);
    if (done && wasEnded) navigate("/");
  }

  private async showLimits(): Promise<void> {
    if (this.console === null) return;
    const shown = { ...this.console, name: this.name };
    try {
      const { limitsDialog } = await import("./console-limits.ts");
      await limitsDialog(this.context, shown);
    } catch (error) {
      complain(error);
    }
  }

  private menus(): { window: HTMLElement; size: HTMLElement; console: HTMLElement } {
    const done = () => this.focus();
    return {
      window: windowMenu({
        done,
        open: (program) => void this.live.open(program).then(() => this.focus(), complain),
      }),
      size: sizeMenu(this.sizeFace, {
        done,
        policy: () => this.live.policy,
        setPolicy: (policy) =>
          void this.live.setPolicy(policy, policy === "manual" ? this.live.area : null).catch(complain),
      }),
      console: consoleMenu({
        done,
        search: () => this.search.open(),
        copy: () => void this.copy(),
        paste: () => void this.paste(),
        selectAll: () => void this.selectAll(),
        whoTyped: () => void this.together.whoTyped(),
        notifications: () => void notificationsDialog().then(done),
        limits: () => void this.showLimits().then(done),
        role: () => this.room.role,
        rename: () => this.console !== null && void rename(this.context, this.console).then(done),
        end: () => void this.end(),
        fontSize: () => settings().fontSize,
      }),
    };
  }
}

/** The window that was in view when this page was loaded again, or left and come back to. */
function rememberedWindow(): number {
  const state: unknown = history.state;
  const window = typeof state === "object" && state !== null && "window" in state ? state.window : 0;
  return typeof window === "number" ? window : 0;
}

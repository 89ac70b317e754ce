/**
 * Notifications: a mark at the tab of the window, in the title of the page, and the browser's own while
 * the page is hidden.  The choices, and the question for the browser's permission, are one dialog.
 */

import type { Attachment } from "../attachment.ts";
import { h } from "../dom.ts";
import { type News, Watch } from "../room/watch.ts";
import { change, settings } from "../settings.ts";
import { browserClock } from "../socket.ts";
import { ask, field } from "./dialog.ts";
import { bareText } from "./names.ts";
import { complain } from "./notices.ts";
import { tabTitle } from "./tabs.ts";

const MOST_SECONDS = 24 * 3600;

export interface NotificationsOptions {
  attachment(): Attachment | null;
  /** The name of the console. */
  name(): string;
  /** The title of the page should say that there is news. */
  marked(): void;
}

export class Notifications {
  private readonly watch: Watch;
  private readonly open = new Map<number, Notification>();
  private readonly seen = () => {
    if (!document.hidden) this.looked();
  };

  constructor(private readonly options: NotificationsOptions) {
    this.watch = new Watch({
      clock: browserClock,
      wishes: () => settings().notify,
      isSeen: (window) => !document.hidden && options.attachment()?.activeWindow === window,
      tell: (news, window, seconds) => this.tell(news, window, seconds),
    });
    document.addEventListener("visibilitychange", this.seen);
  }

  bell(window: number): void {
    this.watch.bell(window);
  }

  output(window: number): void {
    this.watch.output(window);
  }

  finished(window: number, seconds: number): void {
    this.watch.finished(window, seconds);
  }

  /** The person looks at the window in view. */
  looked(): void {
    const window = this.options.attachment()?.activeWindow;
    if (window === undefined || document.hidden) return;
    this.watch.seen(window);
    this.open.get(window)?.close();
    this.open.delete(window);
  }

  stop(): void {
    this.watch.stop();
    document.removeEventListener("visibilitychange", this.seen);
    for (const notification of this.open.values()) notification.close();
  }

  private tell(news: News, window: number, seconds: number): void {
    const attachment = this.options.attachment();
    const pane = attachment?.windows.find((one) => one.window === window);
    if (!attachment || pane === undefined) return;
    attachment.mark(window, news);
    this.options.marked();
    if (!document.hidden || !isPermitted()) return;
    this.open.get(window)?.close();
    const title = `${bareText(tabTitle(pane))} – ${this.options.name()}`;
    const shown = new Notification(title, {
      body: words(news, seconds),
      // One of a window takes the place of the one before.
      tag: `termhub:${this.options.name()}:${window}`,
    });
    shown.addEventListener("click", () => {
      focus();
      this.options.attachment()?.activate(window);
      shown.close();
    });
    this.open.set(window, shown);
  }
}

function isPermitted(): boolean {
  return "Notification" in window && Notification.permission === "granted";
}

function words(news: News, seconds: number): string {
  const time = `${Math.round(seconds).toLocaleString("en")} s`;
  return {
    bell: "It rang.",
    activity: "There is new output.",
    silence: `No output for ${time}.`,
    finished: `A command finished after ${time}.`,
  }[news];
}

/** Asks what to be told of; asks the browser for its permission if something was chosen. */
export async function notificationsDialog(): Promise<void> {
  const { notify } = settings();
  const bell = h("input", { type: "checkbox", checked: notify.bell });
  const activity = h("input", { type: "checkbox", checked: notify.activity });
  const silence = secondsField(notify.silenceSeconds);
  const finished = secondsField(notify.finishedSeconds);
  await ask({
    title: "Notifications",
    content: [
      h("p", { className: "muted small" }, "For windows you do not look at, in this browser."),
      h("label", { className: "check-line" }, bell, "The bell rang"),
      h("label", { className: "check-line" }, activity, "There is new output"),
      field("No output for (seconds)", silence, "Empty: never."),
      field(
        "A command ended that took at least (seconds)",
        finished,
        "Empty: never. Works where the prompt is marked, as Python's and bash's are here.",
      ),
      h("p", { className: "muted small" }, permissionWords()),
    ],
    action: "Save",
    answer: () => {
      change({
        notify: {
          bell: bell.checked,
          activity: activity.checked,
          silenceSeconds: Number(silence.value) || 0,
          finishedSeconds: Number(finished.value) || 0,
        },
      });
      const { notify: wanted } = settings();
      const any = wanted.bell || wanted.activity || wanted.silenceSeconds > 0 || wanted.finishedSeconds > 0;
      if (any && "Notification" in window && Notification.permission === "default") {
        // Asked from this click, as browsers demand; whatever the answer, the marks at tabs work.
        Notification.requestPermission().catch(complain);
      }
      return {};
    },
  });
}

function permissionWords(): string {
  if (!("Notification" in window)) return "This browser has no notifications; windows' tabs are marked.";
  if (Notification.permission === "denied") {
    return "This browser does not let the page notify; windows' tabs and the title are marked.";
  }
  return "Windows' tabs and the title are marked, and the browser notifies you while this page is hidden.";
}

function secondsField(value: number): HTMLInputElement {
  return h("input", {
    type: "number",
    min: "1",
    max: String(MOST_SECONDS),
    step: "1",
    inputMode: "numeric",
    value: value === 0 ? "" : String(value),
  });
}

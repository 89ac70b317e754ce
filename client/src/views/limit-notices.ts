/** What the hub says of limits: a banner over the terminal until it is closed, a mark in the bar while it lasts. */

import { h, iconButton } from "../dom.ts";
import type { JsonObject } from "../frames.ts";
import { type Limit, limitMark, limitWords, parseLimit } from "../limits.ts";
import { bareText } from "./names.ts";
import { notice } from "./notices.ts";

/** After a reconnect the hub says at once what still holds. */
const CONFIRM_MS = 2000;

export class LimitNotices {
  /** It stays in the page: a live region that comes with its text is not read out. */
  readonly banner = h("div", { className: "limits", attrs: { role: "status", "aria-live": "polite" } });
  readonly mark = h("span", { className: "limit-marks" });
  private readonly limits = new Map<string, Limit>();
  private readonly boxes = new Map<string, HTMLElement>();
  private readonly closed = new Set<string>();
  private unconfirmed = new Set<string>();
  private timer = 0;

  constructor(private readonly closedByPerson: () => void) {}

  stop(): void {
    clearTimeout(this.timer);
  }

  /** An event of type `limit`. */
  told(event: JsonObject): void {
    const limit = parseLimit(event);
    if (limit === null) return;
    if (limit.name === "memory" && limit.state === "over") {
      // That was a moment, and is over.
      notice(bareText(limit.message));
      return;
    }
    this.unconfirmed.delete(limit.name);
    if (limit.state === "ok") this.limits.delete(limit.name);
    else this.limits.set(limit.name, limit);
    this.show(limit);
    this.drawMark();
  }

  /** There is a connection again: what is not said now is over. */
  welcome(): void {
    this.unconfirmed = new Set(this.limits.keys());
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      for (const name of this.unconfirmed) {
        this.limits.delete(name);
        this.take(name);
      }
      this.drawMark();
    }, CONFIRM_MS);
  }

  private show(limit: Limit): void {
    const words = bareText(limitWords(limit, Date.now() / 1000));
    const before = this.boxes.get(limit.name);
    if (before?.dataset.words === words) return;
    this.take(limit.name);
    if (limit.state === "ok" || this.closed.has(words)) return;
    const close = () => {
      // It is said again after each reconnect.
      this.closed.add(words);
      this.take(limit.name);
      this.closedByPerson();
    };
    const box = h("div", { className: "limit" }, h("p", {}, words), iconButton("close", "Close", close));
    box.dataset.words = words;
    box.dataset.state = limit.state;
    this.boxes.set(limit.name, box);
    this.banner.append(box);
  }

  private take(name: string): void {
    this.boxes.get(name)?.remove();
    this.boxes.delete(name);
  }

  private drawMark(): void {
    const now = Date.now() / 1000;
    const marks = [...this.limits.values()].flatMap((limit) => {
      const words = limitMark(limit, now);
      if (words === null) return [];
      return h("span", { className: "limit-mark", title: bareText(limit.message) }, words);
    });
    this.mark.replaceChildren(...marks);
  }
}

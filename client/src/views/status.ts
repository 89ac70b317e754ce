/** What state the connection is in, always visible; a banner when it is broken. */

import { h } from "../dom.ts";
import type { SessionState } from "../session-types.ts";

/** A break shorter than this is not worth a banner. */
const PATIENCE_MS = 800;
const SMOOTHING = 0.3;

export class Status {
  /** A dot and the latency. */
  readonly element: HTMLElement;
  /** Says that the connection is broken and when it is tried again. */
  readonly banner: HTMLElement;
  private readonly dot = h("span", { className: "dot", attrs: { "aria-hidden": "true" } });
  private readonly words = h("span", { className: "status-words" });
  private readonly spoken = h("span", { className: "hidden-text", attrs: { role: "status" } });
  private readonly bannerText = h("span", {});
  private readonly retry: HTMLButtonElement;
  private average: number | null = null;
  private countdown = 0;
  private patience = 0;
  private wasAttached = false;

  constructor(retryNow: () => void) {
    this.retry = h("button", { type: "button", className: "button small", onclick: retryNow }, "Try now");
    this.element = h("div", { className: "status" }, this.dot, this.words, this.spoken);
    this.banner = h("div", { className: "banner", hidden: true }, this.bannerText, this.retry);
    this.show("connecting", "Connecting");
  }

  /** The round trip took so long. */
  latency(milliseconds: number): void {
    const before = this.average ?? milliseconds;
    this.average = before + SMOOTHING * (milliseconds - before);
    const shown = this.average < 1 ? "<1" : Math.round(this.average).toString();
    this.words.textContent = `${shown} ms`;
    this.element.title = `Connected; round trip to the server ${shown} ms`;
  }

  /** Draws `state`; `waiting` bytes of input have not been accepted. */
  state(state: SessionState, waiting: number): void {
    clearInterval(this.countdown);
    if (state.name === "attached" || state.name === "closed") {
      clearTimeout(this.patience);
      this.patience = 0;
      if (state.name === "attached" && !this.banner.hidden) this.spoken.textContent = "Connected again";
      this.wasAttached ||= state.name === "attached";
      this.average = null;
      this.banner.hidden = true;
      this.show(state.name, state.name === "attached" ? "Connected" : "Not connected");
      return;
    }
    this.show(state.name, this.wasAttached ? "Reconnecting" : "Connecting");
    this.explain(state, waiting);
    if (this.patience === 0 && this.banner.hidden) {
      this.patience = window.setTimeout(() => this.reveal(), PATIENCE_MS);
    }
  }

  dispose(): void {
    clearInterval(this.countdown);
    clearTimeout(this.patience);
  }

  private reveal(): void {
    this.banner.hidden = false;
    this.spoken.textContent = "There is no connection. Trying again.";
  }

  private show(name: string, words: string): void {
    this.element.dataset.state = name;
    this.words.textContent = words;
    this.element.title = words;
  }

  private explain(state: SessionState, waiting: number): void {
    const kept = waiting > 0 ? " What you type is kept." : "";
    this.retry.hidden = state.name !== "waiting";
    if (state.name !== "waiting") {
      this.bannerText.textContent = `${this.wasAttached ? "Connecting again" : "Connecting"}…${kept}`;
      return;
    }
    const reason = state.reason || "The server cannot be reached.";
    const tell = () => {
      const seconds = Math.ceil((state.until - performance.now()) / 1000);
      this.bannerText.textContent = `${reason} Trying again${seconds > 0 ? ` in ${seconds} s` : ""}.${kept}`;
    };
    tell();
    this.countdown = window.setInterval(tell, 500);
  }
}

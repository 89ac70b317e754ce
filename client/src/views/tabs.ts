/** The windows of a console as tabs: roving focus, marks for activity and the bell. */

import { h, icon } from "../dom.ts";
import type { Pane } from "../panes.ts";

export interface TabsEvents {
  activate(window: number): void;
  close(window: number): void;
}

/** What a tab is called. */
export function tabTitle(pane: Pane): string {
  return pane.title || pane.program || `Window ${pane.window}`;
}

function stateWords({ exit, news, bell, activity }: Pane): string {
  if (exit !== null) return ", ended";
  if (news === "finished") return ", a command finished";
  if (news === "silence") return ", silent";
  if (bell) return ", rang";
  return activity ? ", new output" : "";
}

export class Tabs {
  readonly element = h("div", { className: "tabs", attrs: { role: "tablist", "aria-label": "Windows" } });
  private drawn = "";

  constructor(private readonly events: TabsEvents) {
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  draw(panes: readonly Pane[], active: number, closable: boolean): void {
    const next = JSON.stringify([panes, active, closable]);
    if (next === this.drawn) return;
    this.drawn = next;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren(...panes.map((pane) => this.tab(pane, pane.window === active, closable)));
    const selected = this.element.querySelector<HTMLElement>("[aria-selected=true]");
    if (hadFocus) selected?.focus();
    selected?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  private tab(pane: Pane, active: boolean, closable: boolean): HTMLElement {
    const title = tabTitle(pane);
    const state = stateWords(pane);
    const tab = h(
      "button",
      {
        type: "button",
        className: "tab",
        title: `${title}${state}`,
        tabIndex: active ? 0 : -1,
        onclick: () => this.events.activate(pane.window),
        attrs: {
          role: "tab",
          "aria-selected": String(active),
          "aria-label": `${title}${state}`,
          "data-window": String(pane.window),
          ...(closable ? { "aria-keyshortcuts": "Delete" } : {}),
        },
      },
      h("span", { className: "tab-title" }, title),
    );
    if (pane.exit !== null) tab.classList.add("ended");
    if (pane.news === "finished" || pane.news === "silence") tab.classList.add(pane.news);
    else if (pane.bell) tab.classList.add("rang");
    else if (pane.activity) tab.classList.add("busy");
    const box = h(
      "div",
      { className: active ? "tab-box active" : "tab-box", attrs: { role: "presentation" } },
      tab,
    );
    if (closable) {
      const label = `Close ${title}`;
      const close = h(
        "button",
        {
          type: "button",
          className: "tab-close",
          title: label,
          tabIndex: -1,
          // For the mouse; on the keyboard the tab itself takes Delete.
          attrs: { "aria-hidden": "true" },
        },
        icon("close"),
      );
      close.addEventListener("click", () => this.events.close(pane.window));
      box.append(close);
    }
    return box;
  }

  private key(event: KeyboardEvent): void {
    const tabs = [...this.element.querySelectorAll<HTMLElement>("[role=tab]")];
    const at = tabs.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const target = tabs.at(next % tabs.length);
      target?.focus();
      target?.click();
    } else if (event.key === "Delete") {
      this.events.close(Number(tabs[at]?.dataset.window));
    }
  }
}

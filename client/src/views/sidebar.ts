/**
 * The sidebar of a console: panels behind tabs; on a narrow screen a sheet from below.
 *
 * A panel is whatever has a name and an element.  The tab strip follows the tabs pattern of the ARIA
 * Authoring Practices: arrow keys move, the panel is next in the tab order, Escape closes.
 */

import { h, iconButton } from "../dom.ts";

/** One tab of the sidebar. */
export interface Panel {
  readonly id: string;
  readonly label: string;
  readonly element: HTMLElement;
  /** It came into view. */
  shown?(): void;
  /** It is no longer in view. */
  left?(): void;
}

interface Tab {
  readonly panel: Panel;
  readonly button: HTMLButtonElement;
  readonly badge: HTMLElement;
  readonly box: HTMLElement;
}

let serial = 0;

export class Sidebar {
  readonly element: HTMLElement;
  private readonly tabs = new Map<string, Tab>();
  private readonly strip = h("div", {
    className: "side-tabs",
    attrs: { role: "tablist", "aria-label": "Working together" },
  });
  private current: string | null = null;

  /** @param closed the person closed it; the focus belongs elsewhere */
  constructor(
    private readonly closed: () => void,
    private readonly changed: () => void,
  ) {
    this.element = h(
      "aside",
      { className: "sidebar", hidden: true, attrs: { "aria-label": "Working together" } },
      h(
        "div",
        { className: "side-head" },
        this.strip,
        iconButton("close", "Close", () => this.close()),
      ),
    );
    this.strip.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      this.close();
    });
  }

  /** Adds `panel` behind the others. */
  add(panel: Panel): void {
    const id = `side-${++serial}`;
    const badge = h("span", { className: "badge", hidden: true });
    const button = h(
      "button",
      {
        type: "button",
        className: "side-tab",
        id: `${id}-tab`,
        onclick: () => this.show(panel.id),
        attrs: { role: "tab", "aria-controls": id, "aria-selected": "false" },
      },
      panel.label,
      badge,
    );
    const box = h(
      "div",
      {
        className: "side-panel",
        id,
        hidden: true,
        attrs: { role: "tabpanel", "aria-labelledby": button.id },
      },
      panel.element,
    );
    button.tabIndex = this.tabs.size === 0 ? 0 : -1;
    this.tabs.set(panel.id, { panel, button, badge, box });
    this.strip.append(button);
    this.element.append(box);
  }

  /** The panel in view, or null while the sidebar is closed. */
  get open(): string | null {
    return this.element.hidden ? null : this.current;
  }

  /** Shows the panel `id`, and the sidebar if need be. */
  show(id: string): void {
    const tab = this.tabs.get(id);
    if (tab === undefined || this.open === id) return;
    this.leave();
    for (const [other, { button, box }] of this.tabs) {
      const isThis = other === id;
      button.setAttribute("aria-selected", String(isThis));
      button.tabIndex = isThis ? 0 : -1;
      box.hidden = !isThis;
    }
    this.current = id;
    this.element.hidden = false;
    tab.panel.shown?.();
    this.changed();
  }

  /** Opens the panel seen last, or closes the sidebar. */
  toggle(): void {
    if (this.open !== null) return this.close();
    const first = this.tabs.keys().next().value;
    const id = this.current ?? first;
    if (id === undefined) return;
    this.show(id);
    this.focus();
  }

  close(): void {
    if (this.element.hidden) return;
    this.leave();
    this.element.hidden = true;
    this.changed();
    this.closed();
  }

  /** Puts the focus on the tab in view. */
  focus(): void {
    if (this.current !== null) this.tabs.get(this.current)?.button.focus();
  }

  /** Shows `count` at the tab of panel `id`; 0 takes it away. */
  setBadge(id: string, count: number, words = "new"): void {
    const badge = this.tabs.get(id)?.badge;
    if (badge === undefined) return;
    badge.hidden = count === 0;
    badge.replaceChildren(
      count > 99 ? "99+" : String(count),
      h("span", { className: "hidden-text" }, ` ${words}`),
    );
    this.changed();
  }

  /** Whether a tab has a badge. */
  get hasNews(): boolean {
    return [...this.tabs.values()].some(({ badge }) => !badge.hidden);
  }

  private leave(): void {
    if (this.open !== null) this.tabs.get(this.open)?.panel.left?.();
  }

  private key(event: KeyboardEvent): void {
    const all = [...this.tabs.values()].map(({ button }) => button);
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const target = all.at(next % all.length);
    target?.click();
    target?.focus();
  }
}

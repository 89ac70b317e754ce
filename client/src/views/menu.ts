/** A button that opens a list of actions; arrow keys move, Escape closes, focus comes back. */

import { h, type IconName, icon } from "../dom.ts";

export interface MenuItem {
  readonly label: string;
  readonly run: () => void;
  readonly hint?: string;
  /** Shown with a mark when true; then the item is a choice. */
  readonly checked?: boolean;
  readonly danger?: boolean;
}

/** Items, with null for a line between groups and a string for a heading. */
export type MenuContent = readonly (MenuItem | string | null)[];

/**
 * A menu button; `content` is asked each time it opens.  `after` runs when a choice was made that did
 * not move the focus.
 */
export function menuButton(
  label: string,
  face: IconName | HTMLElement,
  content: () => MenuContent,
  after: () => void = () => {},
): HTMLElement {
  const button = h(
    "button",
    {
      type: "button",
      className: typeof face === "string" ? "icon-button" : "chip",
      title: label,
      attrs: { "aria-haspopup": "menu", "aria-expanded": "false" },
    },
    h("span", { className: "hidden-text" }, `${label} `),
    typeof face === "string" ? icon(face) : face,
  );
  const root = h("div", { className: "menu-root" }, button);
  let menu: HTMLElement | null = null;

  function close(focus: boolean): void {
    if (menu === null) return;
    menu.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (focus) button.focus();
  }

  function outside(event: PointerEvent): void {
    if (event.target instanceof Node && !root.contains(event.target)) close(false);
  }

  function choose(item: MenuItem): void {
    close(true);
    item.run();
    if (document.activeElement === button) after();
  }

  function open(): void {
    menu = h("div", { className: "menu", attrs: { role: "menu", "aria-label": label } });
    menu.append(...content().map((entry) => draw(entry, choose)));
    menu.addEventListener("keydown", (event) => move(event));
    root.append(menu);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    keepInView(menu);
    items()[0]?.focus();
  }

  function items(): HTMLElement[] {
    return [...(menu?.querySelectorAll<HTMLElement>("button") ?? [])];
  }

  function move(event: KeyboardEvent): void {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      close(true);
      if (event.key === "Escape") event.preventDefault();
    } else if (next !== undefined) {
      event.preventDefault();
      all.at(next % all.length)?.focus();
    }
  }

  button.addEventListener("click", () => (menu === null ? open() : close(true)));
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && menu === null) {
      event.preventDefault();
      open();
    }
  });
  return root;
}

function draw(entry: MenuItem | string | null, choose: (item: MenuItem) => void): HTMLElement {
  if (entry === null) return h("hr", { attrs: { role: "separator" } });
  if (typeof entry === "string") return h("div", { className: "menu-heading" }, entry);
  const attrs: Record<string, string> = { role: "menuitem" };
  if (entry.checked !== undefined) {
    attrs.role = "menuitemcheckbox";
    attrs["aria-checked"] = String(entry.checked);
  }
  return h(
    "button",
    {
      type: "button",
      className: entry.danger ? "menu-item danger" : "menu-item",
      onclick: () => choose(entry),
      attrs,
    },
    h("span", {}, entry.label),
    entry.hint !== undefined && h("kbd", {}, entry.hint),
  );
}

/** A menu near the right edge opens to the left. */
function keepInView(menu: HTMLElement): void {
  const box = menu.getBoundingClientRect();
  if (box.right > innerWidth - 8) menu.classList.add("to-left");
  menu.style.maxHeight = `${Math.max(160, innerHeight - box.top - 12)}px`;
}

/** The keys a phone's keyboard lacks.  Ctrl and Alt hold for the next key. */

import { h } from "../dom.ts";
import { type Arrow, arrow, type Modifiers, modified } from "../terminal/keys.ts";

export interface KeyBarEvents {
  /** Sends `text` as typed. */
  type(text: string): void;
  /** Whether the terminal is in application cursor mode. */
  applicationCursor(): boolean;
  paste(): void;
  /** Puts the focus back into the terminal. */
  focus(): void;
}

const NONE: Modifiers = { ctrl: false, alt: false };

const ARROWS: readonly (readonly [Arrow, string, string])[] = [
  ["left", "←", "Left"],
  ["down", "↓", "Down"],
  ["up", "↑", "Up"],
  ["right", "→", "Right"],
];

export class KeyBar {
  readonly element: HTMLElement;
  private held: Modifiers = NONE;
  private readonly ctrl: HTMLButtonElement;
  private readonly alt: HTMLButtonElement;

  constructor(private readonly events: KeyBarEvents) {
    this.ctrl = this.key("Ctrl", "Control, for the next key", () =>
      this.hold({ ...this.held, ctrl: !this.held.ctrl }),
    );
    this.alt = this.key("Alt", "Alt, for the next key", () =>
      this.hold({ ...this.held, alt: !this.held.alt }),
    );
    this.element = h(
      "div",
      { className: "key-bar", attrs: { role: "toolbar", "aria-label": "Keys" } },
      this.key("Esc", "Escape", () => this.type("\x1b")),
      this.key("Tab", "Tab", () => this.type("\t")),
      this.ctrl,
      this.alt,
      ...ARROWS.map(([name, face, label]) => this.key(face, label, () => this.arrow(name))),
      ...["|", "~", "-", "/"].map((text) =>
        this.key(text, `Type ${text}`, () => this.type(this.transform(text))),
      ),
      this.key("^C", "Control C, interrupt", () => this.type("\x03")),
      this.key("Paste", "Paste", () => this.events.paste()),
    );
    this.hold(NONE);
  }

  /** What `text` from the keyboard becomes with the modifiers held; they are let go. */
  transform(text: string): string {
    if (!this.held.ctrl && !this.held.alt) return text;
    const result = modified(text, this.held);
    this.hold(NONE);
    return result;
  }

  private arrow(name: Arrow): void {
    const text = arrow(name, this.events.applicationCursor(), this.held);
    this.hold(NONE);
    this.type(text);
  }

  private type(text: string): void {
    this.events.type(text);
    this.events.focus();
  }

  private hold(modifiers: Modifiers): void {
    this.held = modifiers;
    this.ctrl.setAttribute("aria-pressed", String(modifiers.ctrl));
    this.alt.setAttribute("aria-pressed", String(modifiers.alt));
  }

  private key(face: string, label: string, press: () => void): HTMLButtonElement {
    const button = h(
      "button",
      { type: "button", className: "key", title: label, attrs: { "aria-label": label } },
      face,
    );
    // The terminal keeps the focus, so that the on-screen keyboard stays.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", press);
    return button;
  }
}

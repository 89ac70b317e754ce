/** What is said over a terminal that shows nothing new: why, and what can be done about it. */

import { h } from "../dom.ts";

export type NoteAction = readonly [label: string, run: () => void];

export class Note {
  readonly element = h("div", { className: "note", hidden: true, attrs: { role: "status" } });
  private isAboutExit = false;

  /** Says `words`, until something else is said or it is hidden. */
  say(words: string, actions: readonly NoteAction[] = []): void {
    this.isAboutExit = false;
    const buttons = actions.map(([label, run]) =>
      h("button", { type: "button", className: "button small", onclick: run }, label),
    );
    this.element.replaceChildren(h("p", {}, words), ...buttons);
    this.element.hidden = false;
  }

  hide(): void {
    this.element.hidden = true;
  }

  /** Says how the program of the window in view ended; null: it runs. */
  sayExit(words: string | null, actions: readonly NoteAction[]): void {
    if (words === null) {
      if (this.isAboutExit) this.hide();
      return;
    }
    this.say(words, actions);
    this.isAboutExit = true;
  }
}

/** What is wrong with a field, said next to it. */

import { h } from "../dom.ts";
import { ApiError, errorWords } from "../rest.ts";

export class FieldProblem {
  readonly element = h("p", { className: "problem", attrs: { role: "alert" } });

  constructor(private readonly control: HTMLElement) {}

  /** Says it; an empty text takes it back. */
  say(words: string): void {
    this.element.textContent = words;
    this.control.setAttribute("aria-invalid", String(words !== ""));
    if (words !== "") this.control.focus();
  }

  /** Does `work` with `button` disabled, and says what went wrong with it. */
  async watch(button: HTMLButtonElement, loginNeeded: () => void, work: () => Promise<void>): Promise<void> {
    button.disabled = true;
    this.say("");
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return loginNeeded();
      this.say(errorWords(error));
    } finally {
      button.disabled = false;
    }
  }
}

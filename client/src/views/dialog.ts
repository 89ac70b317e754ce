/** Questions to the person, as modal dialogs: focus goes in, Escape means no, focus comes back. */

import { h } from "../dom.ts";

let serial = 0;

interface DialogOptions<T> {
  readonly title: string;
  readonly content: readonly (Node | string)[];
  readonly action: string;
  readonly danger?: boolean;
  /** The answer; a string is what is wrong, and keeps the dialog open. */
  readonly answer: () => Promise<T | string> | T | string;
}

/** Shows a dialog; resolves with the answer, or null when the person declines. */
export function ask<T extends object>(options: DialogOptions<T>): Promise<T | null> {
  const id = `dialog-${++serial}`;
  const before = document.activeElement;
  const problem = h("p", { className: "problem", attrs: { role: "alert" } });
  const action = h(
    "button",
    { type: "submit", className: options.danger ? "button danger" : "button primary" },
    options.action,
  );
  const cancel = h("button", { type: "button", className: "button" }, "Cancel");
  const form = h(
    "form",
    { method: "dialog", noValidate: true },
    h("h2", { id }, options.title),
    ...options.content,
    problem,
    h("div", { className: "actions" }, cancel, action),
  );
  const dialog = h("dialog", { className: "dialog", attrs: { "aria-labelledby": id } }, form);
  document.body.append(dialog);

  return new Promise((resolve) => {
    let result: T | null = null;
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve(result);
    });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (action.disabled) return;
      action.disabled = true;
      try {
        const answer = await options.answer();
        if (typeof answer === "string") {
          problem.textContent = answer;
        } else {
          result = answer;
          dialog.close();
        }
      } catch (error) {
        problem.textContent = error instanceof Error ? error.message : String(error);
      } finally {
        action.disabled = false;
      }
    });
    dialog.showModal();
    const first = form.querySelector<HTMLElement>("input, select, textarea");
    (first ?? (options.danger ? cancel : action)).focus();
    if (first instanceof HTMLInputElement) first.select();
  });
}

/** Asks yes or no; `work` is done while the dialog waits, so that it can say what went wrong. */
export async function confirm(
  title: string,
  text: string,
  action: string,
  danger: boolean,
  work: () => Promise<void> = async () => {},
): Promise<boolean> {
  const answer = await ask({
    title,
    content: [h("p", {}, text)],
    action,
    danger,
    answer: async () => {
      await work();
      return {};
    },
  });
  return answer !== null;
}

/** A labelled field, with a hint below it. */
export function field(label: string, control: HTMLElement, hint = ""): HTMLElement {
  const id = `field-${++serial}`;
  control.id = id;
  const children: Node[] = [h("label", { htmlFor: id }, label), control];
  if (hint !== "") {
    const hintId = `${id}-hint`;
    control.setAttribute("aria-describedby", hintId);
    children.push(h("small", { id: hintId }, hint));
  }
  return h("div", { className: "field" }, ...children);
}

/** Questions to the person, as modal dialogs: focus goes in, Escape means no, focus comes back. */

import { h } from "../dom.ts";
import { explain } from "./problem.ts";

let serial = 0;

interface DialogOptions<T> {
  readonly title: string;
  readonly content: readonly (Node | string)[];
  readonly action: string;
  /** What the button that declines says. */
  readonly decline?: string;
  readonly danger?: boolean;
  /** Closes the dialog, as if the person had declined. */
  readonly until?: AbortSignal;
  /** The answer; a string is what is wrong, and keeps the dialog open. */
  readonly answer: () => Promise<T | string> | T | string;
}

/** Shows a dialog; resolves with the answer, or null when the person declines. */
export async function ask<T extends object>(options: DialogOptions<T>): Promise<T | null> {
  const problem = h("p", { className: "problem", attrs: { role: "alert" } });
  const action = h(
    "button",
    { type: "submit", className: options.danger ? "button danger" : "button primary" },
    options.action,
  );
  const cancel = h("button", { type: "button", className: "button" }, options.decline ?? "Cancel");
  const form = h(
    "form",
    { method: "dialog", noValidate: true },
    ...options.content,
    problem,
    h("div", { className: "actions" }, cancel, action),
  );
  let result: T | null = null;
  const dialog = openDialog(options.title, form);
  cancel.addEventListener("click", dialog.close);
  options.until?.addEventListener("abort", dialog.close);
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
      problem.replaceChildren(...explain(error));
    } finally {
      action.disabled = false;
    }
  });
  const first = form.querySelector<HTMLElement>("input, select, textarea");
  (first ?? (options.danger ? cancel : action)).focus();
  if (first instanceof HTMLInputElement) first.select();
  await dialog.closed;
  return result;
}

/** A modal dialog in view. */
interface OpenDialog {
  readonly element: HTMLDialogElement;
  readonly close: () => void;
  /** Resolves once it is closed, and the focus is back where it was. */
  readonly closed: Promise<void>;
}

/** Opens a modal dialog with `content`; Escape and a click beside it close it. */
export function openDialog(title: string, ...content: Node[]): OpenDialog {
  const id = `dialog-${++serial}`;
  const before = document.activeElement;
  const element = h(
    "dialog",
    { className: "dialog", attrs: { "aria-labelledby": id } },
    h("h2", { id }, title),
    ...content,
  );
  document.body.append(element);
  const close = () => element.close();
  // A selection that is drawn out of a field and ends outside is no click beside the dialog.
  element.addEventListener("pointerdown", (event) => {
    if (event.target === element && isBeside(element, event)) close();
  });
  // A link leads to another page, and nothing may stand before that.
  element.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link !== null && link.target === "" && !link.hasAttribute("download")) close();
  });
  const closed = new Promise<void>((resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve();
    });
  });
  element.showModal();
  return { element, close, closed };
}

/** The backdrop belongs to the dialog; only the place tells them apart. */
function isBeside(element: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
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

/** The question whether a key that came by ssh is the person's. */

import { ApiError } from "../api.ts";
import { h } from "../dom.ts";
import { algorithmName, type Key, type KeyOffer } from "../keys.ts";
import { field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";
import type { PageContext } from "./page.ts";

interface OfferEvents {
  added(key: Key): Promise<void>;
  /** The question is answered, or was not to be had. */
  closed(): void;
}

/** Shows the key that `code` is for, once started, and adds it when the person says that it is theirs. */
export function offerCard(
  { api, loginNeeded }: PageContext,
  code: string,
  events: OfferEvents,
): { readonly element: HTMLElement; start(): void } {
  const title = h("h2", { id: "offer-title", tabIndex: -1 }, "A key from your terminal");
  const body = h("div", { className: "offer-body" }, h("p", { className: "muted" }, "Looking for the key…"));
  const element = h("section", { className: "card", attrs: { "aria-labelledby": title.id } }, title, body);

  function close(): void {
    element.remove();
    events.closed();
  }

  async function start(): Promise<void> {
    try {
      ask(await api.keyOffer(code));
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return loginNeeded();
      say(error instanceof Error ? error.message : String(error), "problem");
    }
    title.focus();
  }

  function ask(offer: KeyOffer): void {
    title.textContent = "Is this your key?";
    const label = h("input", { name: "label", maxLength: 100, autocomplete: "off", placeholder: "laptop" });
    const problem = new FieldProblem(label);
    const add = h("button", { type: "submit", className: "button primary" }, "Yes, add it");
    const refuse = h("button", { type: "button", className: "button", onclick: close }, "No");
    const form = h(
      "form",
      { className: "key-form", noValidate: true },
      facts(offer),
      h(
        "p",
        { className: "warning" },
        "Say yes only if you have just connected by ssh yourself and your terminal shows this code. " +
          "Whoever has the key can use your consoles.",
      ),
      field("Label", label, "What to call it."),
      problem.element,
      h("div", { className: "form-actions" }, add, refuse),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void problem.watch(add, loginNeeded, async () => {
        const key = await api.acceptKeyOffer(offer.code, label.value.trim());
        title.textContent = "The key opens your account now";
        say("Go back to your terminal and press Enter.", "");
        title.focus();
        events.closed();
        await events.added(key);
      });
    });
    body.replaceChildren(form);
  }

  function say(words: string, className: string): void {
    const done = h("button", { type: "button", className: "button", onclick: close }, "Close");
    body.replaceChildren(
      h("p", { className, attrs: { role: "status" } }, words),
      h("div", { className: "form-actions" }, done),
    );
  }

  return { element, start: () => void start() };
}

function facts(offer: KeyOffer): HTMLElement {
  const rows: readonly (readonly [string, Node | string])[] = [
    ["Code", h("code", {}, offer.code)],
    ["Fingerprint", h("code", { className: "fingerprint" }, offer.fingerprint)],
    ["Type", algorithmName(offer.algorithm)],
    ["Came from", offer.address || "an unknown address"],
  ];
  return h(
    "dl",
    { className: "facts" },
    ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

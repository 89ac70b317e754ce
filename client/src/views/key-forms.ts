/** The forms that add a key: paste it, choose or drop its file, or type the code that ssh showed. */

import { h } from "../dom.ts";
import { type Key, keyProblem, MOST_KEY_BYTES } from "../keys.ts";
import { field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";
import type { PageContext } from "./page.ts";

/** Pastes, chooses or drops a public key. */
export function addKeyForm(
  { api, loginNeeded }: PageContext,
  added: (key: Key) => Promise<void>,
): HTMLElement {
  const text = h("textarea", {
    name: "key",
    rows: 4,
    spellcheck: false,
    autocomplete: "off",
    autocapitalize: "none",
    className: "paste-area",
    placeholder: "ssh-ed25519 AAAA…",
  });
  const label = h("input", { name: "label", maxLength: 100, autocomplete: "off" });
  const problem = new FieldProblem(text);
  const button = h("button", { type: "submit", className: "button primary" }, "Add key");
  const file = h("input", { type: "file", hidden: true });
  const choose = h(
    "button",
    { type: "button", className: "button", onclick: () => file.click() },
    "Choose a file…",
  );
  const form = h(
    "form",
    { className: "key-form", noValidate: true },
    field("Public key", text, "The one line in your .pub file. You can drop the file here."),
    problem.element,
    field("Label", label, "What to call it; empty for the name in the key."),
    h("div", { className: "form-actions" }, button, choose, file),
  );

  async function take(files: FileList | null | undefined): Promise<void> {
    const chosen = files?.[0];
    if (chosen === undefined) return;
    const found = chosen.size > MOST_KEY_BYTES ? "x".repeat(MOST_KEY_BYTES + 1) : await chosen.text();
    const wrong = keyProblem(found);
    text.value = wrong === null ? found.trim() : "";
    problem.say(wrong ?? "");
    if (wrong === null) button.focus();
  }

  file.addEventListener("change", () => {
    // The same file may be chosen again after it was mended.
    void take(file.files).then(() => {
      file.value = "";
    });
  });
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("dropping");
  });
  form.addEventListener("dragleave", () => form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("dropping");
    const dropped = event.dataTransfer;
    if (dropped?.files.length) void take(dropped.files);
    else text.value = dropped?.getData("text/plain") ?? "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = keyProblem(text.value);
    if (wrong !== null) {
      // A private key must not stay on the page either.
      if (wrong.includes("PRIVATE")) text.value = "";
      return problem.say(wrong);
    }
    void problem.watch(button, loginNeeded, async () => {
      const key = await api.addKey(text.value, label.value.trim());
      form.reset();
      await added(key);
    });
  });
  return form;
}

/** Takes the code that ssh showed to where its link leads. */
export function codeForm(): HTMLElement {
  const code = h("input", {
    name: "code",
    className: "code",
    maxLength: 20,
    placeholder: "ABCD-EFGH",
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: false,
  });
  const form = h(
    "form",
    { className: "code-form", noValidate: true },
    field("Or the code shown by ssh", code),
    h("button", { type: "submit", className: "button" }, "Look it up"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = code.value.trim();
    if (typed === "") return code.focus();
    location.hash = new URLSearchParams({ offer: typed }).toString();
  });
  return form;
}

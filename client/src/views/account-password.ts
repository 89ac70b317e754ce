/** The form that changes the password. */

import type { AccountApi } from "../account.ts";
import { h } from "../dom.ts";
import { field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";
import type { PageContext } from "./page.ts";

/** @param changed the other sessions have ended */
export function passwordForm(
  { me, loginNeeded }: PageContext,
  api: AccountApi,
  changed: () => Promise<void>,
): HTMLElement {
  const old = passwordField("current-password");
  const fresh = passwordField("new-password");
  const again = passwordField("new-password");
  const problem = new FieldProblem(fresh);
  const said = h("p", { className: "done", attrs: { role: "status" } });
  const button = h("button", { type: "submit", className: "button" }, "Change password");
  const form = h(
    "form",
    { className: "key-form", noValidate: true },
    // Password managers want to know whose it is.
    h("input", { type: "text", value: me.name, hidden: true, readOnly: true, autocomplete: "username" }),
    field("Current password", old, "Empty if the account has none."),
    h("div", { className: "pair" }, field("New password", fresh), field("New password again", again)),
    problem.element,
    h("div", { className: "form-actions" }, button, said),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = "";
    if (fresh.value === "") return problem.say("A new password, please.");
    if (fresh.value !== again.value) return problem.say("The two new passwords are not the same.");
    void problem.watch(button, loginNeeded, async () => {
      await api.setPassword(old.value, fresh.value);
      form.reset();
      said.textContent = "Changed. You are logged out everywhere else.";
      await changed();
    });
  });
  return h("section", { className: "part" }, h("h2", {}, "Password"), form);
}

function passwordField(autocomplete: "current-password" | "new-password"): HTMLInputElement {
  return h("input", { type: "password", autocomplete, maxLength: 1000 });
}

/** The form that sets or changes the password. */

import type { AccountApi } from "../account.ts";
import { h } from "../dom.ts";
import type { Part } from "./account.ts";
import { field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";
import { failure, type PageContext } from "./page.ts";

/** @param changed the other sessions have ended */
export function passwordPart(context: PageContext, api: AccountApi, changed: () => Promise<void>): Part {
  const { me, loginNeeded } = context;
  const old = passwordField("current-password");
  const fresh = passwordField("new-password");
  const again = passwordField("new-password");
  const ofOld = field("Current password", old);
  const none = h(
    "p",
    { className: "muted" },
    "You have none yet. It can be set within an hour after you logged in by a link.",
  );
  const problem = new FieldProblem(fresh);
  const said = h("p", { className: "done", attrs: { role: "status" } });
  const button = h("button", { type: "submit", className: "button" });
  let hasPassword = me.hasPassword;

  function draw(): void {
    ofOld.hidden = !hasPassword;
    none.hidden = hasPassword;
    button.textContent = hasPassword ? "Change password" : "Set password";
  }

  const form = h(
    "form",
    { className: "key-form", noValidate: true },
    // Password managers want to know whose it is.
    h("input", { type: "text", value: me.name, hidden: true, readOnly: true, autocomplete: "username" }),
    ofOld,
    none,
    h("div", { className: "pair" }, field("New password", fresh), field("New password again", again)),
    problem.element,
    h("div", { className: "form-actions" }, button, said),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = "";
    if (hasPassword && old.value === "") {
      problem.say("The current password, please.");
      return old.focus();
    }
    if (fresh.value === "") return problem.say("A new password, please.");
    if (fresh.value !== again.value) return problem.say("The two new passwords are not the same.");
    void problem.watch(button, loginNeeded, async () => {
      await api.setPassword(hasPassword ? old.value : "", fresh.value);
      form.reset();
      hasPassword = true;
      draw();
      said.textContent = "Done. You are logged out everywhere else.";
      await changed();
    });
  });
  draw();
  return {
    element: h("section", { className: "part" }, h("h2", {}, "Password"), form),
    refresh: async () => {
      try {
        ({ hasPassword } = await context.api.me());
        draw();
      } catch (error) {
        problem.say(failure(context, error));
      }
    },
  };
}

function passwordField(autocomplete: "current-password" | "new-password"): HTMLInputElement {
  return h("input", { type: "password", autocomplete, maxLength: 1000 });
}

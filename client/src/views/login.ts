/** Logging in with name and password.  A login link needs no page; `main.ts` posts it. */

import type { Api } from "../api.ts";
import { h } from "../dom.ts";
import { errorWords } from "../rest.ts";
import { field } from "./dialog.ts";
import type { Page } from "./page.ts";
import { themeButton } from "./theme.ts";

/** @param said why the person is here, if there is something to say */
export function loginPage(api: Api, said: string, done: () => void): Page {
  const name = h("input", { name: "name", autocomplete: "username", required: true, autocapitalize: "none" });
  const password = h("input", {
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const problem = h("p", { className: "problem", attrs: { role: "alert" } }, said);
  const button = h("button", { type: "submit", className: "button primary wide" }, "Log in");
  const form = h(
    "form",
    { className: "login", noValidate: true },
    h("h1", {}, h("span", { className: "wordmark large" }, "termhub")),
    h("p", { className: "muted" }, "Terminals that stay."),
    field("Name", name),
    field("Password", password),
    problem,
    button,
    h(
      "p",
      { className: "muted small" },
      "On the first start the server prints a link that logs you in without a password.",
    ),
  );
  const visit = h("button", { type: "button", className: "button wide" }, "Try without an account");
  const visiting = h(
    "div",
    { className: "login-visit", hidden: true },
    visit,
    h("p", { className: "muted small" }, "For a while: what you make is deleted afterwards."),
  );
  form.append(visiting);

  visit.addEventListener("click", async () => {
    visit.disabled = true;
    problem.textContent = "";
    try {
      await api.loginAsVisitor();
      done();
    } catch (error) {
      problem.textContent = errorWords(error);
    } finally {
      visit.disabled = false;
    }
  });

  async function offerVisit(): Promise<void> {
    try {
      visiting.hidden = !(await api.server()).guests;
    } catch {
      // Who has an account comes in without this, and is told there what is wrong.
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (name.value.trim() === "" || password.value === "") {
      problem.textContent = "Name and password, please.";
      (name.value.trim() === "" ? name : password).focus();
      return;
    }
    button.disabled = true;
    problem.textContent = "";
    try {
      await api.login(name.value.trim(), password.value);
      done();
    } catch (error) {
      problem.textContent = errorWords(error);
      password.select();
    } finally {
      button.disabled = false;
    }
  });
  const element = h(
    "div",
    { className: "centre" },
    h("div", { className: "corner" }, themeButton()),
    h("main", {}, form),
  );
  return {
    element,
    start: () => {
      name.focus();
      void offerVisit();
    },
  };
}

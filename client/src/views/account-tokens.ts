/** API tokens: listed, made, revoked.  A secret is shown once. */

import {
  type AccountApi,
  SCOPES,
  type Scope,
  TOKEN_DURATIONS,
  type Token,
  type WantedToken,
} from "../account.ts";
import { h } from "../dom.ts";
import { timeLeft } from "../shares.ts";
import type { Part } from "./account.ts";
import { copyLine } from "./copy-line.ts";
import { confirm, field } from "./dialog.ts";
import { FieldProblem } from "./field-problem.ts";
import { failure, type PageContext } from "./page.ts";
import { ago } from "./time.ts";

const DEFAULT_SCOPES: readonly Scope[] = ["read", "write"];
const DEFAULT_SECONDS = 90 * 86_400;

export function tokensPart(context: PageContext, api: AccountApi): Part {
  const list = h("ul", { className: "rows", tabIndex: -1, attrs: { "aria-label": "Your tokens" } });
  const spoken = h("p", { className: "hidden-text", attrs: { role: "status" } });
  const made = h("div", {});

  async function refresh(): Promise<void> {
    try {
      draw(await api.tokens());
    } catch (error) {
      list.replaceChildren(h("li", { className: "empty" }, failure(context, error)));
    }
  }

  function draw(tokens: readonly Token[]): void {
    const now = Date.now() / 1000;
    const none = h("li", { className: "empty muted" }, "No tokens yet.");
    list.replaceChildren(...(tokens.length === 0 ? [none] : tokens.map((token) => row(token, now))));
  }

  function row(token: Token, now: number): HTMLElement {
    const name = token.label || `Token ${token.number}`;
    const revoke = h(
      "button",
      { type: "button", className: "button small", onclick: () => void revokeToken(token, name) },
      "Revoke",
      h("span", { className: "hidden-text" }, ` ${name}`),
    );
    const details = [
      token.scopes.length > 0 && `may ${token.scopes.join(", ")}`,
      expiry(token, now),
      token.lastUsed === null ? "never used" : `used ${ago(token.lastUsed, now)}`,
    ];
    return h(
      "li",
      { className: "row" },
      h(
        "div",
        { className: "row-facts" },
        h("span", { className: "row-name" }, h("bdi", {}, name)),
        h("span", { className: "row-details" }, details.filter(Boolean).join(" · ")),
      ),
      revoke,
    );
  }

  async function revokeToken(token: Token, name: string): Promise<void> {
    const text = "What uses it is refused from now on, and what is attached with it is disconnected.";
    const work = () => api.revokeToken(token.number);
    if (!(await confirm(`Revoke ${name}?`, text, "Revoke token", true, work))) return;
    spoken.textContent = `${name} is revoked.`;
    await refresh();
    list.focus();
  }

  async function show(wanted: WantedToken): Promise<void> {
    const secret = await api.createToken(wanted);
    const title = h(
      "h3",
      { tabIndex: -1 },
      wanted.label === "" ? "Your new token" : `Your new token, ${wanted.label}`,
    );
    const close = h("button", { type: "button", className: "button small" }, "I have it");
    close.addEventListener("click", () => {
      made.replaceChildren();
      list.focus();
    });
    made.replaceChildren(
      h(
        "div",
        { className: "card" },
        title,
        h("p", {}, "Copy it now: it is shown only once, and the server keeps no copy."),
        copyLine(secret, "the token"),
        h("div", { className: "form-actions" }, close),
      ),
    );
    title.focus();
    await refresh();
  }

  const element = h(
    "section",
    { className: "part" },
    h("h2", {}, "API tokens"),
    h(
      "p",
      { className: "muted" },
      "For programs that use this server as you: the command line, scripts, your own tools.",
    ),
    spoken,
    made,
    list,
    tokenForm(context, show),
  );
  return { element, refresh };
}

function expiry(token: Token, now: number): string {
  if (token.expires === null) return "does not expire";
  return token.expires <= now ? "has expired" : `expires in ${timeLeft(token.expires, now)}`;
}

function tokenForm(
  { me, loginNeeded }: PageContext,
  make: (wanted: WantedToken) => Promise<void>,
): HTMLElement {
  const label = h("input", { name: "label", maxLength: 100, autocomplete: "off" });
  const offered = SCOPES.filter(([scope]) => scope !== "admin" || me.isAdmin);
  const boxes = offered.map(([scope, words]) => {
    const box = h("input", { type: "checkbox", name: "scope", value: scope });
    box.defaultChecked = DEFAULT_SCOPES.includes(scope);
    const line = h(
      "label",
      { className: "choice-item" },
      box,
      h("span", { className: "choice-name" }, scope),
      h("span", { className: "choice-words" }, words),
    );
    return { box, scope, line };
  });
  const scopes = h(
    "fieldset",
    { className: "choice" },
    h("legend", {}, "It may"),
    ...boxes.map(({ line }) => line),
  );
  const expires = h(
    "select",
    { name: "expires" },
    ...TOKEN_DURATIONS.map(([seconds, words]) =>
      h("option", { value: String(seconds), defaultSelected: seconds === DEFAULT_SECONDS }, words),
    ),
  );
  const problem = new FieldProblem(scopes);
  const button = h("button", { type: "submit", className: "button" }, "Make token");
  const form = h(
    "form",
    { className: "key-form", noValidate: true },
    h("div", { className: "pair" }, field("Label", label, "What it is for."), field("Lasts", expires)),
    scopes,
    problem.element,
    h("div", { className: "form-actions" }, button),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = boxes.filter(({ box }) => box.checked).map(({ scope }) => scope);
    if (chosen.length === 0) {
      problem.say("Choose what it may do.");
      return boxes[0]?.box.focus();
    }
    void problem.watch(button, loginNeeded, async () => {
      await make({ label: label.value.trim(), scopes: chosen, expiresIn: Number(expires.value) });
      form.reset();
    });
  });
  return h("details", { className: "make" }, h("summary", {}, "Make a token"), form);
}

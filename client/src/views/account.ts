/** `/account`: who one is, the plan, the password, where one is logged in, tokens, taking all along, leaving. */

import { AccountApi } from "../account.ts";
import { h } from "../dom.ts";
import { type Plan, planWords } from "../plans.ts";
import { replacePath } from "../router.ts";
import { passwordPart } from "./account-password.ts";
import { sessionsPart } from "./account-sessions.ts";
import { tokensPart } from "./account-tokens.ts";
import { ask, field } from "./dialog.ts";
import { failure, type Page, type PageContext } from "./page.ts";
import { dayOf } from "./time.ts";
import { topBar } from "./top-bar.ts";
import { visitorNote } from "./visitor.ts";
import "../styles/account.css";

/** A part of the page, which fetches what it shows. */
export interface Part {
  readonly element: HTMLElement;
  /** Fetches it (again). */
  refresh(): Promise<void>;
}

export function accountPage(context: PageContext): Page {
  const { me } = context;
  const api = new AccountApi(context.api.rest);
  const plans = plansPart(context, api);
  const parts = [plans, ...(me.expires === null ? credentialParts(context, api) : [])];
  const element = h(
    "div",
    { className: "list-page" },
    topBar(context),
    h(
      "main",
      { className: "sheet account" },
      h("div", { className: "sheet-head" }, h("h1", {}, "Account")),
      me.expires !== null && visitorNote(me.expires),
      facts(context),
      ...parts.map((part) => part.element),
      leavePart(context, api),
    ),
  );
  return {
    element,
    start: () => {
      document.title = "Account – termhub";
      for (const part of parts) void part.refresh();
    },
  };
}

/** What opens the account; visitors' accounts have nothing of their own that does. */
function credentialParts(context: PageContext, api: AccountApi): Part[] {
  const sessions = sessionsPart(context, api);
  return [passwordPart(context, api, () => sessions.refresh()), sessions, tokensPart(context, api)];
}

function facts({ me }: PageContext): HTMLElement {
  return h(
    "dl",
    { className: "facts" },
    h("dt", {}, "Name"),
    h("dd", {}, h("bdi", {}, me.name), me.isAdmin && " (administrator)"),
    h("dt", {}, "Since"),
    h("dd", {}, dayOf(me.created)),
    h("dt", {}, "More"),
    h(
      "dd",
      {},
      h("a", { href: "/usage" }, "Usage"),
      me.expires === null && " · ",
      me.expires === null && h("a", { href: "/keys" }, "Keys for ssh"),
      me.isAdmin && " · ",
      me.isAdmin && h("a", { href: "/admin" }, "Administration"),
    ),
  );
}

/** The plan in words, and the others there are. */
function plansPart(context: PageContext, api: AccountApi): Part {
  const body = h("div", { className: "plans" });
  const element = h("section", { className: "part" }, h("h2", {}, "Plan"), body);

  function draw(plans: readonly Plan[]): void {
    const yours = plans.find(({ isYours }) => isYours);
    const others = plans.filter((plan) => plan !== yours);
    body.replaceChildren(
      yours === undefined ? h("p", {}, `Your plan: ${context.me.plan}.`) : planCard(yours),
    );
    if (others.length === 0) return;
    body.append(
      h(
        "details",
        {},
        h("summary", {}, "Other plans of this server"),
        h("p", { className: "muted small" }, "Its operator can change yours; that counts at once."),
        ...others.map(planCard),
      ),
    );
  }

  return {
    element,
    refresh: async () => {
      try {
        draw(await api.plans());
      } catch (error) {
        body.replaceChildren(h("p", { className: "problem" }, failure(context, error)));
      }
    },
  };
}

function planCard(plan: Plan): HTMLElement {
  return h(
    "div",
    { className: plan.isYours ? "plan yours" : "plan" },
    h(
      "h3",
      {},
      plan.name,
      plan.isYours && h("span", { className: "tag" }, "yours"),
      plan.description !== "" && h("span", { className: "plan-words" }, plan.description),
    ),
    h(
      "dl",
      { className: "facts" },
      ...planWords(plan).flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]),
    ),
  );
}

/** Taking everything along, and leaving. */
function leavePart(context: PageContext, api: AccountApi): HTMLElement {
  const { me } = context;

  async function leave(): Promise<void> {
    // A password may have been set since this page came.
    const { hasPassword } = await context.api.me().catch(() => me);
    const name = h("input", { name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: false });
    const password = h("input", { name: "password", type: "password", autocomplete: "current-password" });
    const done = await ask({
      title: "Delete your account?",
      content: [
        h(
          "p",
          {},
          "Your consoles are ended, and your files, keys, tokens and shares are deleted. ",
          h("b", {}, "This cannot be undone"),
          ": nobody can bring them back.",
        ),
        field(`Type your name, ${me.name}, to go on`, name),
        hasPassword ? field("Password", password) : "",
      ],
      action: "Delete account",
      danger: true,
      answer: async () => {
        if (name.value.trim() !== me.name) return `Type ${me.name}, exactly so.`;
        await api.deleteAccount(me.name, password.value);
        return {};
      },
    });
    if (done === null) return;
    replacePath("/");
    context.logIn("Your account and all that was in it are deleted.");
  }

  return h(
    "section",
    { className: "part" },
    h("h2", {}, "Your data"),
    h(
      "p",
      { className: "muted" },
      "Everything you have here as one archive: your files, and what the server keeps of you.",
    ),
    h(
      "div",
      { className: "form-actions" },
      h(
        "a",
        { className: "button", href: api.exportAddress, download: `termhub-${me.name}.tar` },
        "Download everything",
      ),
      h(
        "button",
        { type: "button", className: "button quiet-danger", onclick: () => void leave() },
        "Delete account…",
      ),
    ),
  );
}

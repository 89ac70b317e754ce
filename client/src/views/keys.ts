/**
 * The keys that open the account by ssh: listed, added, removed.
 *
 * `/keys#offer=CODE` is the link that ssh shows somebody who came with a key that opens no account
 * yet; here the person says that it is theirs.
 */

import { ApiError } from "../api.ts";
import { h } from "../dom.ts";
import { algorithmName, type Key } from "../keys.ts";
import { replacePath } from "../router.ts";
import { copyLine } from "./copy-line.ts";
import { confirm } from "./dialog.ts";
import { addKeyForm, codeForm } from "./key-forms.ts";
import { offerCard } from "./key-offer.ts";
import type { Page, PageContext } from "./page.ts";
import { ago } from "./time.ts";
import { topBar } from "./top-bar.ts";

/** @param code that of an offered key, when the person came by its link */
export function keysPage(context: PageContext, code: string | null): Page {
  const { api } = context;
  const list = h("ul", { className: "rows", tabIndex: -1, attrs: { "aria-label": "Your keys" } });
  const spoken = h("p", { className: "hidden-text", attrs: { role: "status" } });
  const how = h("div", { className: "how" });

  async function refresh(): Promise<void> {
    try {
      draw(await api.keys());
    } catch (error) {
      if (error instanceof ApiError && error.notLoggedIn) return context.loginNeeded();
      list.replaceChildren(
        h("li", { className: "empty" }, error instanceof Error ? error.message : String(error)),
      );
    }
  }

  function draw(keys: readonly Key[]): void {
    const now = Date.now() / 1000;
    list.replaceChildren(...(keys.length === 0 ? [empty()] : keys.map((key) => row(key, now))));
  }

  function row(key: Key, now: number): HTMLElement {
    const name = key.label || algorithmName(key.algorithm);
    const used = key.lastUsed === null ? "never used" : `used ${ago(key.lastUsed, now)}`;
    const remove = h(
      "button",
      { type: "button", className: "button small", onclick: () => void removeKey(key, name) },
      "Remove",
      h("span", { className: "hidden-text" }, ` ${name}`),
    );
    return h(
      "li",
      { className: "row" },
      h(
        "div",
        { className: "row-facts" },
        h("span", { className: "row-name" }, name),
        h("code", { className: "fingerprint" }, key.fingerprint),
        h(
          "span",
          { className: "row-details" },
          [key.label !== "" && algorithmName(key.algorithm), `added ${ago(key.created, now)}`, used]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      remove,
    );
  }

  async function removeKey(key: Key, name: string): Promise<void> {
    const text = "It opens your account no more, and what is connected with it is disconnected.";
    if (!(await confirm(`Remove ${name}?`, text, "Remove key", true, () => api.removeKey(key.number))))
      return;
    spoken.textContent = `${name} was removed.`;
    await refresh();
    // The button that was pressed is gone.
    list.focus();
  }

  async function added(key: Key): Promise<void> {
    spoken.textContent = `${key.label || "The key"} was added.`;
    await refresh();
  }

  async function explain(): Promise<void> {
    let command = "";
    try {
      command = (await api.server()).ssh;
    } catch {
      // The list says what is wrong; this only helps.
    }
    how.replaceChildren(...howTo(command));
  }

  const offer =
    code === null ? null : offerCard(context, code, { added, closed: () => replacePath("/keys") });
  const element = h(
    "div",
    { className: "list-page" },
    topBar(context),
    h(
      "main",
      { className: "sheet" },
      offer?.element,
      h("div", { className: "sheet-head" }, h("h1", {}, "Keys for ssh")),
      spoken,
      list,
      h("section", { className: "part" }, h("h2", {}, "Add a key"), addKeyForm(context, added), codeForm()),
      h("section", { className: "part" }, h("h2", {}, "Connect"), how),
    ),
  );
  return {
    element,
    start: () => {
      document.title = "Keys – termhub";
      void refresh();
      void explain();
      offer?.start();
    },
  };
}

function empty(): HTMLElement {
  return h(
    "li",
    { className: "empty" },
    h("p", { className: "empty-title" }, "No keys yet"),
    h("p", { className: "muted" }, "With a key, ssh lets you in without asking for a password."),
  );
}

function howTo(command: string): HTMLElement[] {
  const make = h(
    "p",
    { className: "muted small" },
    "No key yet? ",
    h("code", {}, "ssh-keygen -t ed25519"),
    " makes one; the line to paste is then in ",
    h("code", {}, "~/.ssh/id_ed25519.pub"),
    ".",
  );
  if (command === "") {
    return [h("p", {}, "This server does not serve ssh just now; keys are kept for when it does."), make];
  }
  return [copyLine(command, "the command"), make];
}

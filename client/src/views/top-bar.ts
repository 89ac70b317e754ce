/** The bar above every page but a console's: the way to the list, colours, the account. */

import { h } from "../dom.ts";
import { navigate } from "../router.ts";
import { type MenuContent, menuButton } from "./menu.ts";
import { complain } from "./notices.ts";
import type { PageContext } from "./page.ts";
import { themeButton } from "./theme.ts";
import { visitorWords } from "./visitor.ts";

export function topBar({ api, me, logIn }: PageContext): HTMLElement {
  const kind = me.isGuest ? " (guest)" : me.expires === null ? "" : ` (${visitorWords(me.expires)})`;
  const account = h("span", { className: "chip-text" }, h("bdi", {}, me.name || "Account"), kind);
  const content = (): MenuContent =>
    me.isGuest
      ? [{ label: "Log in", run: () => logIn() }]
      : [
          { label: "Account", run: () => navigate("/account") },
          { label: "Usage", run: () => navigate("/usage") },
          { label: "Keys for ssh", run: () => navigate("/keys") },
          ...(me.isAdmin ? [{ label: "Administration", run: () => navigate("/admin") }] : []),
          null,
          { label: "Log out", run: () => void api.logout().then(() => logIn(), complain) },
        ];
  return h(
    "header",
    { className: "top" },
    h("a", { href: "/", className: "wordmark", attrs: { "aria-label": "termhub, all consoles" } }, "termhub"),
    h("nav", { attrs: { "aria-label": "Account" } }, themeButton(), menuButton("Account", account, content)),
  );
}

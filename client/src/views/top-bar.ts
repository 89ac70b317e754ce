/** The bar above every page but a console's: the way to the list, colours, the account. */

import { h } from "../dom.ts";
import { navigate } from "../router.ts";
import { menuButton } from "./menu.ts";
import { complain } from "./notices.ts";
import type { PageContext } from "./page.ts";
import { themeButton } from "./theme.ts";

export function topBar({ api, me, logIn }: PageContext): HTMLElement {
  const account = h(
    "span",
    { className: "chip-text" },
    h("bdi", {}, me.name || "Account"),
    me.isGuest && " (guest)",
  );
  const content = () =>
    me.isGuest
      ? [{ label: "Log in", run: logIn }]
      : [
          { label: "Keys for ssh", run: () => navigate("/keys") },
          { label: "Log out", run: () => void api.logout().then(logIn, complain) },
        ];
  return h(
    "header",
    { className: "top" },
    h("a", { href: "/", className: "wordmark", attrs: { "aria-label": "termhub, all consoles" } }, "termhub"),
    h("nav", { attrs: { "aria-label": "Account" } }, themeButton(), menuButton("Account", account, content)),
  );
}

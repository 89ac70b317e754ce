/** `/admin`: the server's load, its users, their consoles, and what was done.  Administrators only. */

import { AdminApi } from "../admin.ts";
import { h } from "../dom.ts";
import { ADMIN_PARTS, type AdminPart, adminPath } from "../router.ts";
import { auditView } from "./admin-audit.ts";
import { consolesView } from "./admin-consoles.ts";
import { loadView } from "./admin-load.ts";
import { usersView } from "./admin-users.ts";
import type { Page, PageContext } from "./page.ts";
import { topBar } from "./top-bar.ts";
import "../styles/usage.css";
import "../styles/admin.css";

/** What a part of the administration gets. */
export interface AdminContext {
  readonly page: PageContext;
  readonly api: AdminApi;
}

const NAMES: Readonly<Record<AdminPart, string>> = {
  load: "Server",
  users: "Users",
  consoles: "Consoles",
  audit: "Audit log",
};

const VIEWS: Readonly<Record<AdminPart, (context: AdminContext) => Page>> = {
  load: loadView,
  users: usersView,
  consoles: consolesView,
  audit: auditView,
};

export function adminPage(page: PageContext, part: AdminPart): Page {
  const view = VIEWS[part]({ page, api: new AdminApi(page.api.rest) });
  const links = ADMIN_PARTS.map((one) => {
    const link = h("a", { href: adminPath(one), className: "admin-link" }, NAMES[one]);
    if (one === part) link.setAttribute("aria-current", "page");
    return link;
  });
  const element = h(
    "div",
    { className: "list-page" },
    topBar(page),
    h(
      "main",
      { className: "sheet wide" },
      h("nav", { className: "admin-nav", attrs: { "aria-label": "Administration" } }, ...links),
      h("div", { className: "sheet-head" }, h("h1", {}, NAMES[part])),
      view.element,
    ),
  );
  return {
    element,
    start: () => {
      document.title = `${NAMES[part]} – termhub`;
      view.start?.();
    },
    stop: () => view.stop?.(),
  };
}

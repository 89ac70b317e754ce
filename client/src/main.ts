/** The page: who is here, and which view the address asks for. */

import { Api, ApiError, type Me } from "./api.ts";
import { h } from "./dom.ts";
import {
  consolePath,
  loginToken,
  offerCode,
  onNavigate,
  parseRoute,
  type Route,
  replacePath,
  SHARE_PATH,
} from "./router.ts";
import { consolePage } from "./views/console.ts";
import { keysPage } from "./views/keys.ts";
import { lazyPage } from "./views/lazy.ts";
import { listPage } from "./views/list.ts";
import { loginPage } from "./views/login.ts";
import { nameFor, type Page, type PageContext } from "./views/page.ts";
import { sharePage } from "./views/share-page.ts";
import { applyTheme } from "./views/theme.ts";
import { followViewport } from "./views/viewport.ts";
import "@xterm/xterm/css/xterm.css";

type LazyRoute = Extract<Route, { page: "account" | "usage" | "admin" }>;

const api = new Api((path, init) => fetch(path, init));
const app = document.getElementById("app") ?? document.body;
let page: Page | null = null;
let me: Me | null = null;

function show(next: Page): void {
  page?.stop?.();
  page = next;
  app.replaceChildren(next.element);
  next.start?.();
}

/** @param then what follows a login; none: what the address asks for */
function showLogin(said = "", then: () => void = () => void enter()): void {
  me = null;
  document.title = "Log in – termhub";
  show(loginPage(api, said, then));
}

/** Shows what the address asks for. */
function showRoute(): void {
  const route = parseRoute(location.pathname);
  if (route?.page === "share") return showShare(route.token);
  if (me === null) return showLogin();
  const ended = me.isGuest
    ? "Nothing is shared with you any more. Another link lets you in, or an account."
    : "";
  const context: PageContext = {
    api,
    me,
    logIn: (said) => showLogin(said),
    loginNeeded: () => showLogin(ended),
  };
  if (route === null) show(nothingHere());
  else if (route.page === "list") show(listPage(context));
  else if (route.page === "console") show(consolePage(context, route.name));
  else if (me.isGuest) show(nothingHere());
  else if (route.page === "keys") show(keysPage(context, offerCode(location.hash)));
  else if (route.page === "admin" && !me.isAdmin) show(nothingHere());
  else show(lazyPage(context, () => load(context, route)));
}

/** The pages that few look at, and seldom: their code comes with them. */
async function load(context: PageContext, route: LazyRoute): Promise<Page> {
  if (route.page === "account") return (await import("./views/account.ts")).accountPage(context);
  if (route.page === "usage") return (await import("./views/usage.ts")).usagePage(context);
  return (await import("./views/admin.ts")).adminPage(context, route.part);
}

/** Asks whether to come in by a link, as whoever is here. */
function showShare(token: string): void {
  // Nobody who looks at the screen, the history or a screenshot is to have the link.
  replacePath(SHARE_PATH);
  show(
    sharePage(api, token, {
      taken: async (taken) => {
        me = await api.me();
        replacePath(consolePath(nameFor(taken, me)));
        showRoute();
      },
      logIn: () => showLogin("", () => showShare(token)),
    }),
  );
}

function nothingHere(): Page {
  document.title = "Nothing here – termhub";
  const element = h(
    "main",
    { className: "centre" },
    h("h1", {}, "Nothing here"),
    h("p", {}, "There is no page at this address. ", h("a", { href: "/" }, "All consoles")),
  );
  return { element };
}

/** Finds out who is here; logs in with a link's token first, if there is one. */
async function enter(): Promise<void> {
  const route = parseRoute(location.pathname);
  // That page asks by itself, because it is for people without an account too.
  if (route?.page === "share") return showShare(route.token);
  let said = "";
  const token = loginToken(location.hash);
  if (token !== null) {
    try {
      await api.loginWithLink(token);
      replacePath(location.pathname);
    } catch (error) {
      said = error instanceof ApiError ? error.message : String(error);
      // A link that was not even delivered still works when the page is loaded again.
      if (error instanceof ApiError && error.status !== 0) replacePath(location.pathname);
    }
  }
  try {
    me = await api.me();
  } catch (error) {
    if (error instanceof ApiError && (!error.notLoggedIn || error.code === "suspended"))
      said = said || error.message;
    return showLogin(said);
  }
  showRoute();
}

applyTheme();
followViewport();
onNavigate(showRoute);
// A link pasted into a tab that already shows the app changes only the fragment.
addEventListener("hashchange", () => {
  if (loginToken(location.hash) !== null) void enter();
  else if (offerCode(location.hash) !== null) showRoute();
});
void enter();

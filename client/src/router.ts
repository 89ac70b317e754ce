/**
 * Addresses of the page: `/` the list, `/c/NAME` a console, `/c/OWNER/NAME` somebody else's, `/keys` keys,
 * `/account`, `/usage`, `/admin` and its parts, `/s/TOKEN` a link to a shared console.  History API, no reloads.
 */

/** What administrators look after. */
export type AdminPart = "load" | "users" | "consoles" | "audit";

export type Route =
  | { readonly page: "list" }
  | { readonly page: "keys" }
  | { readonly page: "account" }
  | { readonly page: "usage" }
  | { readonly page: "admin"; readonly part: AdminPart }
  | { readonly page: "share"; readonly token: string }
  | { readonly page: "console"; readonly name: string };

/** What `path` shows; null for an address this page does not know. */
export function parseRoute(path: string): Route | null {
  if (path === "/" || path === "/index.html") return { page: "list" };
  const simple = /^\/(keys|account|usage)$/.exec(path)?.[1] as "keys" | "account" | "usage" | undefined;
  if (simple !== undefined) return { page: simple };
  const part = ADMIN_PARTS.find((one) => adminPath(one) === path);
  if (part !== undefined) return { page: "admin", part };
  const [, token] = /^\/s(?:\/([^/]*))?$/.exec(path) ?? [];
  if (path === "/s" || token !== undefined) return { page: "share", token: token ?? "" };
  const [, name] = /^\/c\/([^/]+(?:\/[^/]+)?)\/?$/.exec(path) ?? [];
  if (name === undefined) return null;
  try {
    return { page: "console", name: name.split("/").map(decodeURIComponent).join("/") };
  } catch {
    return null;
  }
}

export const ADMIN_PARTS: readonly AdminPart[] = ["load", "users", "consoles", "audit"];

/** The address of a part of the administration; the load is its first page. */
export function adminPath(part: AdminPart): string {
  return part === "load" ? "/admin" : `/admin/${part}`;
}

/** Where the page of a link is once its token has left the address bar. */
export const SHARE_PATH = "/s/";

/** The address of the console `name`, or `owner/name`. */
export function consolePath(name: string): string {
  return `/c/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** The token in a login link's fragment, `#login=TOKEN`. */
export function loginToken(hash: string): string | null {
  return fragmentValue(hash, "login");
}

/** The code of an offered key in the fragment of a link that ssh shows, `/keys#offer=CODE`. */
export function offerCode(hash: string): string | null {
  return fragmentValue(hash, "offer");
}

function fragmentValue(hash: string, name: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, "")).get(name) || null;
}

type Listener = () => void;
let listener: Listener = () => {};

/** Calls `show` when the address changes. */
export function onNavigate(show: Listener): void {
  listener = show;
  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!plain || link === null || link.origin !== location.origin || link.target !== "") return;
    if (parseRoute(link.pathname) === null) return;
    event.preventDefault();
    navigate(link.pathname);
  });
}

/** Goes to `path`. */
export function navigate(path: string): void {
  if (path !== location.pathname) history.pushState(null, "", path);
  listener();
}

/** Changes the address without going anywhere. */
export function replacePath(path: string): void {
  history.replaceState(history.state, "", path);
}

/** What every page gets, and what it gives. */

import type { Api, Console, Me } from "../api.ts";
import { ApiError, errorWords } from "../rest.ts";

export interface Page {
  /** Stands in the document. */
  readonly element: HTMLElement;
  /** Called once the element is in the document. */
  start?(): void;
  /** Called before it is taken out. */
  stop?(): void;
}

export interface PageContext {
  readonly api: Api;
  readonly me: Me;
  /** Shows the login page, because the person wants to; `said` is what it begins with. */
  readonly logIn: (said?: string) => void;
  /** The session has ended: log in and come back. */
  readonly loginNeeded: () => void;
}

/** Whether `console` belongs to somebody else. */
export function isShared({ owner }: Pick<Console, "owner">, me: Pick<Me, "name" | "isGuest">): boolean {
  // A guest may call themself by any name.
  return me.isGuest || (owner !== "" && owner !== me.name);
}

/** What `console` is called for `me`: `owner/name` when it is somebody else's. */
export function nameFor(console: Pick<Console, "owner" | "name">, me: Pick<Me, "name" | "isGuest">): string {
  return isShared(console, me) ? `${console.owner}/${console.name}` : console.name;
}

/** What went wrong in words; empty, with the login page in view, where the session has ended. */
export function failure({ loginNeeded }: Pick<PageContext, "loginNeeded">, error: unknown): string {
  if (!(error instanceof ApiError && error.notLoggedIn)) return errorWords(error);
  loginNeeded();
  return "";
}

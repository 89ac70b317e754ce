/** What every page gets, and what it gives. */

import type { Api } from "../api.ts";

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
  readonly user: string;
  /** The session has ended: log in and come back. */
  readonly loginNeeded: () => void;
}

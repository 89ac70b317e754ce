/** Pages whose code comes when they are looked at. */

import { h } from "../dom.ts";
import type { Page, PageContext } from "./page.ts";
import { topBar } from "./top-bar.ts";

/** @param load fetches the code and makes the page */
export function lazyPage(context: PageContext, load: () => Promise<Page>): Page {
  const said = h("p", { className: "muted", attrs: { role: "status" } });
  const main = h("main", { className: "sheet" }, said);
  const element = h("div", { className: "list-page" }, topBar(context), main);
  let page: Page | null = null;
  let left = false;

  async function start(): Promise<void> {
    try {
      page = await load();
    } catch {
      // The server may have been renewed since this page came, and has the code under another name.
      const again = h("button", { type: "button", className: "button", onclick: () => location.reload() });
      again.append("Load again");
      said.textContent = "This page could not be loaded.";
      return main.append(again);
    }
    if (left) return;
    element.replaceWith(page.element);
    page.start?.();
  }

  return {
    element,
    start: () => void start(),
    stop: () => {
      left = true;
      page?.stop?.();
    },
  };
}

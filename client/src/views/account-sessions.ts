/** Where the person is logged in: one session is ended, or all but this one. */

import { type AccountApi, browserWords, type LoginSession } from "../account.ts";
import { h } from "../dom.ts";
import type { Part } from "./account.ts";
import { confirm } from "./dialog.ts";
import { failure, type PageContext } from "./page.ts";
import { ago } from "./time.ts";

export function sessionsPart(context: PageContext, api: AccountApi): Part {
  const list = h("ul", {
    className: "rows",
    tabIndex: -1,
    attrs: { "aria-label": "Where you are logged in" },
  });
  const spoken = h("p", { className: "hidden-text", attrs: { role: "status" } });
  const others = h(
    "button",
    { type: "button", className: "button", hidden: true, onclick: () => void endOthers() },
    "Log out everywhere else…",
  );

  async function refresh(): Promise<void> {
    try {
      draw(await api.sessions());
    } catch (error) {
      list.replaceChildren(h("li", { className: "empty" }, failure(context, error)));
    }
  }

  function draw(sessions: readonly LoginSession[]): void {
    const now = Date.now() / 1000;
    const none = h("li", { className: "empty muted" }, "You came by a token: no browser is logged in.");
    list.replaceChildren(...(sessions.length === 0 ? [none] : sessions.map((one) => row(one, now))));
    others.hidden = sessions.filter(({ isCurrent }) => !isCurrent).length === 0;
  }

  function row(session: LoginSession, now: number): HTMLElement {
    const name = browserWords(session.agent);
    const end = h(
      "button",
      { type: "button", className: "button small", onclick: () => void endOne(session, name) },
      "Log out",
      h("span", { className: "hidden-text" }, ` ${name}, ${session.address}`),
    );
    return h(
      "li",
      { className: "row" },
      h(
        "div",
        { className: "row-facts" },
        h(
          "span",
          { className: "row-name", title: session.agent },
          h("bdi", {}, name),
          session.isCurrent && h("span", { className: "tag" }, "this browser"),
        ),
        h(
          "span",
          { className: "row-details" },
          [
            session.address,
            session.isCurrent ? "active now" : `seen ${ago(session.lastSeen, now)}`,
            `logged in ${ago(session.created, now)}`,
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      !session.isCurrent && end,
    );
  }

  async function endOne(session: LoginSession, name: string): Promise<void> {
    try {
      await api.endSession(session.number);
      spoken.textContent = `${name} is logged out.`;
    } catch (error) {
      spoken.textContent = failure(context, error);
    }
    await refresh();
    list.focus();
  }

  async function endOthers(): Promise<void> {
    const text =
      "Every other browser has to log in again, and what it has open is disconnected. Keys for ssh and tokens stay.";
    const work = () => api.endOtherSessions();
    if (!(await confirm("Log out everywhere else?", text, "Log out", true, work))) return;
    spoken.textContent = "You are logged in only here.";
    await refresh();
    list.focus();
  }

  const element = h(
    "section",
    { className: "part" },
    h("h2", {}, "Where you are logged in"),
    spoken,
    list,
    h("div", { className: "form-actions" }, others),
  );
  return { element, refresh };
}

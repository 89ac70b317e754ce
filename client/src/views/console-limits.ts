/** A console's limits: how much of each is used, what holds it on this machine, and what does not. */

import type { Console } from "../api.ts";
import {
  type ConsoleLimit,
  type ConsoleLimits,
  fetchLimits,
  limitName,
  limitWords,
  slowedWords,
} from "../console-limits.ts";
import { h, keepChildren } from "../dom.ts";
import { openDialog } from "./dialog.ts";
import { meter } from "./meter.ts";
import { failure, type PageContext } from "./page.ts";
import { Refresher } from "./refresh.ts";
import { clockTime } from "./time.ts";
import "../styles/usage.css";

const REFRESH_MS = 5000;

/** Shows them until the person closes the dialog. */
export async function limitsDialog(
  context: PageContext,
  one: Pick<Console, "id" | "name" | "isolation">,
): Promise<void> {
  const head = h("div", { className: "limits-head" }, h("p", { className: "muted" }, "Loading…"));
  const list = h("ul", { className: "limit-list", attrs: { "aria-label": "Limits" } });
  const missing = h("div", {});
  let drawn = "";

  async function refresh(): Promise<void> {
    try {
      draw(await fetchLimits(context.api.rest, one.id));
    } catch (error) {
      const said = failure(context, error);
      if (said === "") return dialog.close();
      drawn = "";
      head.replaceChildren(h("p", { className: "problem", attrs: { role: "alert" } }, said));
    }
  }

  function draw(limits: ConsoleLimits): void {
    const next = JSON.stringify(limits);
    if (next === drawn) return;
    drawn = next;
    head.replaceChildren(...headWords(limits, one.isolation));
    const held = limits.limits.filter(({ isEnforced }) => isEnforced);
    keepChildren(list, held, (limit) => JSON.stringify(limit), row);
    const open = limits.limits.filter(({ isEnforced }) => !isEnforced);
    missing.replaceChildren(...(open.length === 0 ? [] : notHeld(open)));
  }

  const close = h("button", { type: "button", className: "button" }, "Close");
  const body = h(
    "div",
    // What is longer than the screen is scrolled with the keyboard, too.
    { className: "limits-body", tabIndex: 0, attrs: { role: "group", "aria-label": "Limits" } },
    head,
    list,
    missing,
  );
  const dialog = openDialog(`Limits of ${one.name}`, body, h("div", { className: "actions" }, close));
  dialog.element.classList.add("limits-dialog");
  close.addEventListener("click", dialog.close);
  close.focus();
  const refresher = new Refresher(refresh, REFRESH_MS);
  refresher.start();
  await dialog.closed;
  refresher.stop();
}

function headWords({ plan, isSlowed, until }: ConsoleLimits, isolation: string): HTMLElement[] {
  const slowed = slowedWords(until === null ? null : clockTime(until));
  return [
    h(
      "dl",
      { className: "facts" },
      ...[
        ["Plan", plan],
        ["Kept apart by", isolation],
      ].flatMap(([name = "", words = ""]) => (words === "" ? [] : [h("dt", {}, name), h("dd", {}, words)])),
    ),
    ...(isSlowed ? [h("p", { className: "warning" }, slowed)] : []),
  ];
}

function row(limit: ConsoleLimit): HTMLElement {
  const name = limitName(limit.name);
  const words = limitWords(limit);
  return h(
    "li",
    { className: "limit-row" },
    h("span", { className: "limit-name" }, name),
    h("span", { className: "limit-words" }, words),
    limit.used !== null && limit.limit !== null && meter(name, limit.used, limit.limit, words),
    h("span", { className: "limit-by" }, limit.by),
  );
}

/** What nothing holds on this machine, and what its operator could do about it. */
function notHeld(limits: readonly ConsoleLimit[]): HTMLElement[] {
  return [
    h("h3", {}, "Not enforced on this machine"),
    h(
      "ul",
      { className: "limit-list open", attrs: { "aria-label": "Not enforced on this machine" } },
      ...limits.map((limit) =>
        h(
          "li",
          { className: "limit-row" },
          h("span", { className: "limit-name" }, limitName(limit.name)),
          h("span", { className: "limit-words" }, limitWords(limit)),
          limit.by !== "" && h("span", { className: "limit-by" }, limit.by),
          limit.advice !== null && h("span", { className: "limit-by" }, `For the operator: ${limit.advice}`),
        ),
      ),
    ),
  ];
}

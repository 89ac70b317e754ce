/** `/usage`: what one used today and in the last days, and what is left. */

import { BYTE_STEPS, TIME_STEPS } from "../bars.ts";
import { amountWords } from "../console-limits.ts";
import { h } from "../dom.ts";
import { bytes, count, duration } from "../numbers.ts";
import { type Day, dayWords, lastDays, type Usage, UsageApi } from "../usage.ts";
import { meter } from "./meter.ts";
import { failure, type Page, type PageContext } from "./page.ts";
import { plot } from "./plot.ts";
import { Refresher } from "./refresh.ts";
import { clockTime } from "./time.ts";
import { topBar } from "./top-bar.ts";
import "../styles/usage.css";

const REFRESH_MS = 15_000;
const SPANS: readonly number[] = [30, 90];

interface Quantity {
  readonly title: string;
  readonly of: (day: Day) => number;
  readonly words: (value: number) => string;
  readonly steps: readonly number[];
}

const GIB = 2 ** 30;
const HOUR = 3600;
const byteHours = (value: number) => `${bytes(value)}·h`;

const QUANTITIES: readonly Quantity[] = [
  { title: "CPU time", of: (day) => day.cpuSeconds, words: duration, steps: TIME_STEPS },
  { title: "Memory", of: (day) => day.memoryGibHours * GIB, words: byteHours, steps: BYTE_STEPS },
  { title: "Home", of: (day) => day.diskGibHours * GIB, words: byteHours, steps: BYTE_STEPS },
  { title: "Network, received", of: (day) => day.networkIn, words: bytes, steps: BYTE_STEPS },
  { title: "Network, sent", of: (day) => day.networkOut, words: bytes, steps: BYTE_STEPS },
  { title: "Consoles running", of: (day) => day.consoleHours * HOUR, words: duration, steps: TIME_STEPS },
];

export function usagePage(context: PageContext): Page {
  const api = new UsageApi(context.api.rest);
  const today = h("div", { className: "meters" });
  const plots = h("div", { className: "plots" });
  const numbers = h("div", { className: "table-scroll" });
  const spoken = h("p", { className: "problem", attrs: { role: "status" } });
  const refresher = new Refresher(refresh, REFRESH_MS);
  let span = SPANS[0] ?? 30;
  let drawn = "";

  const buttons = SPANS.map((days) => {
    const button = h("button", { type: "button", className: "button small" }, `${days} days`);
    button.addEventListener("click", () => {
      span = days;
      press();
      void refresher.now();
    });
    return { days, button };
  });

  function press(): void {
    for (const { days, button } of buttons) button.setAttribute("aria-pressed", String(days === span));
  }

  async function refresh(): Promise<void> {
    try {
      draw(await api.usage(span));
      spoken.textContent = "";
    } catch (error) {
      spoken.textContent = failure(context, error);
    }
  }

  function draw(usage: Usage): void {
    const now = new Date();
    const next = JSON.stringify([usage, span, now.toDateString()]);
    // What one points at, or reads, is not to be drawn anew for nothing.
    if (next === drawn) return;
    drawn = next;
    const days = lastDays(usage.days, span, now);
    today.replaceChildren(...meters(usage));
    plots.replaceChildren(
      ...QUANTITIES.map(({ title, of, words, steps }) =>
        plot({
          title,
          words,
          steps,
          days: days.map(({ day }) => day),
          values: days.map(of),
          limit: title === "CPU time" ? usage.today.allowanceSeconds : null,
        }),
      ),
    );
    numbers.replaceChildren(table(days));
  }

  press();
  const element = h(
    "div",
    { className: "list-page" },
    topBar(context),
    h(
      "main",
      { className: "sheet" },
      h("div", { className: "sheet-head" }, h("h1", {}, "Usage"), h("a", { href: "/account" }, "Your plan")),
      spoken,
      today,
      h(
        "section",
        { className: "part" },
        h(
          "div",
          { className: "part-head" },
          h("h2", {}, "By day"),
          h(
            "div",
            { className: "spans", attrs: { role: "group", "aria-label": "How many days" } },
            ...buttons.map(({ button }) => button),
          ),
        ),
        plots,
        h("details", {}, h("summary", {}, "The same as a table"), numbers),
        h("p", { className: "muted small" }, "Days begin at midnight UTC, and so does the allowance."),
      ),
    ),
  );
  return {
    element,
    start: () => {
      document.title = "Usage – termhub";
      refresher.start();
    },
    stop: () => refresher.stop(),
  };
}

function meters({ today, home, consoles, plan }: Usage): HTMLElement[] {
  const { cpuSeconds, allowanceSeconds, isSlowed, resets } = today;
  const cpu = amountWords({ used: cpuSeconds, limit: allowanceSeconds, unit: "seconds" });
  const size = { used: home.bytes, limit: home.limitBytes, unit: "bytes" };
  const files = { used: home.files, limit: home.limitFiles, unit: "files" };
  const again = `A new day begins at ${clockTime(resets)}`;
  const atOnce = { used: consoles.running, limit: consoles.limit, unit: "count" };
  return [
    card(
      "CPU time today",
      cpu,
      isSlowed
        ? h(
            "p",
            { className: "warning" },
            `Used up: your consoles are slowed. ${again}, and they go on at full speed.`,
          )
        : h("p", { className: "muted small" }, `${again}.`),
      allowanceSeconds === null ? null : meter("CPU time today", cpuSeconds, allowanceSeconds, cpu),
    ),
    card(
      "Home",
      amountWords(size) || "not known",
      h("p", { className: "muted small" }, amountWords(files)),
      size.limit === null ? null : meter("Home", size.used, size.limit, amountWords(size)),
    ),
    card(
      "Consoles",
      amountWords(atOnce),
      h("p", { className: "muted small" }, `Running now. Your plan is ${plan}.`),
      meter("Consoles running", atOnce.used, atOnce.limit, amountWords(atOnce)),
    ),
  ];
}

function card(title: string, words: string, note: HTMLElement, bar: HTMLElement | null): HTMLElement {
  return h(
    "section",
    { className: "meter-card" },
    h("h2", {}, title),
    h("p", { className: "meter-words" }, words),
    bar,
    note,
  );
}

function table(days: readonly Day[]): HTMLElement {
  const used = days.filter((day) => QUANTITIES.some(({ of }) => of(day) > 0)).reverse();
  if (used.length === 0) return h("p", { className: "muted" }, "Nothing was used in these days.");
  return h(
    "table",
    { className: "numbers" },
    h("caption", { className: "hidden-text" }, `Usage by day, ${count(used.length)} days, the latest first`),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ...["Day", ...QUANTITIES.map(({ title }) => title)].map((title) => h("th", { scope: "col" }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      ...used.map((day) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, dayWords(day.day)),
          ...QUANTITIES.map(({ of, words }) => h("td", {}, of(day) > 0 ? words(of(day)) : "–")),
        ),
      ),
    ),
  );
}

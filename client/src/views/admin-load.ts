/** The server as a whole: how much it does, what it keeps apart by which means, and draining it. */

import type { Load, Means } from "../admin.ts";
import { limitName } from "../console-limits.ts";
import { h } from "../dom.ts";
import { bytes, count, counted, short } from "../numbers.ts";
import type { AdminContext } from "./admin.ts";
import { confirm } from "./dialog.ts";
import { meter } from "./meter.ts";
import { failure, type Page } from "./page.ts";
import { Refresher } from "./refresh.ts";
import { ago } from "./time.ts";

const REFRESH_MS = 5000;

export function loadView(context: AdminContext): Page {
  const { api, page } = context;
  const spoken = h("p", { className: "problem", attrs: { role: "status" } });
  const facts = h("dl", { className: "facts" });
  const amounts = h("div", { className: "meters" });
  const means = h("div", { className: "means" });
  const drain = h("button", { type: "button", className: "button", disabled: true }, "Drain…");
  const state = h("p", {}, "…");
  const refresher = new Refresher(refresh, REFRESH_MS);
  let draining = false;
  let drawn = "";

  async function refresh(): Promise<void> {
    try {
      draw(await api.load());
      spoken.textContent = "";
    } catch (error) {
      spoken.textContent = failure(page, error);
    }
  }

  function draw(load: Load): void {
    draining = load.isDraining;
    drain.disabled = false;
    drain.textContent = draining ? "Take consoles again" : "Drain…";
    state.className = draining ? "warning" : "";
    state.textContent = draining
      ? `Draining: it takes no new consoles. ${counted(load.consoles, "console")} still run here.`
      : "It takes new consoles. A server that drains takes none, and those that run go on until they end.";
    facts.replaceChildren(...factRows(load));
    amounts.replaceChildren(...amountCards(load));
    const next = JSON.stringify(load.means);
    if (next === drawn) return;
    drawn = next;
    means.replaceChildren(...meansParts(load.means));
  }

  drain.addEventListener("click", async () => {
    try {
      if (draining) await api.drain(false);
      else {
        const text = "No new consoles can be made here, by nobody. Those that run go on.";
        if (!(await confirm("Drain this server?", text, "Drain", true, () => api.drain(true)))) return;
      }
    } catch (error) {
      spoken.textContent = failure(page, error);
    }
    await refresher.now();
  });

  const month = h("input", { type: "month", value: new Date().toISOString().slice(0, 7) });
  const download = h("a", { className: "button", download: "" }, "Download as CSV");
  const address = () => {
    download.href = api.usageAddress(month.value);
  };
  month.addEventListener("change", address);
  address();

  const element = h(
    "div",
    { className: "paged" },
    spoken,
    amounts,
    facts,
    h(
      "section",
      { className: "part" },
      h("h2", {}, "New consoles"),
      state,
      h("div", { className: "form-actions" }, drain),
    ),
    h("section", { className: "part" }, h("h2", {}, "What limits are held by"), means),
    h(
      "section",
      { className: "part" },
      h("h2", {}, "Usage of all users"),
      h(
        "div",
        { className: "form-actions" },
        h("label", { className: "inline-field" }, "Month ", month),
        download,
      ),
    ),
  );
  return { element, start: () => refresher.start(), stop: () => refresher.stop() };
}

function factRows(load: Load): HTMLElement[] {
  const rows: readonly (readonly [string, string])[] = [
    ["Version", load.version],
    ["Started", ago(load.started, Date.now() / 1000)],
    ["Consoles", count(load.consoles)],
    ["Viewers", count(load.viewers)],
    ["Connections", load.connections === null ? "" : count(load.connections)],
    ["Isolation", load.isolation],
  ];
  return rows
    .filter(([, words]) => words !== "")
    .flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]);
}

function amountCards(load: Load): HTMLElement[] {
  const [now = 0] = load.load;
  const averages = load.load.map(short).join(", ");
  const memory = load.memoryTotal - load.memoryAvailable;
  const disk = load.diskTotal - load.diskFree;
  const ofTotal = (used: number, total: number) => `${bytes(used)} of ${bytes(total)}`;
  return [
    amountCard("Load", averages, `1, 5 and 15 minutes; ${counted(load.cpus, "core")}`, now, load.cpus),
    amountCard(
      "Memory",
      ofTotal(memory, load.memoryTotal),
      `${bytes(load.memoryAvailable)} available`,
      memory,
      load.memoryTotal,
    ),
    amountCard("Disk", ofTotal(disk, load.diskTotal), `${bytes(load.diskFree)} free`, disk, load.diskTotal),
  ];
}

function amountCard(title: string, words: string, note: string, used: number, limit: number): HTMLElement {
  return h(
    "section",
    { className: "meter-card" },
    h("h2", {}, title),
    h("p", { className: "meter-words" }, words),
    meter(title, used, limit, words),
    h("p", { className: "muted small" }, note),
  );
}

function meansWords(isEnforced: boolean, by: string): string {
  if (isEnforced || by.startsWith("nothing")) return by;
  return by === "" ? "not enforced" : `not enforced: ${by}`;
}

function meansParts(means: readonly Means[]): HTMLElement[] {
  return means.map(({ name, by, isEnforced, advice }) =>
    h(
      "div",
      { className: isEnforced ? "mean" : "mean open" },
      h("span", { className: "mean-name" }, limitName(name)),
      h("span", {}, meansWords(isEnforced, by)),
      advice !== null && h("span", { className: "mean-advice" }, advice),
    ),
  );
}

/** All consoles of the server, as the administrator sees them: from outside. */

import { type AdminConsole, CONSOLE_ORDERS, sortConsoles } from "../admin.ts";
import { h } from "../dom.ts";
import { bytes, count, duration } from "../numbers.ts";
import type { AdminContext } from "./admin.ts";
import { PagedList } from "./admin-list.ts";
import { ask, field } from "./dialog.ts";
import type { Page } from "./page.ts";
import { type Column, LiveTable, textColumn } from "./table.ts";
import { ago } from "./time.ts";

export function consolesView(context: AdminContext): Page {
  const { api } = context;
  const order = h(
    "select",
    { name: "order" },
    ...CONSOLE_ORDERS.map(([value, words]) => h("option", { value }, words)),
  );

  async function end(one: AdminConsole): Promise<void> {
    const reason = h("input", { name: "reason", maxLength: 200, autocomplete: "off" });
    const done = await ask({
      title: `End ${one.name} of ${one.owner}?`,
      content: [
        h("p", {}, "All programs in it are stopped, and what they have not saved is lost. The files stay."),
        field("Reason", reason, "What its people are told; may be empty."),
      ],
      action: "End console",
      danger: true,
      answer: async () => {
        await api.endConsole(one.id, reason.value.trim());
        return {};
      },
    });
    if (done !== null) list.done(`${one.name} of ${one.owner} is ended.`);
  }

  const table = new LiveTable<AdminConsole>({
    label: "Consoles",
    key: ({ id }) => id,
    empty: "No console runs.",
    columns: [
      nameColumn(),
      textColumn("CPU", cpuWords, "number"),
      textColumn("Memory", ({ memoryBytes }) => (memoryBytes === null ? "–" : bytes(memoryBytes)), "number"),
      textColumn("Network", networkWords, "number"),
      textColumn("Viewers", ({ viewers }) => count(viewers), "number"),
      textColumn("Active", ({ lastActivity }) => ago(lastActivity, Date.now() / 1000)),
      endColumn(end),
    ],
  });
  const list = new PagedList({
    context,
    table,
    fetch: (after) => api.consoles(after),
    order: (rows) => sortConsoles(rows, order.value),
  });
  order.addEventListener("change", () => list.sort());
  const element = h(
    "div",
    { className: "paged" },
    h("div", { className: "tools" }, h("label", { className: "inline-field" }, "Sorted by ", order)),
    list.element,
  );
  return { element, start: () => list.start(), stop: () => list.stop() };
}

function nameColumn(): Column<AdminConsole> {
  return {
    label: "Console",
    className: "main",
    make: () => {
      const name = h("bdi", { className: "row-name" });
      const slowed = h("span", { className: "tag warn", hidden: true }, "slowed");
      const details = h("span", { className: "row-details" });
      return {
        element: h("div", { className: "row-facts" }, h("span", {}, name, slowed), details),
        draw: (one) => {
          name.textContent = `${one.owner}/${one.name}`;
          slowed.hidden = !one.isSlowed;
          details.textContent = [one.program, one.image, one.state !== "running" && one.state, one.id]
            .filter(Boolean)
            .join(" · ");
        },
      };
    },
  };
}

function endColumn(end: (one: AdminConsole) => Promise<void>): Column<AdminConsole> {
  return {
    label: "",
    className: "actions-cell",
    make: (row) => {
      const name = h("span", { className: "hidden-text" });
      const button = h(
        "button",
        { type: "button", className: "button small", onclick: () => void end(row()) },
        "End…",
        name,
      );
      return {
        element: button,
        draw: (one) => {
          name.textContent = ` ${one.name} of ${one.owner}`;
          button.hidden = one.state === "ended";
        },
      };
    },
  };
}

function cpuWords({ cpuPercent, cpuSeconds }: AdminConsole): string {
  const now = cpuPercent === null ? "" : `${count(cpuPercent)} %`;
  const all = cpuSeconds === null ? "" : duration(cpuSeconds);
  return [now, all].filter(Boolean).join(", ") || "–";
}

function networkWords({ networkIn, networkOut }: AdminConsole): string {
  if (networkIn === null && networkOut === null) return "–";
  return `↓ ${bytes(networkIn ?? 0)} ↑ ${bytes(networkOut ?? 0)}`;
}

/** What administrators, users and the server did, the latest first. */

import { type AuditEntry, detailWords } from "../admin.ts";
import { h } from "../dom.ts";
import type { AdminContext } from "./admin.ts";
import { PagedList } from "./admin-list.ts";
import type { Page } from "./page.ts";
import { LiveTable, textColumn } from "./table.ts";
import { clockTime } from "./time.ts";

export function auditView(context: AdminContext): Page {
  const filter = h("input", {
    type: "search",
    name: "filter",
    autocomplete: "off",
    spellcheck: false,
    placeholder: "a name, an action…",
  });
  const table = new LiveTable<AuditEntry>({
    label: "Audit log",
    key: ({ number }) => String(number),
    empty: "Nothing here.",
    columns: [
      textColumn("When", ({ time }) => clockTime(time), "word"),
      textColumn("Who", ({ actor }) => actor || "the server"),
      textColumn("Did", ({ action }) => action, "main word"),
      textColumn("To", ({ subject }) => subject || "–"),
      textColumn("Details", ({ detail }) => detailWords(detail) || "–", "details"),
      textColumn("From", ({ address }) => address || "–", "word"),
    ],
  });
  const list = new PagedList({
    context,
    table,
    fetch: (before) => context.api.audit(before),
    order: (rows) => rows.filter((entry) => fits(entry, filter.value)),
  });
  filter.addEventListener("input", () => list.sort());
  const element = h(
    "div",
    { className: "paged" },
    h(
      "p",
      { className: "muted small" },
      "Entries are only ever added, and each holds the hash of the one before: ",
      h("code", {}, "termhub audit verify"),
      " finds out whether one was changed.",
    ),
    h("div", { className: "tools" }, h("label", { className: "inline-field" }, "Filter this page ", filter)),
    list.element,
  );
  return { element, start: () => list.start(), stop: () => list.stop() };
}

/** Whether an entry has all words that were typed, anywhere. */
function fits(entry: AuditEntry, typed: string): boolean {
  const { actor, action, subject, address } = entry;
  const all = [actor || "the server", action, subject, address, detailWords(entry.detail)]
    .join(" ")
    .toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

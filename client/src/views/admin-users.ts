/** The users of the server: found, added, moved to another plan, suspended, removed. */

import type { AdminUser, UserChange } from "../admin.ts";
import { h } from "../dom.ts";
import { bytes, count, duration } from "../numbers.ts";
import { reachable } from "../shares.ts";
import type { AdminContext } from "./admin.ts";
import { PagedList } from "./admin-list.ts";
import { copyLine } from "./copy-line.ts";
import { ask, confirm, field, openDialog } from "./dialog.ts";
import { type MenuContent, menuButton } from "./menu.ts";
import { failure, type Page } from "./page.ts";
import { type Column, LiveTable, textColumn } from "./table.ts";
import { ago, clockTime, dayOf } from "./time.ts";

export function usersView(context: AdminContext): Page {
  const { api, page } = context;
  const search = h("input", {
    type: "search",
    name: "search",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
  });

  async function change(user: AdminUser, changes: UserChange, said: string): Promise<void> {
    try {
      await api.changeUser(user.name, changes);
      list.done(said);
    } catch (error) {
      list.fail(failure(page, error));
    }
  }

  async function setPlan(user: AdminUser): Promise<void> {
    const plan = await planSelect(user.plan);
    const done = await ask({
      title: `Plan of ${user.name}`,
      content: [
        field("Plan", plan, "Counts at once, for consoles that run too where the machine can do it."),
      ],
      action: "Change plan",
      answer: async () => {
        await api.changeUser(user.name, { plan: plan.value });
        return {};
      },
    });
    if (done !== null) list.done(`${user.name} has the plan ${plan.value} now.`);
  }

  async function planSelect(chosen: string): Promise<HTMLSelectElement> {
    const names = await api.planNames().catch((): string[] => []);
    const all = names.includes(chosen) || chosen === "" ? names : [chosen, ...names];
    return h(
      "select",
      { name: "plan" },
      ...all.map((name) => h("option", { value: name, defaultSelected: name === chosen }, name)),
    );
  }

  async function suspend(user: AdminUser): Promise<void> {
    const end = h("input", { type: "checkbox", name: "end" });
    const done = await ask({
      title: `Suspend ${user.name}?`,
      content: [
        h(
          "p",
          {},
          "They are logged out everywhere and cannot come in until you resume them. Nothing is deleted.",
        ),
        h("label", { className: "check" }, end, "End their consoles, too"),
      ],
      action: "Suspend",
      danger: true,
      answer: async () => {
        await api.changeUser(user.name, { suspended: true, ...(end.checked ? { end_consoles: true } : {}) });
        return {};
      },
    });
    if (done !== null) list.done(`${user.name} is suspended.`);
  }

  async function setAdmin(user: AdminUser): Promise<void> {
    const make = !user.isAdmin;
    const text = make
      ? "Administrators see and change all accounts of this server, and end any console. They do not see into consoles."
      : "They can no longer look after this server.";
    const title = make
      ? `Make ${user.name} an administrator?`
      : `${user.name} is no longer to be an administrator?`;
    const work = () => api.changeUser(user.name, { is_admin: make });
    if (await confirm(title, text, make ? "Make administrator" : "Take it away", make, work))
      list.done(make ? `${user.name} is an administrator now.` : `${user.name} is no administrator now.`);
  }

  async function remove(user: AdminUser): Promise<void> {
    const name = h("input", { name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: false });
    const done = await ask({
      title: `Remove ${user.name}?`,
      content: [
        h(
          "p",
          {},
          "Their consoles are ended, and their files, keys, tokens and shares are deleted. ",
          h("b", {}, "This cannot be undone."),
        ),
        field(`Type ${user.name} to go on`, name),
      ],
      action: "Remove user",
      danger: true,
      answer: async () => {
        if (name.value.trim() !== user.name) return `Type ${user.name}, exactly so.`;
        await api.removeUser(user.name);
        return {};
      },
    });
    if (done !== null) list.done(`${user.name} is removed.`);
  }

  async function showLink(user: Pick<AdminUser, "name">): Promise<void> {
    try {
      await linkDialog(user.name, await api.loginLink(user.name));
    } catch (error) {
      list.fail(failure(page, error));
    }
  }

  async function add(): Promise<void> {
    const name = h("input", { name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: false });
    const plan = await planSelect("");
    const isAdmin = h("input", { type: "checkbox", name: "admin" });
    plan.prepend(h("option", { value: "", defaultSelected: true }, "the default plan"));
    const done = await ask({
      title: "New user",
      content: [
        field("Name", name, "Letters, digits and . _ -"),
        field("Plan", plan),
        h("label", { className: "check" }, isAdmin, "An administrator"),
      ],
      action: "Add user",
      answer: async () => {
        const wanted = name.value.trim();
        if (wanted === "") return "A name, please.";
        return {
          name: wanted,
          link: await api.addUser({ name: wanted, plan: plan.value, isAdmin: isAdmin.checked }),
        };
      },
    });
    if (done === null) return;
    list.done(`${done.name} is added.`);
    if (done.link !== null) await linkDialog(done.name, done.link);
  }

  function menu(user: AdminUser): MenuContent {
    const { name, suspended, isAdmin } = user;
    const isYou = name === page.me.name;
    return [
      { label: "Plan…", run: () => void setPlan(user) },
      { label: "Login link…", run: () => void showLink(user) },
      ...(isYou
        ? []
        : [
            {
              label: isAdmin ? "No longer administrator…" : "Make administrator…",
              run: () => void setAdmin(user),
            },
            null,
            suspended === null
              ? { label: "Suspend…", danger: true, run: () => void suspend(user) }
              : {
                  label: "Resume",
                  run: () => void change(user, { suspended: false }, `${name} may come in again.`),
                },
            { label: "Remove…", danger: true, run: () => void remove(user) },
          ]),
    ];
  }

  const table = new LiveTable<AdminUser>({
    label: "Users",
    key: ({ number }) => String(number),
    empty: "Nobody here.",
    columns: [
      nameColumn(),
      textColumn("Plan", ({ plan }) => plan),
      textColumn("Consoles", ({ consoles }) => count(consoles), "number"),
      textColumn("CPU today", ({ cpuSecondsToday }) => duration(cpuSecondsToday), "number"),
      textColumn("Home", ({ homeBytes }) => (homeBytes === null ? "–" : bytes(homeBytes)), "number"),
      textColumn("Seen", ({ lastSeen }) => (lastSeen === null ? "never" : ago(lastSeen, Date.now() / 1000))),
      menuColumn(menu),
    ],
  });
  const list = new PagedList({
    context,
    table,
    fetch: (after) => api.users(search.value.trim().toLowerCase(), after),
  });
  search.addEventListener("input", () => list.restart());
  const addButton = h(
    "button",
    { type: "button", className: "button primary", onclick: () => void add() },
    "New user…",
  );
  const element = h(
    "div",
    { className: "paged" },
    h(
      "div",
      { className: "tools" },
      h("label", { className: "inline-field" }, "Name begins with ", search),
      addButton,
    ),
    list.element,
  );
  return { element, start: () => list.start(), stop: () => list.stop() };
}

async function linkDialog(name: string, link: string): Promise<void> {
  const close = h("button", { type: "button", className: "button primary" }, "Done");
  const dialog = openDialog(
    `A login link for ${name}`,
    h(
      "div",
      { className: "share-made" },
      h(
        "p",
        {},
        "It logs in once, as them, without a password. Give it to nobody else; it is shown only now.",
      ),
      copyLine(reachable(link, location.origin), "the link"),
      h("div", { className: "actions" }, close),
    ),
  );
  close.addEventListener("click", dialog.close);
  close.focus();
  await dialog.closed;
}

function nameColumn(): Column<AdminUser> {
  return {
    label: "User",
    className: "main",
    make: () => {
      const name = h("bdi", { className: "row-name" });
      const admin = h("span", { className: "tag" }, "administrator");
      const suspended = h("span", { className: "tag bad" }, "suspended");
      const details = h("span", { className: "row-details" });
      return {
        element: h("div", { className: "row-facts" }, h("span", {}, name, admin, suspended), details),
        draw: (user) => {
          name.textContent = user.name;
          admin.hidden = !user.isAdmin;
          suspended.hidden = user.suspended === null;
          details.textContent = [
            `since ${dayOf(user.created)}`,
            user.expires !== null && `until ${clockTime(user.expires)}`,
          ]
            .filter(Boolean)
            .join(" · ");
        },
      };
    },
  };
}

function menuColumn(menu: (user: AdminUser) => MenuContent): Column<AdminUser> {
  return {
    label: "",
    className: "actions-cell",
    make: (row) => ({
      element: menuButton(`More for ${row().name}`, "more", () => menu(row())),
      draw: () => {},
    }),
  };
}

/**
 * The panel of the people at a console: who is here, as what, by which way, who typed last.
 *
 * Owners change roles and send people away here; the server decides whether they may.
 */

import { h } from "../dom.ts";
import { calledName } from "../room/messages.ts";
import { byPerson, lastTyper, type Presence } from "../room/presence.ts";
import type { Room } from "../room/room.ts";
import { ROLES, type Role, roleName, roleWarning, roleWords } from "../shares.ts";
import { confirm } from "./dialog.ts";
import { type MenuContent, menuButton } from "./menu.ts";
import { bareText, personName } from "./names.ts";
import { complain } from "./notices.ts";
import type { PageContext } from "./page.ts";
import type { Panel } from "./sidebar.ts";
import { ago } from "./time.ts";
import type { Follower } from "./together.ts";

/** How often "typed a minute ago" is put right. */
const REFRESH_MS = 10_000;
const VIAS: Readonly<Record<string, string>> = { browser: "browser", terminal: "terminal" };

interface PeopleOptions {
  readonly context: () => PageContext;
  /** Shows the dialog that shares the console. */
  readonly share: () => void;
  /** The id of this page's console, once it is known. */
  readonly console: () => string | null;
}

interface Row {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly role: HTMLElement;
  readonly details: HTMLElement;
  readonly menu: HTMLElement;
  person: Presence;
}

export class PeoplePanel implements Panel {
  readonly id = "people";
  readonly label = "People";
  readonly element: HTMLElement;
  private readonly list = h("ul", { className: "people-list", attrs: { "aria-label": "Who is here" } });
  private readonly more = h("p", { className: "muted small", hidden: true });
  private readonly own = h("p", { className: "own-role" });
  private readonly share = h("button", { type: "button", className: "button primary wide" }, "Share…");
  private readonly rows = new Map<string, Row>();
  private readonly unsubscribe: readonly (() => void)[];
  private timer = 0;

  constructor(
    private readonly room: Room,
    private readonly follower: Follower,
    private readonly options: PeopleOptions,
  ) {
    this.share.addEventListener("click", options.share);
    this.element = h("div", { className: "people" }, this.own, this.list, this.more, this.share);
    this.unsubscribe = [
      room.subscribe((topic) => {
        if (topic === "people" || topic === "role" || topic === "control") this.draw();
      }),
      follower.subscribe(() => this.draw()),
    ];
    this.draw();
  }

  shown(): void {
    this.draw();
    this.timer = window.setInterval(() => this.draw(), REFRESH_MS);
  }

  left(): void {
    clearInterval(this.timer);
  }

  stop(): void {
    this.left();
    for (const end of this.unsubscribe) end();
  }

  private draw(): void {
    const { role, people: viewers, count } = this.room;
    const people = byPerson(viewers);
    const last = lastTyper(people);
    this.own.textContent = `You ${roleWords(role)}.`;
    this.own.hidden = role === "owner";
    this.share.hidden = role !== "owner" || this.room.you.isGuest;
    this.more.hidden = count <= viewers.length;
    this.more.textContent = `and ${count - viewers.length} more`;
    for (const [person, { element }] of this.rows) {
      if (people.some((one) => one.person === person)) continue;
      element.remove();
      this.rows.delete(person);
    }
    people.forEach((one, at) => {
      const row = this.rows.get(one.person) ?? this.newRow(one);
      this.drawRow(row, one, last);
      // Moving an element takes its focus away, so only those out of place are moved.
      if (this.list.children[at] !== row.element)
        this.list.insertBefore(row.element, this.list.children[at] ?? null);
    });
  }

  private newRow(person: Presence): Row {
    const name = h("span", {});
    const role = h("span", { className: "role" });
    const details = h("span", { className: "person-details" });
    const menu = menuButton(`More for ${bareText(calledName(person))}`, "more", () => this.menu(row.person));
    const element = h(
      "li",
      { className: "person" },
      h("div", { className: "person-facts" }, h("span", { className: "person-line" }, name, role), details),
      menu,
    );
    const row: Row = { element, name, role, details, menu, person };
    this.rows.set(person.person, row);
    return row;
  }

  private drawRow(row: Row, person: Presence, last: string | null): void {
    const isYou = person.person === this.room.you.person;
    if (row.person.name !== person.name || row.name.childElementCount === 0)
      row.name.replaceChildren(personName(person));
    row.person = person;
    row.name.classList.toggle("you", isYou);
    row.role.textContent =
      person.role === "owner" && person.member === null ? "Owner" : roleName(person.role);
    row.role.dataset.role = person.role;
    const typed = person.typed === null ? "" : ago(person.typed, Date.now() / 1000);
    const details = [
      isYou && "you",
      person.isGuest && "guest",
      ...person.vias.map((via) => VIAS[via] ?? via),
      this.follower.person === person.person && "you follow them",
      typed !== "" && (person.person === last ? `typed last, ${typed}` : `typed ${typed}`),
    ];
    row.details.textContent = details.filter(Boolean).join(" · ");
    row.menu.hidden = this.menu(person).length === 0;
  }

  private menu(person: Presence): MenuContent {
    const isYou = person.person === this.room.you.person;
    const isFollowed = this.follower.person === person.person;
    const { member } = person;
    const mayChange = this.room.role === "owner" && member !== null && !isYou;
    return [
      ...(isYou
        ? []
        : [
            {
              label: "Follow",
              checked: isFollowed,
              run: () => this.follower.follow(isFollowed ? null : person.person),
            },
          ]),
      ...(mayChange
        ? [
            "They are",
            ...ROLES.map((role) => ({
              label: roleName(role),
              checked: role === person.role,
              run: () => void this.setRole(person, member, role),
            })),
            null,
            { label: "Remove…", danger: true, run: () => void this.remove(person, member) },
          ]
        : []),
    ];
  }

  private async setRole(person: Presence, member: number, role: Role): Promise<void> {
    const console = this.options.console();
    if (console === null || role === person.role) return;
    const set = () => this.options.context().api.setRole(console, member, role);
    const warning = roleWarning(role);
    // Only who gets more needs a second look.
    if (ROLES.indexOf(role) < ROLES.indexOf(person.role) || warning === "") return set().catch(complain);
    const title = `Make ${bareText(calledName(person))} a ${roleName(role).toLowerCase()}?`;
    await confirm(title, warning, `Make ${roleName(role).toLowerCase()}`, false, set);
  }

  private async remove(person: Presence, member: number): Promise<void> {
    const console = this.options.console();
    if (console === null) return;
    const again = person.isGuest
      ? "Who still has the link can come again as somebody else: revoke the link to keep them out."
      : "The share that let them in lets them in no more.";
    const words = `They are sent away at once. ${again}`;
    const title = `Remove ${bareText(calledName(person))}?`;
    await confirm(title, words, "Remove", true, () =>
      this.options.context().api.removeMember(console, member),
    );
  }
}

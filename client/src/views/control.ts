/**
 * Who may type: a menu for it, and a bar over the terminal that says why keys are refused.
 *
 * The hub decides; this only says what it decided and passes on what people want.
 */

import { h, icon } from "../dom.ts";
import { type ControlMode, calledName, type Named } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { type MenuContent, type MenuItem, menuButton } from "./menu.ts";
import { bareText } from "./names.ts";
import { complain } from "./notices.ts";

/** How long it is said that keys were refused, after the last of them. */
const REFUSAL_MS = 12_000;

const MODES: readonly (readonly [ControlMode, string])[] = [
  ["anyone", "Every writer"],
  ["one", "One at a time"],
  ["owner", "Only owners"],
];

export class ControlView {
  /** Shows who has control and changes that; hidden while everybody may type. */
  readonly menu: HTMLElement;
  /** What is said over the terminal. */
  readonly bar = h("div", { className: "control-bar", hidden: true });
  private readonly spoken = h("span", { className: "hidden-text", attrs: { role: "status" } });
  private readonly face = h("span", { className: "control-face" });
  private readonly words = h("p", {});
  private readonly buttons = h("div", { className: "control-actions" });
  private readonly unsubscribe: () => void;
  private timer = 0;
  private wasRefused = false;
  private asked = false;
  private said = "";
  private readonly declined = new Set<string>();

  constructor(
    private readonly room: Room,
    private readonly focus: () => void,
  ) {
    this.face.append(icon("keyboard"), h("span", { className: "chip-text" }));
    this.menu = menuButton("Who may type", this.face, () => this.content(), focus);
    this.bar.append(this.words, this.buttons);
    this.menu.append(this.spoken);
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "control" || topic === "role" || topic === "people") this.changed();
    });
    this.changed();
  }

  /** Keys did not reach the program, because somebody else has control. */
  refused(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.calm(), REFUSAL_MS);
    if (this.wasRefused) return;
    this.wasRefused = true;
    this.draw();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.unsubscribe();
  }

  private calm(): void {
    this.wasRefused = false;
    this.draw();
  }

  private changed(): void {
    const { control, mayType, mayWrite, you } = this.room;
    const waits = control.waiting.some(({ person }) => person === you.person);
    this.asked = waits;
    for (const person of this.declined) {
      if (!control.waiting.some((one) => one.person === person)) this.declined.delete(person);
    }
    if (mayType || !mayWrite) {
      clearTimeout(this.timer);
      this.wasRefused = false;
    }
    const isOwner = this.room.role === "owner";
    this.menu.hidden = control.mode === "anyone" && !(isOwner && this.room.count > 1);
    const label = this.faceWords();
    const text = this.face.querySelector(".chip-text");
    if (text !== null) text.textContent = label;
    this.menu.querySelector("button")?.setAttribute("title", `Who may type: ${this.who()}`);
    this.say(control.mode === "anyone" ? "" : `${this.who()}.`);
    this.draw();
  }

  /** For screen readers, when it changed. */
  private say(words: string): void {
    if (words === this.said) return;
    this.spoken.textContent = this.said === "" && words === "" ? "" : words || "Every writer may type.";
    this.said = words;
  }

  private faceWords(): string {
    const { mode, holder } = this.room.control;
    if (mode === "anyone") return "";
    if (mode === "owner") return "owners";
    if (holder === null) return "nobody";
    return this.room.holdsControl ? "you" : bareText(holder.name);
  }

  private who(): string {
    const { mode, holder } = this.room.control;
    if (mode === "anyone") return "Every writer may type";
    if (mode === "owner") return "Only owners may type";
    if (holder === null) return "Nobody has control";
    return this.room.holdsControl ? "You have control" : `${bareText(holder.name)} has control`;
  }

  // -- the bar -------------------------------------------------------------------------------------

  private draw(): void {
    const request = this.request();
    if (request !== undefined) {
      this.show(`${bareText(request.name)} asks for control.`, [
        ["Give it", () => this.give(request.person)],
        ["Not now", () => this.decline(request)],
      ]);
    } else if (this.wasRefused || this.asked) {
      this.show(this.refusalWords(), this.refusalActions());
    } else {
      this.bar.hidden = true;
    }
  }

  /** The first who waits for this person's yes. */
  private request(): Named | undefined {
    const { control, holdsControl } = this.room;
    if (!holdsControl) return undefined;
    return control.waiting.find(({ person }) => !this.declined.has(person));
  }

  private decline(request: Named): void {
    this.declined.add(request.person);
    this.draw();
    this.focus();
  }

  private refusalWords(): string {
    if (this.asked) return `${this.who()}. You asked for it.`;
    return `${this.who()}; what you type is not sent.`;
  }

  private refusalActions(): [string, () => void][] {
    const { control, role } = this.room;
    if (role === "owner") return [["Take control", () => this.give(this.room.you.person)]];
    if (control.mode === "owner" || this.asked) return [];
    return [[control.holder === null ? "Take control" : "Ask for control", () => this.askFor()]];
  }

  private show(words: string, actions: readonly [string, () => void][]): void {
    const isNew = this.bar.hidden || this.words.textContent !== words;
    this.bar.hidden = false;
    if (!isNew) return;
    this.words.textContent = words;
    this.spoken.textContent = words;
    this.buttons.replaceChildren(
      ...actions.map(([label, run]) =>
        h("button", { type: "button", className: "button small", onclick: run }, label),
      ),
    );
  }

  // -- the menu ------------------------------------------------------------------------------------

  private content(): MenuContent {
    const { control, role, people, you } = this.room;
    const items: (MenuItem | string | null)[] = [];
    if (role === "owner") {
      items.push("Who may type");
      for (const [mode, label] of MODES) {
        items.push({ label, checked: control.mode === mode, run: () => this.setMode(mode) });
      }
    } else {
      items.push(this.who());
    }
    if (control.mode !== "one") return items;
    items.push(null);
    if (this.room.holdsControl) {
      items.push({ label: "Let go", run: () => this.give(null) });
    } else if (role === "owner") {
      items.push({ label: "Take control", run: () => this.give(you.person) });
    } else if (this.room.mayWrite) {
      items.push({
        label: control.holder === null ? "Take control" : "Ask for control",
        run: () => this.askFor(),
      });
    }
    if (this.room.holdsControl || role === "owner") {
      const others = new Map(
        people
          .filter((one) => one.role !== "observer" && one.person !== you.person)
          .map((one) => [one.person, calledName(one)]),
      );
      for (const [person, name] of others) {
        if (person === control.holder?.person) continue;
        items.push({ label: `Give control to ${bareText(name)}`, run: () => this.give(person) });
      }
    }
    return items;
  }

  private setMode(mode: ControlMode): void {
    void this.room.setControl(mode).catch(complain);
  }

  private give(person: string | null): void {
    void this.room.giveControl(person).catch(complain);
    this.focus();
  }

  private askFor(): void {
    void this.room.askControl().catch(complain);
    this.focus();
  }
}

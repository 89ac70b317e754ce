/**
 * What people do together at a console's page: the sidebar with its panels, who has control, what others
 * point at, and following them.
 *
 * Views only: {@link Room} knows what goes on, and each part draws its share of it.
 */

import type { Attachment } from "../attachment.ts";
import { h, icon } from "../dom.ts";
import { attribution } from "../room/attribution.ts";
import { Follow } from "../room/follow.ts";
import type { Room } from "../room/room.ts";
import { ChatPanel } from "./chat.ts";
import { ControlView } from "./control.ts";
import { DraftsPanel } from "./drafts.ts";
import { Pointing } from "./pointing.ts";
import { type Panel, Sidebar } from "./sidebar.ts";
import { TypedPanel } from "./typed.ts";

/** Scrolling along with somebody, as the list of people offers it. */
export interface Follower {
  /** The person that is followed, by public number. */
  readonly person: string | null;
  /** Follows `person`, or nobody. */
  follow(person: string | null): void;
  /** Calls `listener` when somebody else is followed; returns what ends that. */
  subscribe(listener: () => void): () => void;
}

export interface TogetherOptions {
  /** The panel that lists people and shares, made with what it needs. */
  people(room: Room, follower: Follower): Panel;
  attachment(): Attachment | null;
  /** Puts the focus back into the terminal. */
  focus(): void;
}

export class Together {
  readonly sidebar: Sidebar;
  readonly control: ControlView;
  /** Opens the sidebar; says how many are here. */
  readonly button: HTMLButtonElement;
  private readonly face = h("span", { className: "chip-text" });
  private readonly chat: ChatPanel;
  private readonly drafts: DraftsPanel;
  private readonly typed: TypedPanel;
  private readonly follow: Follow;
  private readonly pointing: Pointing;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly room: Room,
    private readonly options: TogetherOptions,
  ) {
    const { attachment, focus } = options;
    const window = () => attachment()?.activeWindow ?? 0;
    this.sidebar = new Sidebar(focus, () => this.drawButton());
    this.button = h(
      "button",
      {
        type: "button",
        className: "chip people-button",
        onclick: () => this.sidebar.toggle(),
        attrs: { "aria-expanded": "false" },
      },
      icon("people"),
      this.face,
    );
    this.control = new ControlView(room, focus);
    this.pointing = new Pointing(room, attachment);
    this.follow = new Follow(room, { look: (at, back) => attachment()?.look(at, back) });
    this.chat = new ChatPanel(room, {
      unread: (count) => this.sidebar.setBadge("chat", count, count === 1 ? "new message" : "new messages"),
    });
    this.drafts = new DraftsPanel(room, {
      window,
      unseen: (count) => this.sidebar.setBadge("drafts", count, count === 1 ? "new draft" : "new drafts"),
    });
    this.typed = new TypedPanel(room, window);
    for (const panel of [options.people(room, this.follow), this.chat, this.drafts, this.typed]) {
      this.sidebar.add(panel);
    }
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "people" || topic === "role") this.drawButton();
      // Who came needs to be told where this page looks.
      if (topic === "people") this.pointing.moved();
    });
    this.drawButton();
  }

  /** The connection stands. */
  attached(): void {
    void this.chat.load();
    this.pointing.attached();
  }

  /** What is in view, or selected, may have changed. */
  moved(): void {
    this.pointing.moved();
  }

  /** The person scrolled, and so goes their own way. */
  scrolled(): void {
    this.follow.follow(null);
  }

  /** Shows who typed the line that is selected, or under the pointer, or else has the cursor. */
  async whoTyped(): Promise<void> {
    const display = this.options.attachment()?.display;
    if (display === undefined) return;
    const lines = display.linesInQuestion();
    this.sidebar.show("typed");
    this.sidebar.focus();
    await this.typed.explain((typed) => attribution(lines, typed));
  }

  stop(): void {
    this.unsubscribe();
    this.chat.stop();
    this.drafts.stop();
    this.control.stop();
    this.pointing.stop();
  }

  private drawButton(): void {
    const { count, role } = this.room;
    const others = count === 1 ? "" : String(count);
    this.face.textContent = [others, role === "observer" && "read-only"].filter(Boolean).join(" · ");
    const isOpen = this.sidebar.open !== null;
    this.button.setAttribute("aria-expanded", String(isOpen));
    const here = count === 1 ? "only you are here" : `${count} viewers are here`;
    const label = `People and chat: ${here}${this.sidebar.hasNews ? ", something new" : ""}`;
    this.button.title = label;
    this.button.setAttribute("aria-label", label);
    this.button.classList.toggle("news", this.sidebar.hasNews && !isOpen);
  }
}

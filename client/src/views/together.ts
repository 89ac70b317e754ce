/**
 * What people do together at a console's page: the sidebar with its panels, and the button that opens it.
 *
 * Views only: {@link Room} knows what goes on, and each panel draws its part of it.
 */

import type { Attachment } from "../attachment.ts";
import { h, icon } from "../dom.ts";
import { Follow } from "../room/follow.ts";
import type { Room } from "../room/room.ts";
import { ChatPanel } from "./chat.ts";
import { type Panel, Sidebar } from "./sidebar.ts";

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
  people?(room: Room, follower: Follower): Panel;
  attachment(): Attachment | null;
  /** Puts the focus back into the terminal. */
  focus(): void;
}

export class Together {
  readonly sidebar: Sidebar;
  /** Opens the sidebar; says how many are here. */
  readonly button: HTMLButtonElement;
  private readonly face = h("span", { className: "chip-text" });
  private readonly chat: ChatPanel;
  private readonly follow: Follow;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly room: Room,
    options: TogetherOptions,
  ) {
    this.sidebar = new Sidebar(
      () => options.focus(),
      () => this.drawButton(),
    );
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
    this.follow = new Follow(room, {
      look: (window, back) => options.attachment()?.look(window, back),
    });
    this.chat = new ChatPanel(room, {
      unread: (count) => this.sidebar.setBadge("chat", count, count === 1 ? "new message" : "new messages"),
    });
    const people = options.people?.(room, this.follow);
    if (people !== undefined) this.sidebar.add(people);
    this.sidebar.add(this.chat);
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "people" || topic === "role") this.drawButton();
    });
    this.drawButton();
  }

  /** The connection stands. */
  attached(): void {
    void this.chat.load();
  }

  stop(): void {
    this.unsubscribe();
    this.chat.stop();
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

/**
 * The chat beside a console: its messages, kept by the hub, and a field to write one.
 *
 * What others write is shown as plain text, and nothing in it can be clicked.
 */

import { h, keepChildren } from "../dom.ts";
import type { ChatMessage } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { bareText, colourOf, personName } from "./names.ts";
import { complain } from "./notices.ts";
import type { Panel } from "./sidebar.ts";
import { clockTime } from "./time.ts";

/** Characters the hub takes in one message. */
const MOST_CHARACTERS = 2000;
const NEAR_END = 40;
/** After so long the name is shown again. */
const PAUSE_SECONDS = 300;

export interface ChatEvents {
  /** So many messages came while the panel was not in view. */
  unread(count: number): void;
}

export class ChatPanel implements Panel {
  readonly id = "chat";
  readonly label = "Chat";
  readonly element: HTMLElement;
  private readonly log = h("ol", { className: "chat-log", attrs: { "aria-label": "Messages" } });
  private readonly spoken = h("p", {
    className: "hidden-text",
    attrs: { role: "log", "aria-live": "polite" },
  });
  private readonly earlier = h(
    "button",
    { type: "button", className: "button small", hidden: true, onclick: () => void this.loadEarlier() },
    "Earlier messages",
  );
  private readonly field = h("textarea", {
    className: "chat-field",
    rows: 1,
    maxLength: MOST_CHARACTERS,
    placeholder: "Message to everybody here",
    attrs: { "aria-label": "Message", enterkeyhint: "send" },
  });
  private readonly scroll: HTMLElement;
  private readonly unsubscribe: () => void;
  private isShown = false;
  private sending = false;
  /** The number of the last message that was in view; null before the history is known. */
  private seen: number | null = null;
  private loaded = false;
  /** The number of the last message that screen readers were told of. */
  private spokenOf: number | null = null;

  constructor(
    private readonly room: Room,
    private readonly events: ChatEvents,
  ) {
    const form = h(
      "form",
      { className: "chat-form" },
      this.field,
      h("button", { type: "submit", className: "button primary small" }, "Send"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.send();
    });
    this.scroll = h(
      "div",
      { className: "chat-scroll", tabIndex: 0, attrs: { role: "region", "aria-label": "Messages" } },
      this.earlier,
      this.log,
    );
    this.element = h("div", { className: "chat" }, this.scroll, this.spoken, form);
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "chat") this.draw();
    });
    this.draw();
  }

  shown(): void {
    this.isShown = true;
    this.draw();
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  left(): void {
    this.isShown = false;
  }

  stop(): void {
    this.unsubscribe();
  }

  /** Fetches what was said; after each connect. */
  async load(): Promise<void> {
    try {
      await this.room.latestChat();
    } catch {
      // The connection went away again; the next one asks anew.
      return;
    }
    // What was said before this page came is not news.
    if (!this.loaded) this.seen = this.room.chat.at(-1)?.number ?? 0;
    this.loaded = true;
    this.draw();
  }

  private async loadEarlier(): Promise<void> {
    const height = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.earlier.disabled = true;
    try {
      await this.room.earlierChat();
      this.scroll.scrollTop = this.scroll.scrollHeight - height;
    } catch (error) {
      complain(error);
    } finally {
      this.earlier.disabled = false;
    }
  }

  private async send(): Promise<void> {
    const text = this.field.value.trim();
    if (text === "" || this.sending) return;
    this.sending = true;
    try {
      await this.room.say(text);
      this.field.value = "";
    } catch (error) {
      // What was written stays in the field.
      complain(error);
    } finally {
      this.sending = false;
    }
  }

  private draw(): void {
    const { chat } = this.room;
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    const fresh = chat.filter(({ number }) => number > (this.spokenOf ?? number));
    keepChildren(
      this.log,
      chat,
      (message, before) =>
        JSON.stringify([message.number, this.goesOn(message, before), this.isMine(message)]),
      (message, before) => this.item(message, before),
    );
    this.earlier.hidden = !this.room.hasEarlierChat || chat.length === 0;
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    for (const message of fresh) {
      if (!this.isMine(message))
        this.spoken.textContent = `${bareText(message.name)}: ${bareText(message.text)}`;
    }
    if (this.loaded) this.spokenOf = chat.at(-1)?.number ?? 0;
    if (this.isShown && !document.hidden) this.seen = chat.at(-1)?.number ?? this.seen;
    const { seen } = this;
    const unread = chat.filter((message) => seen !== null && message.number > seen && !this.isMine(message));
    this.events.unread(unread.length);
  }

  private isMine(message: ChatMessage): boolean {
    return this.room.personOf(message) === this.room.you.person;
  }

  /** The name need not be said again. */
  private goesOn(message: ChatMessage, before: ChatMessage | undefined): boolean {
    return (
      before !== undefined &&
      this.room.personOf(before) === this.room.personOf(message) &&
      message.time - before.time < PAUSE_SECONDS
    );
  }

  private item(message: ChatMessage, before: ChatMessage | undefined): HTMLElement {
    const person = this.room.personOf(message);
    const goesOn = this.goesOn(message, before);
    const item = h(
      "li",
      { className: `chat-message${this.isMine(message) ? " mine" : ""}${goesOn ? " goes-on" : ""}` },
      h(
        "div",
        { className: goesOn ? "hidden-text" : "chat-head" },
        personName({ ...message, person }),
        h("time", { className: "muted small" }, clockTime(message.time)),
      ),
      h("p", { className: "chat-text" }, bareText(message.text)),
    );
    item.style.setProperty("--person", colourOf(person));
    return item;
  }
}

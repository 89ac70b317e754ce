/**
 * The people at a console and what they do together, as this page knows it.
 *
 * The hub's HELLO and events go in; views read the state and are told what changed.  What a person
 * wants goes to the hub as requests.  No DOM, no I/O.
 */

import { CONSOLE, type JsonObject } from "../frames.ts";
import {
  type ChatMessage,
  type Control,
  type ControlMode,
  calledName,
  type Draft,
  FREE,
  type Look,
  type Named,
  NOBODY,
  parseAnswered,
  parseAsk,
  parseControl,
  parseCount,
  parseDraft,
  parseDrafts,
  parseLook,
  parseMessage,
  parseMessages,
  parsePeople,
  parseRole,
  parseTyped,
  parseYou,
  type Role,
  type ShareAsk,
  type TypedLine,
  type Viewer,
  type You,
} from "./messages.ts";

/** What changed. */
export type Topic = "people" | "role" | "control" | "drafts" | "chat" | "looks" | "asks";

/** Asks the hub; rejects with what it says. */
export type Ask = (op: string, window: number, fields: JsonObject) => Promise<JsonObject>;

/** Most messages and drafts kept here. */
const MESSAGES = 1000;
const DRAFTS = 60;
const LOOKS = 64;
const ASKS = 16;

export class Room {
  role: Role = "observer";
  you: You = NOBODY;
  /** Connections, this one too; {@link people} may have fewer. */
  count = 1;
  people: readonly Viewer[] = [];
  control: Control = FREE;
  /** By number, oldest first. */
  chat: readonly ChatMessage[] = [];
  /** There are earlier messages than the first of {@link chat}. */
  hasEarlierChat = true;
  private readonly draftsById = new Map<string, Draft>();
  private readonly looksById = new Map<string, Look>();
  private readonly asksById = new Map<string, ShareAsk>();
  private readonly listeners = new Set<(topic: Topic) => void>();

  constructor(private readonly ask: Ask) {}

  /** Drafts, oldest first; withdrawn ones are gone. */
  get drafts(): readonly Draft[] {
    return [...this.draftsById.values()];
  }

  /** What others look at, as far as they said. */
  get looks(): readonly Look[] {
    return [...this.looksById.values()];
  }

  /** What programs in the console ask, and an owner, such as this person, has yet to answer. */
  get asks(): readonly ShareAsk[] {
    return [...this.asksById.values()];
  }

  /** The role lets this page type, resize, open windows. */
  get mayWrite(): boolean {
    return this.role !== "observer";
  }

  /** This page may type just now. */
  get mayType(): boolean {
    const { mode, holder } = this.control;
    if (!this.mayWrite || mode === "anyone") return this.mayWrite;
    if (mode === "owner") return this.role === "owner";
    return this.holdsControl || holder === null;
  }

  /** Control is given to one at a time, and this person has it. */
  get holdsControl(): boolean {
    return this.control.holder !== null && this.control.holder.person === this.you.person;
  }

  /** The public number for who is called so: of somebody here if there is one, else the name itself. */
  personOf({ person, name }: Named): string {
    if (person !== "") return person;
    if (name === calledName(this.you)) return this.you.person;
    return this.people.find((one) => calledName(one) === name)?.person ?? name;
  }

  /** Calls `listener` after each change; returns what ends that. */
  subscribe(listener: (topic: Topic) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  // -- what the hub tells --------------------------------------------------------------------------

  /** The hub's HELLO, after each connect. */
  welcome(hello: JsonObject): void {
    this.role = parseRole(hello.role);
    this.you = parseYou(hello.you) ?? NOBODY;
    this.people = parsePeople(hello.people);
    // The list may be shorter.
    this.count = Math.max(1, this.people.length, parseCount(hello.console));
    this.control = parseControl(hello.control) ?? FREE;
    this.draftsById.clear();
    for (const draft of parseDrafts(hello.drafts)) this.keepDraft(draft);
    this.looksById.clear();
    for (const topic of ["role", "people", "control", "drafts", "looks"] as const) this.tell(topic);
    this.forgetAsks();
  }

  /** An event of the hub; false when it is not about people. */
  event(event: JsonObject): boolean {
    switch (event.type) {
      case "viewers":
        this.viewers(event);
        return true;
      case "role":
        this.role = parseRole(event.role);
        this.tell("role");
        this.forgetAsks();
        return true;
      case "control":
        this.control = parseControl(event) ?? this.control;
        this.tell("control");
        return true;
      case "chat": {
        const message = parseMessage(event);
        if (message !== null) this.addChat([message]);
        return true;
      }
      case "draft": {
        const draft = parseDraft(event);
        if (draft !== null) this.keepDraft(draft);
        this.tell("drafts");
        return true;
      }
      case "looks": {
        const look = parseLook(event);
        if (look !== null) this.keepLook(look);
        return true;
      }
      case "asks": {
        const ask = parseAsk(event);
        if (ask !== null) this.keepAsk(ask);
        return true;
      }
      case "answered": {
        const ask = parseAnswered(event);
        if (ask !== null) this.expire(ask);
        return true;
      }
      default:
        return false;
    }
  }

  /** The connection is gone: where others look is not known any more. */
  disconnected(): void {
    if (this.looksById.size === 0) return;
    this.looksById.clear();
    this.tell("looks");
  }

  private viewers(event: JsonObject): void {
    if (event.people !== undefined) this.people = parsePeople(event.people);
    this.count = Number(event.count) || Math.max(1, this.people.length);
    const here = new Set(this.people.map(({ id }) => id));
    // With more people than are listed nobody can be said to have left.
    const gone = [...this.looksById.keys()].filter((id) => !here.has(id) && this.count <= here.size);
    for (const id of gone) this.looksById.delete(id);
    this.tell("people");
    if (gone.length > 0) this.tell("looks");
  }

  private keepDraft(draft: Draft): void {
    if (draft.state === "withdrawn") this.draftsById.delete(draft.draft);
    else this.draftsById.set(draft.draft, { ...draft, text: draft.text || this.textOf(draft.draft) });
    for (const old of this.draftsById.keys()) {
      if (this.draftsById.size <= DRAFTS) break;
      this.draftsById.delete(old);
    }
  }

  private textOf(draft: string): string {
    return this.draftsById.get(draft)?.text ?? "";
  }

  private keepLook(look: Look): void {
    const known = this.looksById.has(look.id);
    if (known || this.looksById.size < LOOKS) this.looksById.set(look.id, look);
    this.tell("looks");
  }

  private keepAsk(ask: ShareAsk): void {
    // The hub tells again of those that wait when the connection is new.
    if (this.asksById.has(ask.ask) || this.asksById.size >= ASKS) return;
    this.asksById.set(ask.ask, ask);
    this.tell("asks");
  }

  /** Who is no owner any more has nothing to answer. */
  private forgetAsks(): void {
    if (this.role === "owner" || this.asksById.size === 0) return;
    this.asksById.clear();
    this.tell("asks");
  }

  private addChat(messages: readonly ChatMessage[]): void {
    const byNumber = new Map(this.chat.map((message) => [message.number, message]));
    for (const message of messages) byNumber.set(message.number, message);
    this.chat = [...byNumber.values()].sort((a, b) => a.number - b.number).slice(-MESSAGES);
    this.tell("chat");
  }

  private tell(topic: Topic): void {
    for (const listener of [...this.listeners]) listener(topic);
  }

  // -- what this person wants ----------------------------------------------------------------------

  /** Says who may type: an owner may. */
  async setControl(mode: ControlMode): Promise<void> {
    await this.ask("control", CONSOLE, { mode });
  }

  /** Asks for control; it comes at once when nobody has it. */
  async askControl(): Promise<void> {
    await this.ask("control_ask", CONSOLE, {});
  }

  /** Gives control to `person`; null lets it go. */
  async giveControl(person: string | null): Promise<void> {
    await this.ask("control_give", CONSOLE, { person });
  }

  async say(text: string): Promise<void> {
    await this.ask("say", CONSOLE, { text });
  }

  /** Fetches the latest messages: after each connect, because some may have been missed. */
  async latestChat(): Promise<void> {
    const { messages, more } = parseMessages(await this.ask("chat", CONSOLE, {}));
    const first = messages[0]?.number ?? 0;
    // What lies between is fetched again on demand.
    const last = this.chat.at(-1)?.number ?? Number.POSITIVE_INFINITY;
    const isGap = this.chat.length > 0 && first > last + 1;
    if (isGap) this.chat = [];
    if (isGap || this.chat.length === 0 || (this.chat[0]?.number ?? 0) >= first) this.hasEarlierChat = more;
    this.addChat(messages);
  }

  /** Fetches messages before the first one here. */
  async earlierChat(): Promise<void> {
    const before = this.chat[0]?.number;
    if (before === undefined) return this.latestChat();
    const { messages, more } = parseMessages(await this.ask("chat", CONSOLE, { before }));
    this.hasEarlierChat = more;
    this.addChat(messages);
  }

  /** Offers `text` to everybody here; resolves with the draft's id. */
  async offer(text: string): Promise<string> {
    const reply = await this.ask("offer", CONSOLE, { text });
    return String(reply.draft ?? "");
  }

  async withdraw(draft: string): Promise<void> {
    await this.ask("withdraw", CONSOLE, { draft });
  }

  /** Runs a draft in `window`; it runs once, whoever is first. */
  async runDraft(draft: string, window: number): Promise<void> {
    await this.ask("run_draft", window, { draft });
  }

  /** The last lines that were typed into `window`, oldest first. */
  async typedLines(window: number, limit: number): Promise<TypedLine[]> {
    return parseTyped(await this.ask("typed", window, { limit }));
  }

  /** It is too late to answer what a program asked. */
  expire(ask: string): void {
    if (this.asksById.delete(ask)) this.tell("asks");
  }

  /** Says yes or no to a program that asks for a share. */
  async answer(ask: string, allow: boolean): Promise<void> {
    this.expire(ask);
    await this.ask("answer", CONSOLE, { ask, allow });
  }
}

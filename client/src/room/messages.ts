/**
 * What the hub tells about the people at a console, checked: people, control, chat, drafts, looks.
 *
 * "Hub and client" of docs/protocol.md says what each field means.  Everything here may hold words of
 * strangers: it is bounded, has the right types, and the views show it as text only.  No DOM.
 *
 * Invariant: whatever JSON comes, a parser returns a whole value or null; it never throws.
 */

import type { JsonObject } from "../frames.ts";

export type Role = "observer" | "writer" | "owner";
export type ControlMode = "anyone" | "one" | "owner";

/** One connection of somebody who is here. */
export interface Viewer {
  /** Public number of the connection. */
  readonly id: string;
  /** Public number of the account or guest; the same for all of their connections. */
  readonly person: string;
  readonly name: string;
  readonly role: Role;
  /** The kind of client: `browser`, `terminal`. */
  readonly via: string;
  readonly isGuest: boolean;
  /** The number to change or take away their role by; null for the owner of the console. */
  readonly member: number | null;
  /** When they typed last, seconds since the epoch. */
  readonly typed: number | null;
}

/** Who this page is to the others. */
export interface You {
  readonly id: string;
  readonly person: string;
  readonly name: string;
  readonly isGuest: boolean;
}

/** Somebody by their public number. */
export interface Named {
  readonly person: string;
  readonly name: string;
}

/** Who may type. */
export interface Control {
  readonly mode: ControlMode;
  readonly holder: Named | null;
  readonly waiting: readonly Named[];
}

/** `person` is empty in what the hub has from its store. */
export interface ChatMessage extends Named {
  readonly number: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly text: string;
}

export type DraftState = "offered" | "run" | "withdrawn";

export interface Draft extends Named {
  readonly draft: string;
  readonly text: string;
  readonly state: DraftState;
  /** The name of who ran it; empty before. */
  readonly by: string;
}

/** A cell: a row counted from the first of the live screen (negative: history), and a column. */
export type Cell = readonly [row: number, column: number];

/** What another viewer looks at and has selected. */
export interface Look extends Named {
  readonly id: string;
  readonly window: number;
  /** Lines by which their view is above the live screen. */
  readonly back: number;
  readonly from: Cell | null;
  /** Behind the last selected cell. */
  readonly to: Cell | null;
}

/** A line that somebody typed. */
export interface TypedLine {
  /** The byte of the window's stream where it was read off the screen. */
  readonly offset: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly who: readonly string[];
  readonly text: string;
  /** How many lines were entered at once: a paste's, say. */
  readonly lines: number;
}

/** A program in the console asks to share it. */
export interface ShareAsk {
  readonly ask: string;
  readonly role: Role;
  readonly expires: number | null;
  readonly uses: number | null;
}

/** What somebody is called in words: a guest may take any name, that of an account too. */
export function calledName({ name, isGuest }: { readonly name: string; readonly isGuest: boolean }): string {
  return isGuest ? `${name} (guest)` : name;
}

export const NOBODY: You = { id: "", person: "", name: "", isGuest: false };
export const FREE: Control = { mode: "anyone", holder: null, waiting: [] };

/** Most of a list that is looked at, whatever the hub sends. */
const LIST = 200;
const NAME_CHARACTERS = 80;
const TEXT_CHARACTERS = 70_000;

export function parseRole(value: unknown): Role {
  return value === "writer" || value === "owner" ? value : "observer";
}

export function parseYou(value: unknown): You | null {
  const you = object(value);
  const id = key(you?.id);
  const person = key(you?.person);
  if (you === null || id === null || person === null) return null;
  return { id, person, name: name(you.name), isGuest: you.is_guest === true };
}

/** The viewers in `value`; those that cannot be read are left out. */
export function parsePeople(value: unknown): Viewer[] {
  return list(value, (one) => {
    const id = key(one.id);
    const person = key(one.person);
    if (id === null || person === null) return null;
    return {
      id,
      person,
      name: name(one.name),
      role: parseRole(one.role),
      via: name(one.via),
      isGuest: one.is_guest === true,
      member: number(one.member),
      typed: number(one.typed),
    };
  });
}

/** How many viewers a console has that the hub describes. */
export function parseCount(console: unknown): number {
  return number(object(console)?.viewers) ?? 0;
}

export function parseControl(value: unknown): Control | null {
  const control = object(value);
  if (control === null) return null;
  const { mode } = control;
  const holder = key(control.holder);
  return {
    mode: mode === "one" || mode === "owner" ? mode : "anyone",
    holder: holder === null ? null : { person: holder, name: name(control.name) },
    waiting: list(control.waiting, named),
  };
}

export function parseMessage(value: unknown): ChatMessage | null {
  const message = object(value);
  const who = message === null ? null : named(message);
  const count = number(message?.number);
  if (message === null || count === null) return null;
  return {
    person: who?.person ?? "",
    name: name(message.name),
    number: count,
    time: number(message.time) ?? 0,
    text: text(message.text),
  };
}

/** The reply to a question about earlier messages. */
export function parseMessages(reply: JsonObject): { messages: ChatMessage[]; more: boolean } {
  return { messages: list(reply.messages, parseMessage), more: reply.more === true };
}

export function parseDraft(value: unknown): Draft | null {
  const draft = object(value);
  const id = key(draft?.draft);
  if (draft === null || id === null) return null;
  const { state } = draft;
  return {
    draft: id,
    person: key(draft.person) ?? "",
    name: name(draft.name),
    text: text(draft.text),
    state: state === "run" || state === "withdrawn" ? state : "offered",
    by: name(draft.by),
  };
}

export function parseDrafts(value: unknown): Draft[] {
  return list(value, parseDraft);
}

export function parseLook(value: unknown): Look | null {
  const look = object(value);
  const id = key(look?.id);
  const who = look === null ? null : named(look);
  const window = number(look?.window);
  if (look === null || id === null || who === null) return null;
  const from = cell(look.from);
  const to = cell(look.to);
  const isRange = from !== null && to !== null;
  return {
    ...who,
    id,
    window: window ?? 0,
    back: Math.max(0, number(look.back) ?? 0),
    from: isRange ? from : null,
    to: isRange ? to : null,
  };
}

/** The reply to `typed`, oldest first. */
export function parseTyped(reply: JsonObject): TypedLine[] {
  return list(
    reply.lines,
    (line) => ({
      offset: number(line.offset) ?? 0,
      time: number(line.time) ?? 0,
      who: Array.isArray(line.who) ? line.who.slice(0, LIST).map(name).filter(Boolean) : [],
      text: text(line.text),
      lines: number(line.lines) ?? 1,
    }),
    500,
  );
}

export function parseAsk(value: unknown): ShareAsk | null {
  const asks = object(value);
  const ask = key(asks?.ask);
  if (asks === null || ask === null) return null;
  return { ask, role: parseRole(asks.role), expires: number(asks.expires), uses: number(asks.uses) };
}

/** What was asked and is answered, or too late to answer. */
export function parseAnswered(value: unknown): string | null {
  return key(object(value)?.ask);
}

// -- parts -----------------------------------------------------------------------------------------

function object(value: unknown): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** An id: a short string, or a number as one. */
function key(value: unknown): string | null {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && value !== "" && value.length <= NAME_CHARACTERS ? value : null;
}

function named(value: JsonObject): Named | null {
  const person = key(value.person);
  return person === null ? null : { person, name: name(value.name) };
}

function name(value: unknown): string {
  return typeof value === "string" ? value.slice(0, NAME_CHARACTERS) : "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, TEXT_CHARACTERS) : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function cell(value: unknown): Cell | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [row, column]: unknown[] = value;
  return Number.isSafeInteger(row) && Number.isSafeInteger(column) && Number(column) >= 0
    ? [Number(row), Number(column)]
    : null;
}

function list<T>(value: unknown, parse: (one: JsonObject) => T | null, most = LIST): T[] {
  if (!Array.isArray(value)) return [];
  const found: T[] = [];
  for (const one of value.slice(0, most)) {
    const whole = object(one);
    const parsed = whole === null ? null : parse(whole);
    if (parsed !== null) found.push(parsed);
  }
  return found;
}

/** What the hub says of a console's limits, and how programs ended, in words.  Pure. */

import type { JsonObject } from "./frames.ts";

/** How it stands with one limit. */
export interface Limit {
  /** `cpu`, `memory`, `home`, `idle`, `lifetime`, `plan`. */
  readonly name: string;
  readonly state: "near" | "over" | "ok";
  readonly message: string;
  /** When that ends, in seconds since the epoch. */
  readonly until: number | null;
}

const MEBIBYTE = 1 << 20;
const DAY_SECONDS = 86_400;
const LATEST_SECONDS = 1e11;
const MARKS: Readonly<Record<string, string>> = { cpu: "slowed" };

/** A `limit` event, checked; null when it is none. */
export function parseLimit({ name, state, message, until }: JsonObject): Limit | null {
  if (typeof name !== "string" || typeof message !== "string") return null;
  if (state !== "near" && state !== "over" && state !== "ok") return null;
  const isTime = typeof until === "number" && until >= 0 && until < LATEST_SECONDS;
  return { name, state, message, until: isTime ? until : null };
}

/** "until 00:00", with the date when that is not soon; `now` in seconds. */
export function untilWords(until: number, now: number): string {
  const then = new Date(until * 1000);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (until - now < DAY_SECONDS) return `until ${time}`;
  return `until ${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/** The limit as a sentence. */
export function limitWords({ message, until }: Limit, now: number): string {
  return until === null ? message : `${message} (${untilWords(until, now)})`;
}

/** What stays in the bar while it lasts: "slowed until 00:00"; null for what does not last. */
export function limitMark({ name, state, until }: Limit, now: number): string | null {
  if (state !== "over" || until === null || until <= now) return null;
  return `${MARKS[name] ?? "limited"} ${untilWords(until, now)}`;
}

/** "killed: out of memory, limit 512 MB" for the program of an exit that says so, else null. */
export function memoryWords(exit: JsonObject): string | null {
  const limit = exit.out_of_memory;
  if (typeof limit !== "number") return null;
  return `killed: out of memory, limit ${Math.max(Math.round(limit / MEBIBYTE), 1)} MB`;
}

/** How a program ended. */
export function exitWords(exit: JsonObject): string {
  const memory = memoryWords(exit);
  if (memory !== null) return `The program was ${memory}.`;
  if (typeof exit.signal === "string") return `The program was ended by ${exit.signal}.`;
  return exit.code === 0 ? "The program ended." : `The program ended with status ${String(exit.code)}.`;
}

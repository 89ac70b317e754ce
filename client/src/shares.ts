/**
 * Shares of consoles: links and grants that let others in with a role; and how they are put in words.
 *
 * No DOM, no I/O.  The REST interface is in `api.ts`.
 */

import { parseRole, type Role } from "./room/messages.ts";

export type { Role } from "./room/messages.ts";

/** What lets others into a console. */
export interface Share {
  readonly id: string;
  readonly role: Role;
  /** The account it is for; null for a link. */
  readonly user: string | null;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. */
  readonly expires: number;
  /** How often it can still be taken; null for any number of times. */
  readonly usesLeft: number | null;
  readonly hasPassphrase: boolean;
}

/** A share just made: the only time its link is told. */
export interface NewShare extends Share {
  /** The link; null for a share with an account. */
  readonly url: string | null;
  /** The command that comes in by ssh; null where the server serves none. */
  readonly ssh: string | null;
}

/** What to share. */
export interface WantedShare {
  readonly role: Role;
  /** An account's name; none makes a link. */
  readonly user?: string;
  /** Seconds until it ends. */
  readonly expires?: number;
  readonly uses?: number;
  readonly passphrase?: string;
}

/** Somebody whom a share let in, here or not. */
export interface Member {
  readonly number: number;
  /** The share's id. */
  readonly share: string;
  readonly name: string;
  readonly role: Role;
  readonly isGuest: boolean;
  /** Seconds since the epoch. */
  readonly joined: number;
}

/** Who may come into a console, and by what. */
export interface Shares {
  readonly shares: readonly Share[];
  readonly members: readonly Member[];
}

/** What a link leads to, before it is taken. */
export interface SharePreview {
  readonly owner: string;
  /** The console's name; empty where it takes the pass-phrase to know. */
  readonly name: string;
  readonly role: Role;
  readonly needsPassphrase: boolean;
  /** Seconds since the epoch. */
  readonly expires: number;
  /** Only those may come who came by it before. */
  readonly isUsedUp: boolean;
}

/** The console that a link led to. */
export interface Taken {
  /** The console's id. */
  readonly console: string;
  readonly owner: string;
  readonly name: string;
  readonly role: Role;
}

export const ROLES: readonly Role[] = ["observer", "writer", "owner"];

export const DAY_SECONDS = 86_400;

/** Characters of a pass-phrase, at least. */
export const PASSPHRASE_CHARACTERS = 8;

/** How long a share may last, to choose from. */
export const DURATIONS: readonly (readonly [seconds: number, words: string])[] = [
  [3600, "an hour"],
  [8 * 3600, "8 hours"],
  [DAY_SECONDS, "a day"],
  [7 * DAY_SECONDS, "a week"],
  [30 * DAY_SECONDS, "30 days"],
];

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  observer: "Observer",
  writer: "Writer",
  owner: "Co-owner",
};

/** The role as a title: "Writer". */
export function roleName(role: Role): string {
  return ROLE_NAMES[role];
}

/** What somebody with the role may do, as the end of "You …" or "They …". */
export function roleWords(role: Role): string {
  if (role === "observer") return "can watch, point and chat";
  if (role === "writer") return "can watch and type";
  return "can do everything with this console: type, share it, end it";
}

/** What the owner of a console should know before letting somebody in with the role; empty for none. */
export function roleWarning(role: Role): string {
  if (role === "observer") return "";
  const files =
    "Whoever types here runs programs with the files of your home: they can read, change and delete them";
  return role === "writer" ? `${files}.` : `${files}. A co-owner can also let others in and end the console.`;
}

const HERE = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|::1?|\[::1?\])$/;

/**
 * The link as others can open it: a server that knows no public address of its own gives one of its
 * machine, and the address by which this page came is the better one then.
 *
 * @param origin this page's
 */
export function reachable(link: string, origin: string): string {
  const { hostname, pathname, hash } = new URL(link, origin);
  return HERE.test(hostname) ? origin + pathname + hash : link;
}

/** The same for the ssh command; it ends with the host. */
export function reachableBySsh(command: string, hostname: string): string {
  const [, rest, host] = /^(.*@)([^@\s]+)$/.exec(command) ?? [];
  return host !== undefined && HERE.test(host) ? rest + hostname.replace(/^\[|\]$/g, "") : command;
}

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [DAY_SECONDS, "day"],
  [3600, "hour"],
  [60, "minute"],
];

/** How long it is until `expires` (seconds since the epoch), in one unit: "23 hours". */
export function timeLeft(expires: number, now: number): string {
  const left = expires - now;
  for (const [length, unit] of UNITS) {
    // What is to last a day says "a day", not "23 hours", while it is new.
    const count = Math.floor((left + length * 0.02) / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}

/** How often a share can still be taken. */
export function usesWords(usesLeft: number | null): string {
  if (usesLeft === null) return "any number of people";
  if (usesLeft === 0) return "used up";
  return usesLeft === 1 ? "one more person" : `${usesLeft} more people`;
}

type Json = Readonly<Record<string, unknown>>;

export function parseShare(value: Json): Share {
  return {
    id: text(value.id),
    role: parseRole(value.role),
    user: text(value.user) || null,
    created: number(value.created) ?? 0,
    expires: number(value.expires) ?? 0,
    usesLeft: number(value.uses_left),
    hasPassphrase: value.has_passphrase === true,
  };
}

export function parseNewShare(value: Json): NewShare {
  return { ...parseShare(value), url: text(value.url) || null, ssh: text(value.ssh) || null };
}

export function parseShares(value: Json): Shares {
  return { shares: list(value.shares).map(parseShare), members: list(value.members).map(parseMember) };
}

export function parsePreview(value: Json): SharePreview {
  return {
    owner: text(value.owner),
    name: text(value.name),
    role: parseRole(value.role),
    needsPassphrase: value.needs_passphrase === true,
    expires: number(value.expires) ?? 0,
    isUsedUp: value.is_used_up === true,
  };
}

export function parseTaken(value: Json): Taken {
  return {
    console: text(value.console),
    owner: text(value.owner),
    name: text(value.name),
    role: parseRole(value.role),
  };
}

function parseMember(value: Json): Member {
  return {
    number: number(value.member) ?? 0,
    share: text(value.share),
    name: text(value.name),
    role: parseRole(value.role),
    isGuest: value.is_guest === true,
    joined: number(value.joined) ?? 0,
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Looking after a server: users, consoles, load, what was done.  No DOM; comes with the pages of administrators. */

import { type Json, list, number, numberOrNull, type Rest, text } from "./rest.ts";

/** How many rows a page of a list has.  Consoles are sorted here, so a page has all that there usually are. */
const ROWS = { users: 50, consoles: 500, audit: 100 } as const;

export interface AdminUser {
  readonly name: string;
  readonly number: number;
  readonly plan: string;
  readonly created: number;
  readonly isAdmin: boolean;
  /** Since when; null for one who may come in. */
  readonly suspended: number | null;
  readonly expires: number | null;
  /** Consoles that run. */
  readonly consoles: number;
  readonly cpuSecondsToday: number;
  readonly homeBytes: number | null;
  readonly lastSeen: number | null;
}

export interface AdminConsole {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly program: string;
  readonly image: string;
  readonly state: string;
  readonly created: number;
  readonly lastActivity: number;
  readonly viewers: number;
  readonly memoryBytes: number | null;
  readonly cpuSeconds: number | null;
  readonly cpuPercent: number | null;
  readonly networkIn: number | null;
  readonly networkOut: number | null;
  readonly isSlowed: boolean;
}

/** What holds a kind of limit on this machine. */
export interface Means {
  readonly name: string;
  readonly by: string;
  readonly isEnforced: boolean;
  readonly advice: string | null;
}

export interface Load {
  readonly version: string;
  /** Seconds since the epoch. */
  readonly started: number;
  /** Whether it takes no new consoles. */
  readonly isDraining: boolean;
  readonly cpus: number;
  /** Averages over 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  readonly memoryTotal: number;
  readonly memoryAvailable: number;
  readonly diskTotal: number;
  readonly diskFree: number;
  readonly consoles: number;
  readonly viewers: number;
  readonly connections: number | null;
  readonly isolation: string;
  readonly means: readonly Means[];
}

export interface AuditEntry {
  readonly number: number;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The account that did it; empty for the server itself. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: Json;
  readonly address: string;
  readonly hash: string;
}

/** One page of a list, and where the next one begins: null behind the last. */
export interface PageOf<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
}

export interface NewUser {
  readonly name: string;
  readonly plan: string;
  readonly isAdmin: boolean;
}

/** What to change of a user. */
export interface UserChange {
  readonly plan?: string;
  readonly is_admin?: boolean;
  readonly suspended?: boolean;
  /** Ends their consoles too. */
  readonly end_consoles?: boolean;
}

export class AdminApi {
  constructor(private readonly rest: Rest) {}

  async load(): Promise<Load> {
    return parseLoad(await this.rest.get("/admin/load"));
  }

  async drain(draining: boolean): Promise<void> {
    await this.rest.call("PUT", "/admin/drain", { draining });
  }

  /** The names of the plans, in the server's order. */
  async planNames(): Promise<string[]> {
    return list((await this.rest.get("/plans")).plans).map(({ name }) => text(name));
  }

  /**
   * Users by name.
   *
   * @param prefix what the names begin with; may be empty
   * @param after the name behind which the page begins; null for the first
   */
  async users(prefix: string, after: string | null): Promise<PageOf<AdminUser>> {
    const page = await this.rest.get("/admin/users", {
      limit: ROWS.users,
      after: after ?? before(prefix),
    });
    const found = list(page.users).map(parseUser);
    const rows = found.filter(({ name }) => name.startsWith(prefix));
    return { rows, next: rows.length < found.length ? null : cursor(page.after) };
  }

  /** @returns the link that logs them in once, or null */
  async addUser({ name, plan, isAdmin }: NewUser): Promise<string | null> {
    const wanted = { name, ...(plan === "" ? {} : { plan }), is_admin: isAdmin };
    return text((await this.rest.call("POST", "/admin/users", wanted)).login_link) || null;
  }

  async changeUser(name: string, change: UserChange): Promise<void> {
    await this.rest.call("PATCH", userPath(name), change);
  }

  async removeUser(name: string): Promise<void> {
    await this.rest.call("DELETE", userPath(name));
  }

  /** A link that logs the user in once. */
  async loginLink(name: string): Promise<string> {
    return text((await this.rest.call("POST", `${userPath(name)}/link`)).url);
  }

  /** @param after the cursor of the page before; null for the first page */
  async consoles(after: string | null): Promise<PageOf<AdminConsole>> {
    const page = await this.rest.get("/admin/consoles", { limit: ROWS.consoles, after: after ?? "" });
    return { rows: list(page.consoles).map(parseAdminConsole), next: cursor(page.after) };
  }

  /** @param reason what its people are told; may be empty */
  async endConsole(id: string, reason: string): Promise<void> {
    const body = reason === "" ? {} : { reason };
    await this.rest.call("POST", `/admin/consoles/${encodeURIComponent(id)}/end`, body);
  }

  /** What was done, the latest first. */
  async audit(before: string | null): Promise<PageOf<AuditEntry>> {
    const page = await this.rest.get("/admin/audit", { limit: ROWS.audit, before: before ?? "" });
    return { rows: list(page.entries).map(parseEntry), next: cursor(page.before) };
  }

  /** Where the usage of all users in a month (`2026-11`) is downloaded from, as a table. */
  usageAddress(month: string): string {
    return `${this.rest.base}/admin/usage.csv?month=${encodeURIComponent(month)}`;
  }
}

/** A text behind which, in the order of names, come first those that begin with `prefix`. */
function before(prefix: string): string {
  const last = prefix.codePointAt(prefix.length - 1) ?? 0;
  // A tilde comes behind all that names are made of.
  return prefix === "" ? "" : `${prefix.slice(0, -1)}${String.fromCodePoint(Math.max(0, last - 1))}~`;
}

function userPath(name: string): string {
  return `/admin/users/${encodeURIComponent(name)}`;
}

function cursor(value: unknown): string | null {
  return typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : null;
}

function parseUser(value: Json): AdminUser {
  return {
    name: text(value.name),
    number: number(value.number),
    plan: text(value.plan),
    created: number(value.created),
    isAdmin: value.is_admin === true,
    suspended: numberOrNull(value.suspended),
    expires: numberOrNull(value.expires),
    consoles: number(value.consoles),
    cpuSecondsToday: number(value.cpu_seconds_today),
    homeBytes: numberOrNull(value.home_bytes),
    lastSeen: numberOrNull(value.last_seen),
  };
}

export function parseAdminConsole(value: Json): AdminConsole {
  return {
    id: text(value.id),
    name: text(value.name),
    owner: text(value.owner),
    program: text(value.program),
    image: text(value.image),
    state: text(value.state),
    created: number(value.created),
    lastActivity: number(value.last_activity) || number(value.created),
    viewers: number(value.viewers),
    memoryBytes: numberOrNull(value.memory_bytes),
    cpuSeconds: numberOrNull(value.cpu_seconds),
    cpuPercent: numberOrNull(value.cpu_percent),
    networkIn: numberOrNull(value.network_in),
    networkOut: numberOrNull(value.network_out),
    isSlowed: value.slowed === true,
  };
}

function parseLoad(value: Json): Load {
  return {
    version: text(value.version),
    started: number(value.started),
    isDraining: value.draining === true,
    cpus: number(value.cpus),
    load: Array.isArray(value.load) ? value.load.map(number) : [],
    memoryTotal: number(value.memory_total),
    memoryAvailable: number(value.memory_available),
    diskTotal: number(value.disk_total),
    diskFree: number(value.disk_free),
    consoles: number(value.consoles),
    viewers: number(value.viewers),
    connections: numberOrNull(value.connections),
    isolation: text(value.isolation),
    means: list(value.means).map((means) => ({
      name: text(means.name),
      by: text(means.by),
      isEnforced: means.enforced === true,
      advice: text(means.advice) || null,
    })),
  };
}

function parseEntry(value: Json): AuditEntry {
  const { detail } = value;
  return {
    number: number(value.number),
    time: number(value.time),
    actor: text(value.actor),
    action: text(value.action),
    subject: text(value.subject),
    detail: typeof detail === "object" && detail !== null ? (detail as Json) : {},
    address: text(value.address),
    hash: text(value.hash),
  };
}

/** The details of an entry in one line: "plan plus · consoles ended 2". */
export function detailWords(detail: Json): string {
  return Object.entries(detail)
    .map(([name, value]) => {
      const said = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
      return `${name.replaceAll("_", " ")} ${said}`;
    })
    .join(" · ");
}

type ConsoleOrder = "cpu" | "memory" | "activity" | "owner";

export const CONSOLE_ORDERS: readonly (readonly [order: ConsoleOrder, words: string])[] = [
  ["activity", "latest activity"],
  ["cpu", "CPU"],
  ["memory", "memory"],
  ["owner", "owner"],
];

/** `consoles` in an order: what uses most first, what nobody can tell of last. */
export function sortConsoles(consoles: readonly AdminConsole[], order: string): AdminConsole[] {
  const least = Number.NEGATIVE_INFINITY;
  const by: Record<ConsoleOrder, (a: AdminConsole, b: AdminConsole) => number> = {
    cpu: (a, b) => (b.cpuPercent ?? least) - (a.cpuPercent ?? least) || 0,
    memory: (a, b) => (b.memoryBytes ?? least) - (a.memoryBytes ?? least) || 0,
    activity: (a, b) => b.lastActivity - a.lastActivity,
    owner: (a, b) => a.owner.localeCompare(b.owner) || a.name.localeCompare(b.name),
  };
  return [...consoles].sort(by[order as ConsoleOrder] ?? by.activity);
}

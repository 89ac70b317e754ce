/** What one used, and what is left; the limits of a console.  No DOM. */

import { bytes, cores, count, duration, kilobits, short } from "./numbers.ts";
import { type Json, list, number, numberOrNull, object, type Rest, text } from "./rest.ts";

/** What was used on one day (UTC). */
export interface Day {
  /** `2026-11-23`. */
  readonly day: string;
  readonly cpuSeconds: number;
  readonly memoryGibHours: number;
  readonly diskGibHours: number;
  /** Bytes. */
  readonly networkIn: number;
  /** Bytes. */
  readonly networkOut: number;
  readonly consoleHours: number;
}

export interface Usage {
  readonly plan: string;
  readonly today: {
    readonly cpuSeconds: number;
    /** Null for any amount. */
    readonly allowanceSeconds: number | null;
    /** Whether consoles are slowed, because the day's CPU time is used up. */
    readonly isSlowed: boolean;
    /** When the next day begins, seconds since the epoch. */
    readonly resets: number;
  };
  readonly home: {
    /** Null where nobody can tell. */
    readonly bytes: number | null;
    readonly files: number | null;
    readonly limitBytes: number | null;
    readonly limitFiles: number | null;
  };
  readonly consoles: { readonly running: number; readonly limit: number };
  /** Oldest first; days without use may be missing. */
  readonly days: readonly Day[];
}

/** One limit of a console, and what holds it. */
export interface Limit {
  readonly name: string;
  readonly used: number | null;
  readonly limit: number | null;
  readonly unit: string;
  /** What enforces it on this machine, in words. */
  readonly by: string;
  readonly isEnforced: boolean;
  /** What the operator would have to do for it; null where nothing is missing. */
  readonly advice: string | null;
}

export interface ConsoleLimits {
  readonly plan: string;
  readonly isSlowed: boolean;
  /** Until when it is slowed, seconds since the epoch. */
  readonly until: number | null;
  readonly limits: readonly Limit[];
}

export class UsageApi {
  constructor(private readonly rest: Rest) {}

  async usage(days: number): Promise<Usage> {
    return parseUsage(await this.rest.get("/usage", { days }));
  }

  async limits(console: string): Promise<ConsoleLimits> {
    const limits = await this.rest.get(`/consoles/${encodeURIComponent(console)}/limits`);
    return {
      plan: text(limits.plan),
      isSlowed: limits.slowed === true,
      until: numberOrNull(limits.until),
      limits: list(limits.limits).map(parseLimit),
    };
  }
}

export function parseUsage(value: Json): Usage {
  const today = object(value.today);
  const home = object(value.home);
  const consoles = object(value.consoles);
  return {
    plan: text(value.plan),
    today: {
      cpuSeconds: number(today.cpu_seconds),
      allowanceSeconds: numberOrNull(today.allowance_seconds),
      isSlowed: today.slowed === true,
      resets: number(today.resets),
    },
    home: {
      bytes: numberOrNull(home.bytes),
      files: numberOrNull(home.files),
      limitBytes: numberOrNull(home.limit_bytes),
      limitFiles: numberOrNull(home.limit_files),
    },
    consoles: { running: number(consoles.running), limit: number(consoles.limit) },
    days: list(value.days).map(parseDay),
  };
}

function parseDay(value: Json): Day {
  return {
    day: text(value.day),
    cpuSeconds: number(value.cpu_seconds),
    memoryGibHours: number(value.memory_gib_hours),
    diskGibHours: number(value.disk_gib_hours),
    networkIn: number(value.network_in),
    networkOut: number(value.network_out),
    consoleHours: number(value.console_hours),
  };
}

function parseLimit(value: Json): Limit {
  return {
    name: text(value.name),
    used: numberOrNull(value.used),
    limit: numberOrNull(value.limit),
    unit: text(value.unit),
    by: text(value.by),
    isEnforced: value.enforced === true,
    advice: text(value.advice) || null,
  };
}

/** The `count` days up to that of `now`, oldest first; days that `days` does not have are empty. */
export function lastDays(days: readonly Day[], count: number, now: Date): Day[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(today - (count - 1 - at) * 86_400_000).toISOString().slice(0, 10);
    return known.get(day) ?? parseDay({ day });
  });
}

/** "23 Nov" of `2026-11-23`; the day as it is where it is none. */
export function dayWords(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  return date.toLocaleDateString([], { day: "numeric", month: "short", timeZone: "UTC" });
}

const NAMES: Readonly<Record<string, string>> = {
  memory: "Memory",
  processes: "Processes",
  cpu: "CPU",
  cpu_allowance: "CPU time today",
  cpu_weight: "Share of the CPU",
  home_bytes: "Home",
  home_files: "Files in the home",
  file_bytes: "Largest file",
  open_files: "Open files",
  tmp_bytes: "Size of /tmp",
  windows: "Windows",
  journal_bytes: "Output kept",
  idle: "Idle time",
  lifetime: "Age",
  network: "Network",
  network_kbits: "Network speed",
  network_allowlist: "Network: listed hosts",
  network_full: "Network: public addresses",
  users: "Users kept apart",
  usage: "Counting of usage",
};

/** The name of a limit for people. */
export function limitName(name: string): string {
  const known = NAMES[name];
  if (known !== undefined) return known;
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An amount with its unit, as the server names it. */
export function amount(value: number, unit: string): string {
  if (unit === "bytes") return bytes(value);
  if (unit === "seconds") return duration(value);
  if (unit === "percent") return cores(value);
  if (unit === "kbits" || unit === "kbit/s") return kilobits(value);
  const said = Number.isInteger(value) ? count(value) : short(value);
  return unit === "" || unit === "count" ? said : `${said} ${unit}`;
}

/** "12 MiB of 512 MiB", "at most 512 MiB", "12 MiB, no limit", or empty where there is nothing to tell. */
export function limitWords({ used, limit, unit }: Pick<Limit, "used" | "limit" | "unit">): string {
  if (used === null) return limit === null ? "" : `at most ${amount(limit, unit)}`;
  return limit === null
    ? `${amount(used, unit)}, no limit`
    : `${amount(used, unit)} of ${amount(limit, unit)}`;
}

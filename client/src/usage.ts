/** What one used, and what is left.  No DOM. */

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

export class UsageApi {
  constructor(private readonly rest: Rest) {}

  async usage(days: number): Promise<Usage> {
    return parseUsage(await this.rest.get("/usage", { days }));
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

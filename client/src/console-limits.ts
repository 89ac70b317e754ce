/** The limits of a console: how much of each is used, what holds it, and what does not.  No DOM. */

import { bytes, cores, count, duration, kilobits, short } from "./numbers.ts";
import { list, numberOrNull, type Rest, text } from "./rest.ts";

/** One limit of a console, and what holds it. */
export interface ConsoleLimit {
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
  /** Until when it is slowed, seconds since the epoch; null while its account is suspended. */
  readonly until: number | null;
  readonly limits: readonly ConsoleLimit[];
}

/** @param console its id */
export async function fetchLimits(rest: Rest, console: string): Promise<ConsoleLimits> {
  const limits = await rest.get(`/consoles/${encodeURIComponent(console)}/limits`);
  return {
    plan: text(limits.plan),
    isSlowed: limits.slowed === true,
    until: numberOrNull(limits.until),
    limits: list(limits.limits).map((limit) => ({
      name: text(limit.name),
      used: numberOrNull(limit.used),
      limit: numberOrNull(limit.limit),
      unit: text(limit.unit),
      by: text(limit.by),
      isEnforced: limit.enforced === true,
      advice: text(limit.advice) || null,
    })),
  };
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

/** Why a console is slowed. @param until until when; null: that nobody knows, as its account is suspended */
export function slowedWords(until: string | null): string {
  if (until === null) return "This console's account is suspended, so the console is slowed.";
  return `The plan's CPU time of today is used up, so this console is slowed until ${until}.`;
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

/** How much of a limit there is and is used, in words. */
export function limitWords(limit: ConsoleLimit): string {
  if (limit.name === "cpu_weight" && limit.limit !== null) return `${count(limit.limit)} beside others' 100`;
  // A console without a limit is told so; a network that there is not has none either.
  const isFree = limit.used === null && limit.limit === null && !limit.name.startsWith("network");
  return isFree ? "no limit" : amountWords(limit);
}

/** "12 MB of 512 MB", "5 of 64 processes", "at most 512 MB"; empty where there is nothing to tell. */
export function amountWords({ used, limit, unit }: Pick<ConsoleLimit, "used" | "limit" | "unit">): string {
  if (used === null) return limit === null ? "" : `at most ${amount(limit, unit)}`;
  if (limit === null) return `${amount(used, unit)}, no limit`;
  // A noun is said once.
  if (unit === "percent") return `${limit % 100 === 0 ? short(used / 100) : count(used)} of ${cores(limit)}`;
  const [first = "", noun] = amount(used, unit).split(` ${unit}`);
  return `${noun === "" ? first : amount(used, unit)} of ${amount(limit, unit)}`;
}

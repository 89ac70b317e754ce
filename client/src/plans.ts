/** Plans: how much one may use, and how that is put in words.  Pure. */

import { bytes, cores, count, counted, kilobits, roundDuration } from "./numbers.ts";
import { type Json, number, text } from "./rest.ts";

const MIB = 2 ** 20;

export interface Plan {
  readonly name: string;
  readonly description: string;
  /** Whether it is this person's. */
  readonly isYours: boolean;
  /** Seconds of CPU time in a day, beyond which consoles are slowed; 0 for any number. */
  readonly cpuSecondsADay: number;
  /** Percent of one core that a console gets; 0 for no limit. */
  readonly cpuPercent: number;
  /** The same once the day's CPU time is used up. */
  readonly cpuSlowPercent: number;
  readonly memoryMb: number;
  readonly processes: number;
  readonly openFiles: number;
  readonly fileMb: number;
  /** 0 for no limit. */
  readonly homeMb: number;
  /** 0 for no limit. */
  readonly homeFiles: number;
  /** Consoles that run at a time. */
  readonly consoles: number;
  readonly windows: number;
  readonly journalMb: number;
  /** 0 for never. */
  readonly idleSeconds: number;
  readonly whenIdle: "end" | "keep";
  /** 0 for no limit. */
  readonly lifetimeSeconds: number;
  readonly network: "none" | "allowlist" | "full";
  /** 0 for no limit. */
  readonly networkKbits: number;
}

export function parsePlan(value: Json): Plan {
  const { network } = value;
  return {
    name: text(value.name),
    description: text(value.description),
    isYours: value.yours === true,
    cpuSecondsADay: number(value.cpu_seconds_a_day),
    cpuPercent: number(value.cpu_percent),
    cpuSlowPercent: number(value.cpu_slow_percent),
    memoryMb: number(value.memory_mb),
    processes: number(value.processes),
    openFiles: number(value.open_files),
    fileMb: number(value.file_mb),
    homeMb: number(value.home_mb),
    homeFiles: number(value.home_files),
    consoles: number(value.consoles),
    windows: number(value.windows),
    journalMb: number(value.journal_mb),
    idleSeconds: number(value.idle_seconds),
    whenIdle: value.when_idle === "keep" ? "keep" : "end",
    lifetimeSeconds: number(value.lifetime_seconds),
    network: network === "allowlist" || network === "full" ? network : "none",
    networkKbits: number(value.network_kbits),
  };
}

/** What a plan gives, as pairs of a name and words. */
export function planWords(plan: Plan): readonly (readonly [name: string, words: string])[] {
  return [
    ["Consoles", `${count(plan.consoles)} running at a time, with ${counted(plan.windows, "window")} each`],
    ["CPU", cpuWords(plan)],
    [
      "Memory",
      `${bytes(plan.memoryMb * MIB)} and ${counted(plan.processes, "process", "processes")} in each console`,
    ],
    ["Home", homeWords(plan)],
    ["Network", networkWords(plan)],
    ["Time", timeWords(plan)],
  ];
}

function cpuWords({ cpuSecondsADay, cpuPercent, cpuSlowPercent }: Plan): string {
  const each =
    cpuPercent === 0 ? "as much as is free in each console" : `${cores(cpuPercent)} in each console`;
  if (cpuSecondsADay === 0) return `${each}, for as long as you like`;
  return (
    `${roundDuration(cpuSecondsADay)} of CPU time a day, ${each}; ` +
    `beyond it consoles go on at ${cores(cpuSlowPercent)}`
  );
}

function homeWords({ homeMb, homeFiles, fileMb }: Plan): string {
  const most = [homeMb > 0 && bytes(homeMb * MIB), homeFiles > 0 && `${count(homeFiles)} files`];
  const said = most.filter(Boolean).join(" and ");
  return `${said || "no limit of its size"}; one file at most ${bytes(fileMb * MIB)}`;
}

function networkWords({ network, networkKbits }: Plan): string {
  if (network === "none") return "none";
  const rate = networkKbits > 0 ? `, up to ${kilobits(networkKbits)} each way` : "";
  return (network === "full" ? "every public address" : "the hosts on this server's list") + rate;
}

function timeWords({ idleSeconds, whenIdle, lifetimeSeconds }: Plan): string {
  const idle =
    idleSeconds > 0 && whenIdle === "end"
      ? `a console ends when nobody looks and nothing happens for ${roundDuration(idleSeconds)}`
      : "consoles stay until you end them";
  return lifetimeSeconds > 0 ? `${idle}, and after ${roundDuration(lifetimeSeconds)} in any case` : idle;
}

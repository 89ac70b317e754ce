/**
 * Who is at a console, by person: the hub tells connections, and somebody may have several.
 *
 * No DOM; the clock is passed in.
 */

import type { Clock } from "../session-types.ts";
import { calledName, type Role, type Viewer } from "./messages.ts";

/** Somebody who is here. */
export interface Presence {
  /** Public number of the account or guest. */
  readonly person: string;
  readonly name: string;
  readonly role: Role;
  readonly isGuest: boolean;
  /** The number to change or take away their role by; null for the owner of the console. */
  readonly member: number | null;
  /** The kinds of client they use, each once. */
  readonly vias: readonly string[];
  /** When they typed last, seconds since the epoch. */
  readonly typed: number | null;
}

const RANK: Readonly<Record<Role, number>> = { owner: 0, writer: 1, observer: 2 };

/** The people behind `viewers`, in the order in which they come first. */
export function byPerson(viewers: readonly Viewer[]): Presence[] {
  const people = new Map<string, Presence>();
  for (const { person, name, role, isGuest, member, via, typed } of viewers) {
    const before = people.get(person);
    people.set(person, {
      person,
      name,
      role: before !== undefined && RANK[before.role] < RANK[role] ? before.role : role,
      isGuest,
      member: member ?? before?.member ?? null,
      vias: [...new Set([...(before?.vias ?? []), via])],
      typed: Math.max(typed ?? 0, before?.typed ?? 0) || null,
    });
  }
  return [...people.values()];
}

/** The person who typed last, by public number; null when nobody here has. */
export function lastTyper(people: readonly Presence[]): string | null {
  let last: Presence | null = null;
  for (const one of people) {
    if (one.typed !== null && one.typed > (last?.typed ?? 0)) last = one;
  }
  return last?.person ?? null;
}

/** Longer than it takes a page to be loaded again: who is back by then has not left. */
const LEAVE_MS = 5000;
/** More than so many at a time are counted, not named. */
const NAMED = 3;

/**
 * Tells who comes and who goes, in words.
 *
 * Invariant: somebody is said to leave only after they were here or said to come, and the other way round.
 */
export class Comings {
  /** Names of those who are here as far as was told, by person; null before the first list. */
  private here: Map<string, string> | null = null;
  private readonly leaving = new Map<string, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly say: (words: string) => void,
  ) {}

  /**
   * The people who are here now.
   *
   * @param isWhole false when there are more people than the list has
   * @param you public number of the person at this page, who is not told about
   */
  update(people: readonly Presence[], isWhole: boolean, you: string): void {
    const now = new Map(people.map((one) => [one.person, calledName(one)]));
    now.delete(you);
    for (const person of now.keys()) this.stays(person);
    // In a crowd the list has somebody else each time; that says nothing.
    if (this.here === null || !isWhole) {
      this.stop();
      this.here = isWhole ? now : null;
      return;
    }
    const came = [...now].filter(([person]) => !this.here?.has(person)).map(([, name]) => name);
    for (const person of this.here.keys()) if (!now.has(person)) this.leaves(person);
    for (const [person, name] of now) this.here.set(person, name);
    if (came.length > 0) this.say(`${names(came)} joined`);
  }

  /** Tells nothing more. */
  stop(): void {
    for (const cancel of this.leaving.values()) cancel();
    this.leaving.clear();
  }

  private stays(person: string): void {
    this.leaving.get(person)?.();
    this.leaving.delete(person);
  }

  private leaves(person: string): void {
    if (this.leaving.has(person)) return;
    const gone = () => {
      this.leaving.delete(person);
      const name = this.here?.get(person);
      this.here?.delete(person);
      if (name !== undefined) this.say(`${name} left`);
    };
    this.leaving.set(person, this.clock.later(LEAVE_MS, gone));
  }
}

function names(all: readonly string[]): string {
  if (all.length > NAMED) return `${all.length} people`;
  const last = all.at(-1) ?? "";
  return all.length === 1 ? last : `${all.slice(0, -1).join(", ")} and ${last}`;
}

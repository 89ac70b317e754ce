/** Colours by which people are told from each other.  Pure. */

/** Hues far enough apart to be told from each other. */
const HUES = 12;
/** From one hue to the next that is tried: every one comes, and neighbours are far apart. */
const STEP = 5;

/** A hue for each person: the one their public number gives, unless somebody else has it here. */
export class Hues {
  private readonly byPerson = new Map<string, number>();

  /** In degrees; a person keeps it. */
  of(person: string): number {
    const known = this.byPerson.get(person);
    const place = known ?? this.free(hash(person) % HUES);
    if (known === undefined) this.byPerson.set(person, place);
    return (place * 360) / HUES;
  }

  private free(wanted: number): number {
    const taken = new Set(this.byPerson.values());
    if (taken.size === HUES) return wanted;
    let place = wanted;
    while (taken.has(place)) place = (place + STEP) % HUES;
    return place;
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 2166136261;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  return value;
}

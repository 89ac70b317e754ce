/**
 * Which typed line stands in a given line of the terminal.  Pure.
 */

import type { TypedLine } from "./messages.ts";

/**
 * The entry of `typed` (oldest first) for the first of `lines`, or null when nobody is known to have
 * typed it.
 *
 * A line may have been typed several times; then the last entry belongs to the last such line, and so on
 * upwards.
 */
export function attribution(lines: readonly string[], typed: readonly TypedLine[]): TypedLine | null {
  const [wanted = "", ...later] = lines.map(key);
  if (wanted === "") return null;
  const same = typed.filter(({ text }) => key(text) === wanted);
  return same.at(-1 - later.filter((line) => line === wanted).length) ?? null;
}

/** The host keeps at most 500 characters of a line, without blanks at its end. */
function key(line: string): string {
  return line.trimEnd().slice(0, 500).trimEnd();
}

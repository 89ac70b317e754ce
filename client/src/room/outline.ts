/**
 * Where a selection stands on the part of a terminal that is in view.  Pure.
 */

import type { Cell } from "./messages.ts";

/** A part of one row: `row` counted from the top of the view. */
export interface Stretch {
  readonly row: number;
  readonly column: number;
  readonly cells: number;
}

/**
 * The parts of the selection `from` to `to` (behind its last cell) that are in view.
 *
 * @param back lines by which the view is above the live screen
 */
export function outline(from: Cell, to: Cell, back: number, rows: number, cols: number): Stretch[] {
  const stretches: Stretch[] = [];
  const first = Math.max(from[0], -back);
  const last = Math.min(to[0], rows - 1 - back);
  for (let row = first; row <= last; row += 1) {
    const column = row === from[0] ? Math.min(from[1], cols) : 0;
    const end = row === to[0] ? Math.min(to[1], cols) : cols;
    if (end > column) stretches.push({ row: row + back, column, cells: end - column });
  }
  return stretches;
}

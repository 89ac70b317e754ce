/** Bars of a plot: where they stand, and the scale beside them.  Pure. */

/** A bar in a box as wide as there are bars, and 100 high; `y` counts from the top. */
export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const GAP = 0.2;
/** What is more than nothing shows. */
const LEAST_HEIGHT = 1.5;

/** Sizes of the units in which seconds and bytes are told, the smallest first. */
export const TIME_STEPS: readonly number[] = [1, 60, 3600];
export const BYTE_STEPS: readonly number[] = [1, 2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

/** One bar for each value, with `top` the height of the box; values below 0 are nothing. */
export function bars(values: readonly number[], top: number): Bar[] {
  return values.map((value, at) => {
    const part = Math.min(1, Math.max(0, value) / top) * 100;
    const height = part > 0 ? Math.max(LEAST_HEIGHT, part) : 0;
    return { x: at + GAP / 2, y: 100 - height, width: 1 - GAP, height };
  });
}

/**
 * How high the box is: round in the unit in which the most is told.
 *
 * A limit to the values is in it when they come near enough that it does not make them all invisible.
 */
export function topOf(values: readonly number[], limit: number | null, steps: readonly number[]): number {
  const most = Math.max(0, ...values);
  const wanted = limit !== null && most > limit / 5 ? Math.max(most, limit) : most;
  const unit = steps.findLast((step) => step <= wanted) ?? 1;
  return roundTop(wanted / unit) * unit;
}

/** The smallest round number (1, 2 or 5 times a power of ten) that is not below `most`; 1 for nothing. */
function roundTop(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5].find((step) => step * power >= most) ?? 10) * power;
}

/** Bars of a plot: where they stand, and the scale beside them.  Pure. */

/** A bar in a box `count` wide and 100 high; `y` counts from the top. */
export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const GAP = 0.2;
/** What is more than nothing shows. */
const LEAST_HEIGHT = 1.5;

/** The smallest round number (1, 2 or 5 times a power of ten) that is not below `most`; 1 for nothing. */
export function roundTop(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5].find((step) => step * power >= most) ?? 10) * power;
}

/** One bar for each value, with `top` the height of the box; values below 0 are nothing. */
export function bars(values: readonly number[], top: number): Bar[] {
  return values.map((value, at) => {
    const part = Math.min(1, Math.max(0, value) / top) * 100;
    const height = part > 0 ? Math.max(LEAST_HEIGHT, part) : 0;
    return { x: at + GAP / 2, y: 100 - height, width: 1 - GAP, height };
  });
}

/**
 * How high the box is for `values` and a limit to them: the limit is in it when the values come near
 * enough that it does not make them all invisible.
 */
export function topOf(values: readonly number[], limit: number | null): number {
  const most = Math.max(0, ...values);
  return roundTop(limit !== null && most > limit / 5 ? Math.max(most, limit) : most);
}

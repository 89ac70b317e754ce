/** A bar that shows how much of a limit is used. */

import { h } from "../dom.ts";
import { share } from "../numbers.ts";

const SVG = "http://www.w3.org/2000/svg";
/** From here on it is told apart by its colour, too. */
const NEAR = 0.8;

/**
 * @param label what is measured
 * @param words the same as the bar, in words
 */
export function meter(label: string, used: number | null, limit: number | null, words: string): HTMLElement {
  const part = share(used, limit);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const fill = document.createElementNS(SVG, "rect");
  fill.setAttribute("width", `${(part * 100).toFixed(2)}%`);
  fill.setAttribute("height", "100%");
  svg.append(fill);
  const state = part >= 1 ? "over" : part >= NEAR ? "near" : "";
  return h(
    "div",
    {
      className: `meter ${state}`,
      attrs: {
        role: "meter",
        "aria-label": label,
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-valuenow": String(Math.round(part * 100)),
        "aria-valuetext": words,
      },
    },
    svg,
  );
}

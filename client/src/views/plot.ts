/** A small plot: one bar a day, as a drawing with words beside it.  The numbers stand in a table elsewhere. */

import { bars, topOf } from "../bars.ts";
import { h } from "../dom.ts";
import { dayWords } from "../usage.ts";

const SVG = "http://www.w3.org/2000/svg";

export interface PlotOptions {
  readonly title: string;
  /** Days such as `2026-11-23`, oldest first. */
  readonly days: readonly string[];
  readonly values: readonly number[];
  /** A value for people. */
  readonly words: (value: number) => string;
  /** The units in which values are told, for a round scale. */
  readonly steps: readonly number[];
  /** What a day may have; null for any amount. */
  readonly limit?: number | null;
}

export function plot(options: PlotOptions): HTMLElement {
  const { title, days, values, words, steps, limit = null } = options;
  const total = values.reduce((sum, value) => sum + value, 0);
  const top = topOf(values, limit, steps);
  const most = Math.max(0, ...values);
  const mostDay = days[values.indexOf(most)] ?? "";
  const said =
    total === 0
      ? `${title}: nothing in the last ${days.length} days`
      : `${title}, the last ${days.length} days: ${words(total)} in all, most on ${dayWords(mostDay)} with ${words(most)}`;
  const rest = total === 0 ? "nothing yet" : `${words(total)} in all`;
  const readout = h("span", { className: "plot-readout" }, rest);
  const drawing = draw(values, top, limit !== null && limit <= top ? limit : null);
  drawing.setAttribute("aria-label", said);
  const show = (event: PointerEvent) => {
    const { left, width } = drawing.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * days.length);
    const value = values[at];
    const day = days[at];
    if (value !== undefined && day !== undefined) readout.textContent = `${dayWords(day)}: ${words(value)}`;
  };
  drawing.addEventListener("pointermove", show);
  drawing.addEventListener("pointerdown", show);
  drawing.addEventListener("pointerleave", () => {
    readout.textContent = rest;
  });
  return h(
    "figure",
    { className: "plot" },
    h("figcaption", {}, h("span", { className: "plot-title" }, title), readout),
    h(
      "div",
      { className: "plot-box" },
      h("span", { className: "plot-top", attrs: { "aria-hidden": "true" } }, total === 0 ? "" : words(top)),
      drawing,
    ),
    h(
      "div",
      { className: "plot-days", attrs: { "aria-hidden": "true" } },
      h("span", {}, dayWords(days[0] ?? "")),
      h("span", {}, "today"),
    ),
  );
}

function draw(values: readonly number[], top: number, limit: number | null): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  for (const { x, y, width, height } of bars(values, top)) {
    if (height > 0) svg.append(rect({ x, y, width, height }, "plot-bar"));
  }
  if (limit !== null) {
    const line = document.createElementNS(SVG, "line");
    const y = 100 - (limit / top) * 100;
    set(line, { x1: 0, x2: values.length, y1: y, y2: y });
    line.classList.add("plot-limit");
    svg.append(line);
  }
  return svg;
}

function rect(box: Readonly<Record<string, number>>, className: string): SVGElement {
  const element = document.createElementNS(SVG, "rect");
  set(element, box);
  element.classList.add(className);
  return element;
}

function set(element: SVGElement, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) element.setAttribute(name, String(value));
}

/** A QR code on the page: always dark on white, because not every reader takes the opposite. */

import { drawQr } from "../qr.ts";

const SVG = "http://www.w3.org/2000/svg";

/** @param label what it holds, for those who cannot see it */
export function qrCode(text: string, label: string): SVGSVGElement {
  const { side, path } = drawQr(text);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.classList.add("qr");
  const paper = document.createElementNS(SVG, "rect");
  paper.setAttribute("width", String(side));
  paper.setAttribute("height", String(side));
  paper.setAttribute("fill", "#ffffff");
  const modules = document.createElementNS(SVG, "path");
  modules.setAttribute("d", path);
  modules.setAttribute("fill", "#000000");
  svg.append(paper, modules);
  return svg;
}

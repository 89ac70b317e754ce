/** A line to take elsewhere: a command, a link; and the button that copies it. */

import { h } from "../dom.ts";
import { copyText } from "./clipboard.ts";

const COPIED_MS = 2000;

/** @param what what is copied, for those who hear the button only: "the link" */
export function copyLine(text: string, what: string): HTMLElement {
  const face = h("span", {}, "Copy");
  const copy = h(
    "button",
    { type: "button", className: "button small" },
    face,
    h("span", { className: "hidden-text" }, ` ${what}`),
  );
  copy.addEventListener("click", async () => {
    await copyText(text);
    face.textContent = "Copied";
    setTimeout(() => {
      face.textContent = "Copy";
    }, COPIED_MS);
  });
  return h("div", { className: "command" }, h("code", {}, text), copy);
}

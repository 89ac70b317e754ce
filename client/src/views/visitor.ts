/** What visitors are told: that nothing of theirs stays, and until when it is there. */

import { h } from "../dom.ts";
import { timeLeft } from "../shares.ts";
import { clockTime } from "./time.ts";

/** "visitor until 16:05". */
export function visitorWords(expires: number): string {
  return `visitor until ${clockTime(expires)}`;
}

/** The same for the bar of a console. */
export function visitorMark(expires: number): HTMLElement {
  return h(
    "span",
    {
      className: "tag warn visitor",
      title: `A ${visitorWords(expires)}: your consoles and files are deleted then.`,
    },
    h("span", { className: "visitor-what" }, "visitor until "),
    clockTime(expires),
  );
}

/** @param expires when the account ends, seconds since the epoch */
export function visitorNote(expires: number): HTMLElement {
  return h(
    "p",
    { className: "warning" },
    "You are here without an account. This visit ends at ",
    h("time", { dateTime: new Date(expires * 1000).toISOString() }, clockTime(expires)),
    ` (in ${timeLeft(expires, Date.now() / 1000)}); your consoles and files are deleted then. ` +
      "Copy what you want to keep before.",
  );
}

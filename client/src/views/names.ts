/** Names of people, and their words, on the page: as text that cannot pass for something else. */

import { h } from "../dom.ts";
import { Hues } from "../room/hues.ts";
import type { Named } from "../room/messages.ts";
import { visible } from "../room/visible.ts";

const hues = new Hues();

/** The colour of a person, the same in every part of the page, and mostly for everybody who looks. */
export function colourOf(person: string): string {
  return `oklch(var(--person-light) var(--person-chroma) ${hues.of(person)})`;
}

/** A name in its person's colour, kept apart from the direction of the text around it. */
export function personName({ person, name }: Named): HTMLElement {
  const element = h("bdi", { className: "person-name" }, bareText(name) || "somebody");
  element.style.setProperty("--person", colourOf(person));
  return element;
}

/** Words of others: what would be invisible or turn the text round is shown. */
export const bareText = visible;

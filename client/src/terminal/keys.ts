/**
 * Keys that a phone's keyboard does not have, as the bytes a terminal sends.  Pure.
 */

/** Modifiers that the key bar holds for the next key. */
export interface Modifiers {
  readonly ctrl: boolean;
  readonly alt: boolean;
}

export const ARROWS = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" } as const;
export type Arrow = keyof typeof ARROWS;

/** An arrow key; `application` is the terminal's application cursor mode. */
export function arrow(name: Arrow, application: boolean, modifiers: Modifiers): string {
  const final = ARROWS[name];
  const code = 1 + (modifiers.alt ? 2 : 0) + (modifiers.ctrl ? 4 : 0);
  if (code > 1) return `\x1b[1;${code}${final}`;
  return application ? `\x1bO${final}` : `\x1b[${final}`;
}

/** `text` as typed with the modifiers held; only a single character can be a control character. */
export function modified(text: string, modifiers: Modifiers): string {
  let result = text;
  if (modifiers.ctrl && text.length === 1) result = control(text);
  if (modifiers.alt && [...text].length === 1) result = `\x1b${result}`;
  return result;
}

function control(character: string): string {
  const code = character.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  if (character === " " || character === "2") return "\x00";
  if (character === "?" || character === "8") return "\x7f";
  if (character === "/" || character === "7" || character === "-") return "\x1f";
  if (character >= "3" && character <= "6") return String.fromCharCode(code - 0x33 + 0x1b);
  return character;
}

/**
 * Text for the terminal as if pasted.
 *
 * Line ends become carriage returns.  With bracketed paste the text is bracketed, and escape
 * characters in it are shown, not sent, so that no text can end the bracket and go on as typing.
 */
export function pasted(text: string, bracketed: boolean): string {
  const lines = text.replace(/\r?\n/g, "\r");
  return bracketed ? `\x1b[200~${lines.replaceAll("\x1b", "\u241b")}\x1b[201~` : lines;
}

/** Words and names of strangers, made fit to be shown.  Pure. */

/** Controls, and what changes the direction of text or takes no room; but not the joiners of emoji. */
const TRICKS = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** `text` with characters that nobody could see, but that a program could, as signs. */
export function visible(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(TRICKS, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `\u27e8${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

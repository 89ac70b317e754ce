/**
 * How many cells a character takes, by the table the server's screens use.
 *
 * xterm.js's own widths differ from the server's on about a thousand code points; then lines would
 * wrap and cursors stand differently here and there.  The table has one home, beside the screens.
 */

import type { IUnicodeHandling, IUnicodeVersionProvider } from "@xterm/xterm";
import runs from "../../../termhub/screen/widths.json" with { type: "json" };

export const VERSION = "termhub";

const LAST = 0x10ffff;

let table: Uint8Array | null = null;

/** One byte a code point: its width, 0, 1 or 2. */
function widths(): Uint8Array {
  if (table === null) {
    table = new Uint8Array(LAST + 1).fill(1);
    table.fill(0, 0, 0x20);
    for (const [first = 0, last = 0, width = 1] of runs as number[][]) table.fill(width, first, last + 1);
  }
  return table;
}

/** The provider; `charProperties` packs as xterm.js's UnicodeService does. */
export class Widths implements IUnicodeVersionProvider {
  readonly version = VERSION;
  private readonly table = widths();

  wcwidth(codepoint: number): 0 | 1 | 2 {
    return (this.table[codepoint] ?? 1) as 0 | 1 | 2;
  }

  charProperties(codepoint: number, preceding: number): number {
    let width: number = this.wcwidth(codepoint);
    let joins = width === 0 && preceding !== 0;
    if (joins) {
      const before = (preceding >> 1) & 3;
      if (before === 0) joins = false;
      else if (before > width) width = before;
    }
    return ((width & 3) << 1) | (joins ? 1 : 0);
  }
}

/** Makes `unicode` (of a terminal with proposed API) use the table. */
export function useWidths(unicode: IUnicodeHandling): void {
  unicode.register(new Widths());
  unicode.activeVersion = VERSION;
}

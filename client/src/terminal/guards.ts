/**
 * What keeps xterm.js from answering, and from freezing.
 *
 * The server's screen answers every query of a program.  If each viewer's terminal did too, the
 * answers would be typed into the program once for each viewer.  And two sequences need care: one
 * that freezes xterm.js 6.0, one that makes it speak by itself.
 */

import type { IDisposable, IFunctionIdentifier, IParser } from "@xterm/xterm";

/** The part of a terminal that the guards use; xterm.js and its headless twin both have it. */
export interface Guarded {
  readonly parser: IParser;
  readonly cols: number;
  readonly buffer: {
    readonly active: { readonly cursorX: number; readonly cursorY: number; readonly length: number };
  };
}

/** Device attributes, status, mode and window reports, kitty keyboard query, checksum of a rectangle. */
const CSI_QUERIES: readonly IFunctionIdentifier[] = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { prefix: ">", final: "q" },
  { prefix: "?", intermediates: "$", final: "p" },
  { intermediates: "$", final: "p" },
  { prefix: "?", final: "u" },
  { intermediates: "*", final: "y" },
  { final: "t" },
];

/** DECRQSS and XTGETTCAP. */
const DCS_QUERIES: readonly IFunctionIdentifier[] = [
  { intermediates: "$", final: "q" },
  { intermediates: "+", final: "q" },
];

/** Palette, foreground, background, cursor colour: a query has `?` for a value. */
const COLOUR_OSCS = [4, 10, 11, 12] as const;

const CLIPBOARD_OSC = 52;
const FOCUS_MODE = 1004;

/** Takes every query from the terminal; also OSC 52, which the page handles from the server's event. */
export function silence(terminal: Guarded): IDisposable {
  const swallow = () => true;
  const { parser } = terminal;
  const handlers = [
    ...CSI_QUERIES.map((id) => parser.registerCsiHandler(id, swallow)),
    ...DCS_QUERIES.map((id) => parser.registerDcsHandler(id, swallow)),
    ...COLOUR_OSCS.map((code) => parser.registerOscHandler(code, (data) => data.split(";").includes("?"))),
    parser.registerOscHandler(CLIPBOARD_OSC, swallow),
    parser.registerEscHandler({ final: "Z" }, swallow),
  ];
  return { dispose: () => handlers.forEach((handler) => void handler.dispose()) };
}

/**
 * Swallows the one erase that xterm.js 6.0 does not survive: `CSI 1 J` with the cursor in the last
 * cell and no line below.  `mend` is called instead; it asks for a keyframe.
 */
export function avoidFreeze(terminal: Guarded, mend: () => void): IDisposable {
  const handle = ([mode]: readonly (number | number[])[]) => {
    const { cursorX, cursorY, length } = terminal.buffer.active;
    if (mode !== 1 || cursorX + 1 < terminal.cols || cursorY + 1 < length) return false;
    mend();
    return true;
  };
  const handlers = [
    terminal.parser.registerCsiHandler({ final: "J" }, handle),
    terminal.parser.registerCsiHandler({ prefix: "?", final: "J" }, handle),
  ];
  return { dispose: () => handlers.forEach((handler) => void handler.dispose()) };
}

/**
 * Tells whether data from the terminal is the focus report that xterm.js sends by itself when a
 * program, or a keyframe, turns focus reports on.  Later ones are the person's own.
 */
export function focusEcho(terminal: Guarded): (data: string) => boolean {
  let turningOn = false;
  terminal.parser.registerCsiHandler({ prefix: "?", final: "h" }, (params) => {
    if (params.includes(FOCUS_MODE)) {
      turningOn = true;
      queueMicrotask(() => {
        turningOn = false;
      });
    }
    return false;
  });
  return (data) => turningOn && (data === "\x1b[I" || data === "\x1b[O");
}

/**
 * `window.termhub`: what the terminal shows, for tests and for people's own scripts.
 *
 * A WebGL terminal has no text in the page.  This object has it, read-only: nothing in it can type,
 * change or attach anything that a script on this page could not do anyway.
 */

import type { Attachment } from "./attachment.ts";

/** What `window.termhub.terminal` offers. */
export interface TerminalView {
  /** `connecting`, `attached`, `waiting` or `closed`. */
  readonly state: string;
  readonly window: number;
  readonly title: string;
  readonly cols: number;
  readonly rows: number;
  readonly cursor: { readonly x: number; readonly y: number };
  /** The byte of the stream that comes next. */
  readonly offset: number | null;
  /** Lines by which the view is above the live screen. */
  readonly back: number;
  /** Input bytes that the program has not been given yet. */
  readonly unacceptedBytes: number;
  /** All of the server's scrollback is in {@link lines}. */
  readonly historyComplete: boolean;
  /** Lines the terminal holds, history first, wrapped lines joined. */
  lines(): string[];
  /** The rows on the screen, as they stand. */
  screen(): string[];
  /** Fetches all scrollback; resolves with whether it is here. */
  loadHistory(): Promise<boolean>;
}

declare global {
  interface Window {
    termhub?: { readonly terminal: TerminalView };
  }
}

/** Shows `attachment` as `window.termhub.terminal`; returns what takes it away. */
export function exposeTerminal(attachment: Attachment): () => void {
  const buffer = () => attachment.display.terminal.buffer.active;
  const terminal: TerminalView = {
    get state() {
      return attachment.sessionState?.name ?? "connecting";
    },
    get window() {
      return attachment.activeWindow;
    },
    get title() {
      return attachment.pane?.title ?? "";
    },
    get cols() {
      return attachment.display.terminal.cols;
    },
    get rows() {
      return attachment.display.terminal.rows;
    },
    get cursor() {
      return { x: buffer().cursorX, y: buffer().cursorY };
    },
    get offset() {
      return attachment.offset;
    },
    get back() {
      return attachment.display.sight().back;
    },
    get unacceptedBytes() {
      return attachment.unacceptedBytes;
    },
    get historyComplete() {
      return attachment.historyComplete;
    },
    lines: () => attachment.display.lines(),
    screen: () => attachment.display.screenRows(),
    loadHistory: () => attachment.wantHistory(),
  };
  const exposed = Object.freeze({ terminal: Object.freeze(terminal) });
  window.termhub = exposed;
  return () => {
    if (window.termhub === exposed) delete window.termhub;
  };
}

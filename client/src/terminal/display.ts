/**
 * The terminal on the page: xterm.js, set up, kept silent, fitted into its area.
 *
 * Two sizes matter.  The *area* is what fits here at the person's font size; the session tells the hub.
 * The *size* is what the hub decided for all viewers; keyframes bring it.  When a size is larger than
 * the area the font shrinks until all of it shows; when it is smaller, the rest stays empty.
 */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type ITheme, Terminal } from "@xterm/xterm";
import { MAX_COLS, MAX_ROWS, MIN_COLS, MIN_ROWS } from "../frames.ts";
import type { Cell } from "../room/messages.ts";
import type { Display } from "../viewer.ts";
import { avoidFreeze, focusEcho, silence } from "./guards.ts";
import { pasted } from "./keys.ts";
import { strictDocument } from "./strict-document.ts";
import { followTouch } from "./touch.ts";
import { useWidths } from "./widths.ts";

/** Lines of history, the same as the server's screens keep. */
export const SCROLLBACK = 10_000;

const FONTS = [
  "ui-monospace",
  '"SF Mono"',
  "SFMono-Regular",
  '"Cascadia Mono"',
  '"JetBrains Mono"',
  "Menlo",
  "Consolas",
  '"DejaVu Sans Mono"',
  '"Liberation Mono"',
  "monospace",
].join(", ");

/** With Shift they scroll the view. */
const SCROLL_KEYS: ReadonlySet<string> = new Set(["PageUp", "PageDown", "Home", "End"]);

const SCROLLBAR_WIDTH = 10;
const SMALLEST_FONT = 4;
const FONT_STEP = 0.25;

export interface DisplayOptions {
  readonly theme: ITheme;
  readonly fontSize: number;
  readonly screenReader: boolean;
  /** Bytes that the person typed, pasted or did with the mouse. */
  readonly typed: (data: Uint8Array) => void;
  /** Changes what is typed, for the key bar's modifiers. */
  readonly transform: (text: string) => string;
  /** The terminal needs a keyframe. */
  readonly mend: () => void;
  /** What is in view, or selected, may have changed. */
  readonly moved: () => void;
  /** The person scrolled. */
  readonly userScrolled: () => void;
  /** The program wrote something. */
  readonly wrote: () => void;
  /** The person looks at history; `missing` lines above the first would be next. */
  readonly scrolled: (missing: number) => void;
  /** A key before the terminal sees it; true when the page took it. */
  readonly shortcut: (event: KeyboardEvent) => boolean;
  /** A link that a program made (OSC 8), whose text may say something else. */
  readonly openLink: (address: string, certain: boolean) => void;
}

/** What of a terminal is in view and selected. */
export interface Sight {
  /** Lines by which the view is above the live screen. */
  readonly back: number;
  /** From the first cell to behind the last. */
  readonly selection: { readonly from: Cell; readonly to: Cell } | null;
}

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

export class TerminalDisplay implements Display {
  readonly terminal: Terminal;
  readonly search = new SearchAddon({ highlightLimit: 2000 });
  /** Where the terminal stands; the page puts it into its layout. */
  readonly element: HTMLElement;
  private readonly fit = new FitAddon();
  private readonly strict = strictDocument(document);
  private readonly encoder = new TextEncoder();
  private opened = false;
  /** A keyframe has said how large the terminal is. */
  private hasSize = false;
  private fontSize: number;
  /** Lines between the bottom and what was in view when a keyframe came. */
  private distance = 0;
  /** The view is being moved by us, not by the person. */
  private isPlacing = false;
  /** The font for which scrolling is right. */
  private alignedFont: number | undefined;
  /** The row of the view that the mouse is over. */
  private pointedRow: number | null = null;

  constructor(private readonly options: DisplayOptions) {
    this.fontSize = options.fontSize;
    this.element = document.createElement("div");
    this.element.className = "screen";
    this.terminal = new Terminal({
      allowProposedApi: true,
      allowTransparency: false,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      cursorInactiveStyle: "outline",
      documentOverride: this.strict.document,
      fontFamily: FONTS,
      fontSize: this.fontSize,
      fontWeightBold: "600",
      lineHeight: 1.15,
      linkHandler: { activate: (_event, address) => options.openLink(address, false) },
      macOptionIsMeta: true,
      overviewRuler: { width: SCROLLBAR_WIDTH },
      rescaleOverlappingGlyphs: true,
      scrollback: SCROLLBACK,
      screenReaderMode: options.screenReader,
      theme: options.theme,
    });
    useWidths(this.terminal.unicode);
    silence(this.terminal);
    avoidFreeze(this.terminal, options.mend);
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new WebLinksAddon((_event, address) => options.openLink(address, true)));
    const isFocusEcho = focusEcho(this.terminal);
    this.terminal.onData((data) => {
      if (!isFocusEcho(data)) this.send(options.transform(data));
    });
    this.terminal.onBinary((data) => options.typed(Uint8Array.from(data, (byte) => byte.charCodeAt(0))));
    this.terminal.onScroll(() => {
      if (!this.isPlacing) this.lookedUp(0);
      options.moved();
    });
    this.terminal.onWriteParsed(() => {
      options.wrote();
      options.moved();
    });
    this.terminal.onSelectionChange(() => options.moved());
    this.terminal.onRender(() => options.moved());
    this.terminal.attachCustomKeyEventHandler((event) => this.key(event));
  }

  /** Draws; the element must be in the page. */
  open(): void {
    if (this.opened) return;
    this.opened = true;
    this.terminal.open(this.element);
    this.drawWithWebGL();
    this.element.addEventListener("paste", (event) => this.pasteEvent(event), { capture: true });
    this.element.addEventListener("wheel", (event) => this.wheel(event), { capture: true, passive: true });
    this.element.addEventListener("pointerdown", (event) => this.pressed(event), { capture: true });
    this.element.addEventListener("mousemove", (event) => this.pointed(event), { passive: true });
    this.element.addEventListener("mouseleave", () => {
      this.pointedRow = null;
    });
    followTouch(this.element, {
      rows: () => this.terminal.rows,
      scrollsView: () => this.scrollsView,
      scroll: (lines) => {
        this.options.userScrolled();
        if (lines < 0) this.lookedUp(-lines);
        this.terminal.scrollLines(lines);
      },
    });
  }

  dispose(): void {
    this.terminal.dispose();
    this.strict.dispose();
    this.element.remove();
  }

  // -- Display -------------------------------------------------------------------------------------

  resize(cols: number, rows: number): void {
    const { baseY, viewportY, type } = this.terminal.buffer.active;
    this.distance = type === "normal" ? baseY - viewportY : 0;
    if (cols !== this.terminal.cols || rows !== this.terminal.rows) this.terminal.resize(cols, rows);
    this.hasSize = true;
    this.shrink();
  }

  write(data: Uint8Array, done: () => void): void {
    this.terminal.write(data, done);
  }

  /** Looks again at what was in view before the last keyframe, and `more` lines further up. */
  restoreView(more: number): void {
    const distance = this.distance + more;
    if (distance <= 0) return;
    this.place(Math.max(0, this.terminal.buffer.active.baseY - distance));
  }

  /**
   * Puts `line` at the top of the view.
   *
   * xterm.js counts pixels, by the height that a row had when it scrolled last: after a change of font
   * it lands elsewhere.  Having scrolled at all it knows the height again.
   */
  private place(line: number): void {
    this.isPlacing = true;
    for (let tries = 0; tries < 3; tries += 1) {
      this.terminal.scrollToLine(line);
      if (this.terminal.buffer.active.viewportY === line) break;
      this.terminal.scrollToTop();
    }
    this.isPlacing = false;
  }

  /** Lets scrolling go by the rows' height again, when the font has changed. */
  private realign(): void {
    const font = this.terminal.options.fontSize;
    if (font === this.alignedFont) return;
    this.alignedFont = font;
    const { viewportY } = this.terminal.buffer.active;
    if (viewportY === 0) return;
    this.isPlacing = true;
    this.terminal.scrollToTop();
    this.isPlacing = false;
    this.place(viewportY);
  }

  /** Looks `back` lines above the live screen, as soon as so many are here. */
  lookBack(back: number): void {
    const { baseY, type } = this.terminal.buffer.active;
    if (type !== "normal") return;
    if (back > baseY) this.options.scrolled(back - baseY);
    this.place(Math.max(0, baseY - back));
  }

  /** Where the person looks, and what is selected; rows count from the first of the live screen. */
  sight(): Sight {
    const { baseY, viewportY, type } = this.terminal.buffer.active;
    const range = this.terminal.getSelectionPosition();
    const back = type === "normal" ? Math.max(0, baseY - viewportY) : 0;
    if (range === undefined) return { back, selection: null };
    const { start, end } = range;
    return {
      back,
      selection: { from: [start.y - baseY, start.x], to: [end.y - baseY, end.x] },
    };
  }

  /** Lines by which the view was above the bottom when the last keyframe came. */
  get linesBack(): number {
    return this.distance;
  }

  // -- size ----------------------------------------------------------------------------------------

  /** The size that fits into the element at the person's font size; null while it is not visible. */
  area(): Size | null {
    if (!this.opened || this.element.clientWidth === 0) return null;
    this.setFont(this.fontSize);
    const size = this.fit.proposeDimensions();
    this.shrink();
    if (size === undefined || Number.isNaN(size.cols) || Number.isNaN(size.rows)) return null;
    return {
      cols: Math.min(MAX_COLS, Math.max(MIN_COLS, size.cols)),
      rows: Math.min(MAX_ROWS, Math.max(MIN_ROWS, size.rows)),
    };
  }

  setFontSize(size: number): void {
    this.fontSize = size;
    this.shrink();
  }

  /** Lets the font be as small as it must for the whole size to show. */
  private shrink(): void {
    if (!this.opened || this.element.clientWidth === 0) return;
    this.shrinkFont();
    this.realign();
  }

  private shrinkFont(): void {
    this.setFont(this.fontSize);
    const area = this.fit.proposeDimensions();
    const { cols, rows } = this.terminal;
    const isSmaller = area !== undefined && (area.cols > cols + 1 || area.rows > rows + 1);
    this.element.classList.toggle("boxed", this.hasSize && isSmaller);
    for (let tries = 0; tries < 8; tries += 1) {
      const fits = this.fit.proposeDimensions();
      if (fits === undefined || Number.isNaN(fits.cols)) return;
      const scale = Math.min(fits.cols / this.terminal.cols, fits.rows / this.terminal.rows);
      const font = this.terminal.options.fontSize ?? this.fontSize;
      if (scale >= 1 || font <= SMALLEST_FONT) return;
      const smaller = Math.floor((font * Math.max(scale, 0.2)) / FONT_STEP) * FONT_STEP;
      this.setFont(Math.max(SMALLEST_FONT, Math.min(smaller, font - FONT_STEP)));
    }
  }

  private setFont(size: number): void {
    if (this.terminal.options.fontSize !== size) this.terminal.options.fontSize = size;
  }

  // -- text ----------------------------------------------------------------------------------------

  /** All lines the terminal holds, history first, wrapped ones joined. */
  lines(): string[] {
    return this.linesFrom(0);
  }

  /**
   * The line that is selected, or under the mouse, or else has the cursor; and all that follow.
   */
  linesInQuestion(): string[] {
    const { baseY, cursorY, viewportY } = this.terminal.buffer.active;
    const selected = this.terminal.getSelectionPosition()?.start.y;
    const pointed = this.pointedRow === null ? undefined : viewportY + this.pointedRow;
    let y = selected ?? pointed ?? baseY + cursorY;
    while (y > 0 && this.terminal.buffer.active.getLine(y)?.isWrapped) y -= 1;
    return this.linesFrom(y);
  }

  private linesFrom(first: number): string[] {
    const buffer = this.terminal.buffer.active;
    const lines: string[] = [];
    for (let y = first; y < buffer.length; y += 1) {
      const line = buffer.getLine(y);
      if (line === undefined) continue;
      const next = buffer.getLine(y + 1);
      const text = line.translateToString(next?.isWrapped !== true);
      if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines;
  }

  /** The rows on the screen, as they stand. */
  screenRows(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from({ length: this.terminal.rows }, (_, y) =>
      (active.getLine(active.baseY + y)?.translateToString(true) ?? "").trimEnd(),
    );
  }

  /** Sends `text` to the program as a paste. */
  paste(text: string): void {
    if (text === "") return;
    this.terminal.scrollToBottom();
    this.send(pasted(text, this.terminal.modes.bracketedPasteMode));
  }

  /** Sends `text` as if typed. */
  type(text: string): void {
    this.terminal.scrollToBottom();
    this.send(text);
  }

  private send(text: string): void {
    this.options.typed(this.encoder.encode(text));
  }

  private pasteEvent(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    event.preventDefault();
    event.stopPropagation();
    this.paste(text);
  }

  // -- renderer ------------------------------------------------------------------------------------

  /** The DOM renderer stays where there is no WebGL, and comes back when its context is lost. */
  private drawWithWebGL(): void {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.terminal.loadAddon(webgl);
    } catch {
      this.element.dataset.renderer = "dom";
    }
  }

  // -- scrolling -----------------------------------------------------------------------------------

  /** Whether wheel and touch scroll the view, rather than go to the program. */
  private get scrollsView(): boolean {
    const { buffer, modes } = this.terminal;
    return buffer.active.type === "normal" && modes.mouseTrackingMode === "none";
  }

  private lookedUp(lines: number): void {
    const { viewportY, baseY, type } = this.terminal.buffer.active;
    if (type !== "normal" || (lines === 0 && viewportY === baseY)) return;
    const missing = lines - viewportY;
    if (missing >= 0 || viewportY < this.terminal.rows / 2) this.options.scrolled(Math.max(0, missing));
  }

  private wheel(event: WheelEvent): void {
    if (!this.scrollsView) return;
    this.options.userScrolled();
    if (event.deltaY < 0) this.lookedUp(3);
  }

  private pointed(event: MouseEvent): void {
    const box = this.element.querySelector(".xterm-screen")?.getBoundingClientRect();
    if (box === undefined || box.height === 0) return;
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.terminal.rows);
    this.pointedRow = row >= 0 && row < this.terminal.rows ? row : null;
  }

  /** Dragging the scroll bar scrolls too. */
  private pressed(event: PointerEvent): void {
    const isBar = event.target instanceof Element && event.target.closest(".scrollbar") !== null;
    if (isBar) this.options.userScrolled();
  }

  private key(event: KeyboardEvent): boolean {
    if (this.options.shortcut(event)) return false;
    if (event.type === "keydown" && event.shiftKey && !event.ctrlKey && !event.altKey) {
      if (SCROLL_KEYS.has(event.key)) this.options.userScrolled();
      if (event.key === "PageUp") this.lookedUp(this.terminal.rows - 1);
      if (event.key === "Home") this.lookedUp(SCROLLBACK);
    }
    return true;
  }
}

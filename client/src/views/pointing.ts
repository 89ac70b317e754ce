/**
 * Pointing: what others have selected is drawn over the terminal, with their names; what this person
 * selects, and where they look, is told to the others.
 */

import type { Attachment } from "../attachment.ts";
import { h } from "../dom.ts";
import type { Cell, Look } from "../room/messages.ts";
import { outline } from "../room/outline.ts";
import type { Room } from "../room/room.ts";
import { Throttle } from "../room/throttle.ts";
import { browserClock } from "../socket.ts";
import { bareText, colourOf } from "./names.ts";

/** The hub passes on ten looks a second of each viewer. */
const PAUSE_MS = 120;

/** Rows of one selection that are drawn; the rest is out of any view. */
const NAME_ROOM = 1;

export class Pointing {
  private readonly layer = h("div", { className: "pointing", attrs: { "aria-hidden": "true" } });
  private readonly throttle: Throttle<string>;
  private readonly unsubscribe: () => void;
  private told = "";
  private drawn = "";
  private frame = 0;

  constructor(
    private readonly room: Room,
    private readonly attachment: () => Attachment | null,
  ) {
    this.throttle = new Throttle(browserClock, PAUSE_MS, (look) => this.say(look));
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "looks") this.draw();
    });
  }

  /** The view or the selection of the terminal in view may have changed. */
  moved(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.tell();
    });
  }

  /** The connection is new: the hub knows nothing of where this page looks. */
  attached(): void {
    this.told = "";
    this.moved();
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.throttle.stop();
    this.unsubscribe();
    this.layer.remove();
  }

  // -- mine ----------------------------------------------------------------------------------------

  private tell(): void {
    const attachment = this.attachment();
    if (attachment === null || attachment.sessionState?.name !== "attached") return;
    // Alone, there is nobody to tell; whoever comes is told at the next move.
    if (this.room.count < 2) {
      this.told = "";
      return;
    }
    const { back, selection } = attachment.display.sight();
    const look = { back, from: selection?.from ?? null, to: selection?.to ?? null };
    const next = JSON.stringify([attachment.activeWindow, look]);
    if (next === this.told) return;
    this.told = next;
    this.throttle.tell(next);
  }

  private say(told: string): void {
    const [window, { back, from, to }] = JSON.parse(told) as [
      number,
      { back: number; from: Cell | null; to: Cell | null },
    ];
    const range = from === null || to === null ? {} : { from, to };
    this.attachment()
      ?.ask("look", window, { back, ...range })
      .catch(() => {
        // Not there just now, or too often: the next move says it again.
        this.told = "";
      });
  }

  // -- the others' ---------------------------------------------------------------------------------

  private draw(): void {
    const attachment = this.attachment();
    const screen = attachment?.display.element.querySelector<HTMLElement>(".xterm-screen");
    if (!attachment || !screen) return;
    const { cols, rows } = attachment.display.terminal;
    const { back } = attachment.display.sight();
    const looks = this.room.looks.filter(
      ({ window, id }) => window === attachment.activeWindow && id !== this.room.you.id,
    );
    const next = JSON.stringify([attachment.activeWindow, looks, back, cols, rows]);
    if (next === this.drawn && this.layer.parentElement === screen) return;
    this.drawn = next;
    this.layer.replaceChildren(...looks.flatMap((look) => this.marks(look, back, rows, cols)));
    if (this.layer.parentElement !== screen) screen.append(this.layer);
  }

  private marks(look: Look, back: number, rows: number, cols: number): HTMLElement[] {
    if (look.from === null || look.to === null) return [];
    const stretches = outline(look.from, look.to, back, rows, cols);
    const marks: HTMLElement[] = stretches.map(({ row, column, cells }) => {
      const mark = h("div", { className: "pointed" });
      mark.style.left = `${(100 * column) / cols}%`;
      mark.style.top = `${(100 * row) / rows}%`;
      mark.style.width = `${(100 * cells) / cols}%`;
      mark.style.height = `${100 / rows}%`;
      return mark;
    });
    const first = stretches[0];
    if (first !== undefined) {
      const label = h("bdi", { className: "pointer-name" }, bareText(look.name));
      label.style.left = `${(100 * Math.min(first.column, cols - NAME_ROOM)) / cols}%`;
      label.style.top = `${(100 * first.row) / rows}%`;
      if (first.row === 0) label.classList.add("below");
      if (first.column > cols / 2) label.classList.add("to-left");
      marks.push(label);
    }
    for (const mark of marks) mark.style.setProperty("--person", colourOf(look.person));
    return marks;
  }
}

/**
 * Scrollback on demand.
 *
 * Attaching costs one screen, not ten thousand lines: the keyframe brings no history.  When the person
 * looks further up than the terminal holds, searches or selects everything, all history is asked for
 * once and the view stays where it was.  No DOM.
 */

import type { DrawnKeyframe } from "../viewer.ts";

export interface HistoryOptions {
  /** Asks for a keyframe with all scrollback; resolves when it is on its way. */
  readonly request: () => Promise<void>;
  /** Puts the view back, `more` lines further up. */
  readonly restoreView: (more: number) => void;
  /** Lines by which the view was above the bottom before the keyframe. */
  readonly linesBack: () => number;
}

export class History {
  /** Everything the server keeps is in the terminal. */
  complete = false;
  private more = 0;
  private asked = false;
  private waiting: ((complete: boolean) => void)[] = [];

  constructor(private readonly options: HistoryOptions) {}

  /** Asks for history if it is not here; then goes `more` lines up.  Resolves with whether it is here. */
  want(more = 0): Promise<boolean> {
    if (this.complete) return Promise.resolve(true);
    this.more = Math.max(this.more, more);
    const done = new Promise<boolean>((resolve) => this.waiting.push(resolve));
    if (!this.asked) {
      this.asked = true;
      this.options.request().catch(() => this.settle(false));
    }
    return done;
  }

  /** A keyframe has been drawn. */
  drawn(keyframe: DrawnKeyframe): void {
    this.complete = keyframe.history;
    if (keyframe.history) {
      this.options.restoreView(this.more);
      this.settle(true);
    } else if (this.options.linesBack() > 0) {
      // The screen was drawn anew while the person was reading further up.
      void this.want(this.options.linesBack());
    }
  }

  /** The connection is gone, and with it the answer. */
  disconnected(): void {
    this.settle(false);
  }

  private settle(complete: boolean): void {
    this.asked = false;
    this.more = 0;
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve(complete);
  }
}

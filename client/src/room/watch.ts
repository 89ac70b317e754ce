/**
 * What is worth a notification: the bell, output, silence, a command that ended.  No DOM.
 *
 * All of it is opt-in.  A window that the person looks at needs no notification.
 */

import type { Clock } from "../session-types.ts";
import type { NotifySettings } from "../settings.ts";

export type News = "bell" | "activity" | "silence" | "finished";

export interface WatchOptions {
  readonly clock: Clock;
  readonly wishes: () => NotifySettings;
  /** Whether the person sees `window` just now. */
  readonly isSeen: (window: number) => boolean;
  /** `seconds`: how long the command took, or the silence lasts. */
  readonly tell: (news: News, window: number, seconds: number) => void;
}

export class Watch {
  /** Windows whose activity was told, and that nobody has looked at since. */
  private readonly told = new Set<number>();
  private readonly silences = new Map<number, () => void>();

  constructor(private readonly options: WatchOptions) {}

  bell(window: number): void {
    if (this.options.wishes().bell) this.tell("bell", window, 0);
  }

  output(window: number): void {
    const { activity, silenceSeconds } = this.options.wishes();
    this.silences.get(window)?.();
    this.silences.delete(window);
    if (silenceSeconds > 0) {
      const cancel = this.options.clock.later(silenceSeconds * 1000, () => {
        this.silences.delete(window);
        if (this.options.wishes().silenceSeconds > 0) this.tell("silence", window, silenceSeconds);
      });
      this.silences.set(window, cancel);
    }
    if (!activity || this.told.has(window) || this.options.isSeen(window)) return;
    this.told.add(window);
    this.tell("activity", window, 0);
  }

  finished(window: number, seconds: number): void {
    const { finishedSeconds } = this.options.wishes();
    if (finishedSeconds > 0 && seconds >= finishedSeconds) this.tell("finished", window, seconds);
  }

  /** The person looks at `window`: what comes from here on is new. */
  seen(window: number): void {
    this.told.delete(window);
  }

  stop(): void {
    for (const cancel of this.silences.values()) cancel();
    this.silences.clear();
  }

  private tell(news: News, window: number, seconds: number): void {
    if (!this.options.isSeen(window)) this.options.tell(news, window, seconds);
  }
}

/** Says the latest of something that changes often, and not more often than agreed.  No DOM. */

import type { Clock } from "../session-types.ts";

export class Throttle<T> {
  private waiting: { value: T } | null = null;
  private isPausing = false;
  private cancel: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly milliseconds: number,
    private readonly say: (value: T) => void,
  ) {}

  /** Says `value` now, or, unless something else comes, when the pause is over. */
  tell(value: T): void {
    if (this.isPausing) {
      this.waiting = { value };
      return;
    }
    this.isPausing = true;
    this.cancel = this.clock.later(this.milliseconds, () => this.next());
    this.say(value);
  }

  /** Forgets what waits. */
  stop(): void {
    this.cancel();
    this.waiting = null;
    this.isPausing = false;
  }

  private next(): void {
    const { waiting } = this;
    this.waiting = null;
    this.isPausing = false;
    if (waiting !== null) this.tell(waiting.value);
  }
}

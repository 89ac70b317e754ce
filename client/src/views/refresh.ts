/** Asking again and again while a page is looked at. */

export class Refresher {
  private timer = 0;
  private running: Promise<void> | null = null;
  private stopped = true;

  /** @param work what is done; it bears its own errors */
  constructor(
    private readonly work: () => Promise<void>,
    private readonly milliseconds: number,
  ) {}

  start(): void {
    this.stopped = false;
    document.addEventListener("visibilitychange", this.seen);
    void this.now();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
  }

  /** Does it at once, after what is under way; resolves when it is done. */
  async now(): Promise<void> {
    while (this.running !== null) await this.running;
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.running = this.work();
    try {
      await this.running;
    } finally {
      this.running = null;
      clearTimeout(this.timer);
      if (!this.stopped && !document.hidden) {
        this.timer = window.setTimeout(() => void this.now(), this.milliseconds);
      }
    }
  }

  /** What stood still while nobody looked is put right first. */
  private readonly seen = (): void => {
    if (!document.hidden) void this.now();
  };
}

/** A long list of the administration: one page of it at a time, kept fresh while it is looked at. */

import type { PageOf } from "../admin.ts";
import { h } from "../dom.ts";
import type { AdminContext } from "./admin.ts";
import { failure } from "./page.ts";
import { Refresher } from "./refresh.ts";
import type { LiveTable } from "./table.ts";

const REFRESH_MS = 5000;

interface PagedOptions<T> {
  readonly context: AdminContext;
  readonly table: LiveTable<T>;
  /** @param cursor where the page begins; null for the first */
  readonly fetch: (cursor: string | null) => Promise<PageOf<T>>;
  /** The rows in the order in which they are shown. */
  readonly order?: (rows: readonly T[]) => readonly T[];
}

export class PagedList<T> {
  readonly element: HTMLElement;
  /** Says what happened, or went wrong. */
  readonly spoken = h("p", { className: "problem", attrs: { role: "status" } });
  private readonly refresher = new Refresher(() => this.refresh(), REFRESH_MS);
  private readonly back = h("button", { type: "button", className: "button small" }, "Back");
  private readonly forward = h("button", { type: "button", className: "button small" }, "Next");
  private readonly place = h("span", { className: "muted small" });
  private readonly pager: HTMLElement;
  /** Where the page in view and those before it begin. */
  private cursors: (string | null)[] = [null];
  private next: string | null = null;
  private rows: readonly T[] = [];
  private reorder = false;

  constructor(private readonly options: PagedOptions<T>) {
    this.back.addEventListener("click", () => this.turn(this.cursors.slice(0, -1)));
    this.forward.addEventListener("click", () => this.turn([...this.cursors, this.next]));
    this.pager = h(
      "nav",
      { className: "pager", hidden: true, attrs: { "aria-label": "Pages" } },
      this.back,
      this.place,
      this.forward,
    );
    this.element = h("div", { className: "paged" }, this.spoken, options.table.element, this.pager);
  }

  start(): void {
    this.refresher.start();
  }

  stop(): void {
    this.refresher.stop();
  }

  /** Fetches the page in view again. */
  again(): Promise<void> {
    return this.refresher.now();
  }

  /** Begins with the first page: something else is asked for. */
  restart(): void {
    this.turn([null]);
  }

  /** Shows the same rows in another order, or fewer of them. */
  sort(): void {
    this.options.table.draw(this.ordered(), true);
  }

  /** Says `words`, with the focus at the list when what had it is gone. */
  done(words: string): void {
    this.spoken.textContent = words;
    this.spoken.className = "done";
    void this.again().then(() => {
      if (document.activeElement === document.body || document.activeElement === null)
        this.options.table.focus();
    });
  }

  /** Says what went wrong. */
  fail(words: string): void {
    this.spoken.className = "problem";
    this.spoken.textContent = words;
  }

  private turn(cursors: (string | null)[]): void {
    this.cursors = cursors.length === 0 ? [null] : cursors;
    this.reorder = true;
    void this.again();
  }

  private async refresh(): Promise<void> {
    const asked = this.cursors;
    try {
      const page = await this.options.fetch(asked.at(-1) ?? null);
      // Somebody turned the page meanwhile; that one comes next.
      if (asked !== this.cursors) return;
      this.rows = page.rows;
      this.next = page.next;
      if (this.spoken.className === "problem") this.spoken.textContent = "";
      this.options.table.draw(this.ordered(), this.reorder);
      this.reorder = false;
    } catch (error) {
      this.fail(failure(this.options.context.page, error));
      if (this.rows.length === 0) this.options.table.say("");
    }
    this.drawPager();
  }

  private ordered(): readonly T[] {
    return this.options.order?.(this.rows) ?? this.rows;
  }

  private drawPager(): void {
    const at = this.cursors.length;
    this.pager.hidden = at === 1 && this.next === null;
    this.back.disabled = at === 1;
    this.forward.disabled = this.next === null;
    this.place.textContent = `Page ${at}`;
  }
}

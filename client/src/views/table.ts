/**
 * A table of what changes: a row that stays keeps its elements, and so its focus, menu and selection.
 *
 * On a narrow screen each row is a card, with the headings beside the values.  The roles are said, because
 * what is no longer laid out as a table is none to some screen readers.
 */

import { h } from "../dom.ts";

/** What stands in one cell. */
export interface Cell<T> {
  readonly element: Node;
  /** Puts the row's present state there. */
  draw(row: T): void;
}

export interface Column<T> {
  readonly label: string;
  readonly className?: string;
  /** @param row asks for the row's present state */
  make(row: () => T): Cell<T>;
}

/** A column of words. */
export function textColumn<T>(label: string, words: (row: T) => string, className = ""): Column<T> {
  return {
    label,
    className,
    make: () => {
      const element = document.createTextNode("");
      return {
        element,
        draw: (row) => {
          const said = words(row);
          if (element.data !== said) element.data = said;
        },
      };
    },
  };
}

interface Row<T> {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly Cell<T>[];
  readonly held: { value: T };
}

interface TableOptions<T> {
  /** What the table is called. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly key: (row: T) => string;
  /** Said where there are no rows. */
  readonly empty: string;
}

export class LiveTable<T> {
  readonly element: HTMLElement;
  private readonly body = h("tbody", { attrs: { role: "rowgroup" } });
  private readonly empty: HTMLElement;
  private readonly table: HTMLElement;
  private readonly rows = new Map<string, Row<T>>();

  constructor(private readonly options: TableOptions<T>) {
    const { label, columns } = options;
    const heads = columns.map((column) =>
      h(
        "th",
        { className: column.className ?? "", attrs: { role: "columnheader", scope: "col" } },
        column.label === "" ? h("span", { className: "hidden-text" }, "Actions") : column.label,
      ),
    );
    this.table = h(
      "table",
      { className: "table", hidden: true, attrs: { role: "table", "aria-label": label } },
      h("thead", { attrs: { role: "rowgroup" } }, h("tr", { attrs: { role: "row" } }, ...heads)),
      this.body,
    );
    this.empty = h("p", { className: "empty muted" }, "Loading…");
    this.element = h("div", { className: "table-box", tabIndex: -1 }, this.table, this.empty);
  }

  /**
   * Shows `rows`.
   *
   * @param reorder whether rows may change places under the person's hands: they asked for another order
   */
  draw(rows: readonly T[], reorder = false): void {
    const before = document.activeElement;
    const held = !reorder && this.table.matches(":hover, :focus-within");
    const wanted = new Set(rows.map(this.options.key));
    for (const [key, { element }] of this.rows) {
      if (wanted.has(key)) continue;
      element.remove();
      this.rows.delete(key);
    }
    const elements = rows.map((row) => this.put(row).element);
    if (held) {
      for (const element of elements) if (!element.isConnected) this.body.append(element);
    } else {
      elements.forEach((element, at) => {
        const there = this.body.children[at];
        if (there !== element) this.body.insertBefore(element, there ?? null);
      });
    }
    // A row that moved has lost the focus.
    if (before instanceof HTMLElement && before !== document.activeElement && this.body.contains(before)) {
      before.focus();
    }
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    this.empty.textContent = this.options.empty;
  }

  /** Says `words` in place of rows, until there are some. */
  say(words: string): void {
    this.empty.textContent = words;
  }

  /** Takes the focus, where what had it is gone. */
  focus(): void {
    this.element.focus();
  }

  private put(value: T): Row<T> {
    const key = this.options.key(value);
    const known = this.rows.get(key);
    const row = known ?? this.newRow(value);
    row.held.value = value;
    for (const cell of row.cells) cell.draw(value);
    if (known === undefined) this.rows.set(key, row);
    return row;
  }

  private newRow(value: T): Row<T> {
    const { columns } = this.options;
    const held = { value };
    const cells = columns.map((column) => column.make(() => held.value));
    const element = h(
      "tr",
      { attrs: { role: "row" } },
      ...columns.map(({ label, className = "" }, at) =>
        h("td", { className, attrs: { role: "cell", "data-label": label } }, cells[at]?.element ?? null),
      ),
    );
    return { element, cells, held };
  }
}

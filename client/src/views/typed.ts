/** Who typed which line: the last lines of the window in view, and the one that was asked about. */

import { h } from "../dom.ts";
import type { TypedLine } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { bareText, personName } from "./names.ts";
import type { Panel } from "./sidebar.ts";
import { clockTime } from "./time.ts";

const LINES = 200;

export class TypedPanel implements Panel {
  readonly id = "typed";
  readonly label = "Typed";
  readonly element: HTMLElement;
  private readonly answer = h("p", { className: "typed-answer", hidden: true, attrs: { role: "status" } });
  private readonly list = h("ol", { className: "typed-lines", attrs: { "aria-label": "Lines typed" } });
  private readonly empty = h("p", { className: "muted small" });
  private asked = 0;

  constructor(
    private readonly room: Room,
    private readonly window: () => number,
  ) {
    const again = h(
      "button",
      { type: "button", className: "button small", onclick: () => void this.load() },
      "Refresh",
    );
    this.element = h(
      "div",
      { className: "typed-panel", tabIndex: -1 },
      this.answer,
      this.empty,
      this.list,
      h("div", { className: "typed-actions" }, again),
    );
  }

  shown(): void {
    void this.load();
  }

  left(): void {
    this.answer.hidden = true;
  }

  /** Says who typed the line that `find` picks out of the last ones. */
  async explain(find: (lines: readonly TypedLine[]) => TypedLine | null): Promise<void> {
    const lines = await this.load();
    if (lines === null) return;
    const line = find(lines);
    this.answer.hidden = false;
    if (line === null) {
      this.answer.replaceChildren("Nobody is known to have typed this line.");
      return;
    }
    this.answer.replaceChildren(...this.names(line), ` typed this, ${clockTime(line.time)}.`);
    const item = this.list.querySelector(`[data-offset="${line.offset}"]`);
    item?.classList.add("asked");
    item?.scrollIntoView({ block: "nearest" });
  }

  private async load(): Promise<readonly TypedLine[] | null> {
    const asked = ++this.asked;
    try {
      const lines = await this.room.typedLines(this.window(), LINES);
      if (asked !== this.asked) return null;
      this.empty.hidden = lines.length > 0;
      this.empty.textContent = "No lines have been typed here yet.";
      this.list.replaceChildren(...lines.map((line) => this.item(line)));
      this.element.scrollTop = this.element.scrollHeight;
      return lines;
    } catch (error) {
      this.empty.hidden = false;
      this.empty.textContent = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  private item(line: TypedLine): HTMLElement {
    const item = h(
      "li",
      { className: "typed-line" },
      h(
        "div",
        { className: "chat-head" },
        h("span", {}, ...this.names(line)),
        h("time", { className: "muted small" }, clockTime(line.time)),
      ),
      h("code", { className: "typed-text", attrs: { translate: "no" } }, bareText(line.text)),
      line.lines > 1 && h("span", { className: "muted small" }, `${line.lines} lines at once`),
    );
    item.dataset.offset = String(line.offset);
    return item;
  }

  private names({ who }: TypedLine): (Node | string)[] {
    if (who.length === 0) return ["somebody"];
    return who.flatMap((name, at) => {
      const person = this.room.personOf({ person: "", name });
      const element = personName({ person, name });
      return at === 0 ? [element] : [", ", element];
    });
  }
}

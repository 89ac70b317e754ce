/**
 * Drafts: Python composed beside the terminal and offered to everybody here.  Whoever may type runs it,
 * and it runs once.
 */

import { h, keepChildren } from "../dom.ts";
import type { PythonEditor } from "../editor/editor.ts";
import type { Draft } from "../room/messages.ts";
import type { Room } from "../room/room.ts";
import { bareText, colourOf, personName } from "./names.ts";
import { complain } from "./notices.ts";
import type { Panel } from "./sidebar.ts";

/** Bytes the hub takes in one draft. */
const MOST_BYTES = 64 * 1024;

type Tools = typeof import("../editor/editor.ts");

export interface DraftEvents {
  /** The window in view: where drafts run. */
  window(): number;
  /** So many drafts of others were offered since the panel was last in view. */
  unseen(count: number): void;
}

export class DraftsPanel implements Panel {
  readonly id = "drafts";
  readonly label = "Drafts";
  readonly element: HTMLElement;
  private readonly list = h("ul", { className: "drafts", attrs: { "aria-label": "Offered drafts" } });
  private readonly empty = h("p", { className: "muted small empty-drafts" });
  private readonly place = h("div", { className: "editor-place" }, h("p", { className: "muted small" }, "…"));
  private readonly offerButton = button("Offer", () => void this.offer(), "primary");
  private readonly runButton = button("Run", () => void this.runOwn());
  private readonly composer: HTMLElement;
  private readonly unsubscribe: () => void;
  private readonly seen = new Set<string>();
  /** Drafts that this page asked to run; a second press would only be refused. */
  private readonly running = new Set<string>();
  private tools: Tools | null = null;
  private editor: PythonEditor | null = null;
  private isShown = false;
  private busy = false;

  constructor(
    private readonly room: Room,
    private readonly events: DraftEvents,
  ) {
    this.composer = h(
      "section",
      { className: "composer", attrs: { "aria-label": "New draft" } },
      this.place,
      h(
        "div",
        { className: "composer-actions" },
        h(
          "span",
          { className: "indents" },
          button("⇤", () => this.editor?.indent(false), "", "Indent less"),
          button("⇥", () => this.editor?.indent(true), "", "Indent more"),
        ),
        this.runButton,
        this.offerButton,
      ),
    );
    this.element = h(
      "div",
      { className: "drafts-panel" },
      h("div", { className: "drafts-scroll" }, this.empty, this.list),
      this.composer,
    );
    // In the editor Escape lets Tab leave it; it does not close the sidebar.
    this.place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") event.stopPropagation();
    });
    this.unsubscribe = room.subscribe((topic) => {
      if (topic === "drafts" || topic === "role" || topic === "control") this.draw();
    });
    this.draw();
  }

  shown(): void {
    this.isShown = true;
    this.draw();
    if (this.tools === null) void this.load();
  }

  left(): void {
    this.isShown = false;
  }

  stop(): void {
    this.unsubscribe();
    this.editor?.dispose();
  }

  private async load(): Promise<void> {
    try {
      this.tools = await import("../editor/editor.ts");
    } catch {
      this.place.replaceChildren(
        h("p", { className: "problem" }, "The editor could not be loaded. "),
        button("Try again", () => void this.load()),
      );
      return;
    }
    if (this.editor !== null) return;
    this.editor = new this.tools.PythonEditor({
      label: "Python draft. Escape, then Tab, leaves the editor.",
      hint: "Python to offer to everybody here",
      submit: () => void this.offer(),
      changed: () => this.drawComposer(),
    });
    this.place.replaceChildren(this.editor.element);
    this.draw();
  }

  // -- what the person does ------------------------------------------------------------------------

  private async offer(): Promise<string | null> {
    const text = this.editor?.text.replace(/\s+$/, "") ?? "";
    if (text === "" || this.busy) return null;
    if (new TextEncoder().encode(text).length > MOST_BYTES) {
      complain(new Error("This is too long for a draft: at most 64 KiB."));
      return null;
    }
    this.busy = true;
    this.drawComposer();
    try {
      const draft = await this.room.offer(text);
      if (this.editor !== null) this.editor.text = "";
      return draft;
    } catch (error) {
      // What was written stays in the editor.
      complain(error);
      return null;
    } finally {
      this.busy = false;
      this.drawComposer();
    }
  }

  private async runOwn(): Promise<void> {
    const draft = await this.offer();
    if (draft !== null) await this.run(draft);
  }

  private async run(draft: string): Promise<void> {
    this.running.add(draft);
    this.draw();
    try {
      await this.room.runDraft(draft, this.events.window());
    } catch (error) {
      complain(error);
    } finally {
      this.running.delete(draft);
      this.draw();
    }
  }

  private edit(draft: Draft): void {
    if (this.editor === null) return;
    const before = this.editor.text.trimEnd();
    this.editor.text = before === "" ? draft.text : `${before}\n\n${draft.text}`;
    this.editor.focus();
  }

  // -- drawing -------------------------------------------------------------------------------------

  private draw(): void {
    const { drafts, you, role, mayType, mayWrite } = this.room;
    const state = JSON.stringify([mayWrite, mayType, role, you.person, this.tools !== null]);
    keepChildren(
      this.list,
      drafts,
      (draft) => JSON.stringify([draft.draft, draft.state, this.running.has(draft.draft), state]),
      (draft) => this.item(draft),
    );
    this.empty.hidden = drafts.length > 0;
    this.empty.textContent = mayWrite
      ? "Compose some Python below and offer it: anybody who may type can run it, once."
      : "Drafts that somebody offers to run stand here.";
    this.composer.hidden = !mayWrite;
    this.drawComposer();
    const offered = drafts.filter(({ state, person }) => state === "offered" && person !== you.person);
    if (this.isShown && !document.hidden) for (const { draft } of offered) this.seen.add(draft);
    this.events.unseen(offered.filter(({ draft }) => !this.seen.has(draft)).length);
  }

  private drawComposer(): void {
    const isEmpty = (this.editor?.text.trim() ?? "") === "";
    this.offerButton.disabled = isEmpty || this.busy;
    this.runButton.disabled = isEmpty || this.busy || !this.room.mayType;
    this.runButton.title = this.room.mayType ? "" : "Somebody else has control";
  }

  private item(draft: Draft): HTMLElement {
    const { you, role, mayType, mayWrite } = this.room;
    const isOffered = draft.state === "offered";
    const isMine = draft.person === you.person;
    const code = h("code", { attrs: { translate: "no" } });
    const shown = bareText(draft.text);
    if (this.tools === null) code.textContent = shown;
    else code.append(...this.tools.highlighted(shown));
    const about = h("span", { className: "hidden-text" }, ` the draft of ${bareText(draft.name)}`);
    const run = button("Run", () => void this.run(draft.draft), "primary");
    run.disabled = !mayType || this.running.has(draft.draft);
    run.title = mayType ? "" : "Somebody else has control";
    run.append(about);
    const item = h(
      "li",
      { className: `draft ${draft.state}` },
      h(
        "div",
        { className: "draft-head" },
        personName(draft),
        h("span", { className: "muted small" }, isOffered ? "offers" : `run by ${bareText(draft.by)}`),
      ),
      h("pre", { className: "draft-text", tabIndex: 0 }, code),
      h(
        "div",
        { className: "draft-actions" },
        mayWrite && isOffered && run,
        mayWrite && button("Edit a copy", () => this.edit(draft)),
        isOffered &&
          (isMine || role === "owner") &&
          button("Withdraw", () => void this.room.withdraw(draft.draft).catch(complain)),
      ),
    );
    item.style.setProperty("--person", colourOf(draft.person));
    return item;
  }
}

function button(label: string, click: () => void, kind = "", spoken = ""): HTMLButtonElement {
  const attrs: Record<string, string> = spoken === "" ? {} : { "aria-label": spoken };
  return h(
    "button",
    { type: "button", className: `button small ${kind}`.trim(), title: spoken, onclick: click, attrs },
    label,
  );
}

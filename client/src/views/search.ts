/** Search in the terminal: all history is fetched first, once. */

import type { ISearchOptions } from "@xterm/addon-search";
import { h, iconButton } from "../dom.ts";
import type { TerminalDisplay } from "../terminal/display.ts";
import { isDark } from "./theme.ts";

export interface SearchEvents {
  display(): TerminalDisplay;
  wantHistory(): Promise<boolean>;
  closed(): void;
}

function decorations(): NonNullable<ISearchOptions["decorations"]> {
  return isDark()
    ? {
        matchBackground: "#4a4a1e",
        activeMatchBackground: "#8a6d1f",
        matchOverviewRuler: "#8a6d1f",
        activeMatchColorOverviewRuler: "#f5d998",
      }
    : {
        matchBackground: "#fbe9a6",
        activeMatchBackground: "#f3b73f",
        matchOverviewRuler: "#f3b73f",
        activeMatchColorOverviewRuler: "#85610a",
      };
}

export class SearchBar {
  readonly element: HTMLElement;
  private readonly input = h("input", {
    type: "search",
    placeholder: "Search",
    autocomplete: "off",
    spellcheck: false,
    attrs: { "aria-label": "Search in the terminal" },
  });
  private readonly count = h("output", { className: "search-count", attrs: { "aria-live": "polite" } });
  private readonly caseBox = h("input", { type: "checkbox" });
  private stopResults: () => void = () => {};

  constructor(private readonly events: SearchEvents) {
    this.element = h(
      "div",
      { className: "search", hidden: true, attrs: { role: "search" } },
      this.input,
      this.count,
      h("label", { className: "check", title: "Match case" }, this.caseBox, "Aa"),
      iconButton("up", "Previous match (Shift+Enter)", () => this.find("previous")),
      iconButton("down", "Next match (Enter)", () => this.find("next")),
      iconButton("close", "Close the search (Escape)", () => this.close()),
    );
    this.input.addEventListener("input", () => this.find("typed"));
    this.caseBox.addEventListener("change", () => this.find("typed"));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        this.close();
      } else if (event.key === "Enter" && event.target === this.input) {
        event.preventDefault();
        this.find(event.shiftKey ? "previous" : "next");
      }
    });
  }

  open(): void {
    const display = this.events.display();
    this.stopResults();
    const results = display.search.onDidChangeResults(({ resultIndex, resultCount }) => {
      if (this.input.value === "") this.count.textContent = "";
      else if (resultCount === 0) this.count.textContent = "none";
      else
        this.count.textContent = resultIndex < 0 ? `${resultCount}` : `${resultIndex + 1} of ${resultCount}`;
    });
    this.stopResults = () => results.dispose();
    this.element.hidden = false;
    const selection = display.terminal.getSelection();
    if (selection !== "" && !selection.includes("\n")) this.input.value = selection;
    this.input.focus();
    this.input.select();
    void this.events.wantHistory().then(() => this.find("typed"));
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.stopResults();
    this.events.display().search.clearDecorations();
    this.events.closed();
  }

  private find(how: "typed" | "next" | "previous"): void {
    if (this.element.hidden) return;
    const { search } = this.events.display();
    const options: ISearchOptions = { caseSensitive: this.caseBox.checked, decorations: decorations() };
    if (this.input.value === "") {
      search.clearDecorations();
      this.count.textContent = "";
    } else if (how === "next") {
      search.findNext(this.input.value, options);
    } else {
      // From the bottom upwards: the latest is most often what is looked for.
      search.findPrevious(this.input.value, { ...options, incremental: how === "typed" });
    }
  }
}

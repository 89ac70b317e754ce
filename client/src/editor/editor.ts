/**
 * A small Python editor: CodeMirror 6, loaded when somebody composes a draft.
 *
 * It stands in a shadow root, where CodeMirror writes its rules as constructed style sheets: the policy
 * of the page allows no style elements.  Colours come from the page's own custom properties.
 *
 * Keyboard: Tab indents, so Escape first and then Tab leaves (CodeMirror's own rule).
 */

import {
  defaultKeymap,
  history,
  historyKeymap,
  indentLess,
  indentMore,
  indentWithTab,
} from "@codemirror/commands";
import { python, pythonLanguage } from "@codemirror/lang-python";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { classHighlighter, highlightCode, tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.definition(tags.variableName), tags.className],
    color: "var(--code-name)",
  },
]);

const theme = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    fontSize: "var(--code-size)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.45" },
  ".cm-content": { caretColor: "var(--ink)", paddingBlock: "8px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--surface)", border: "0" },
  ".cm-placeholder": { color: "var(--muted)" },
  ".cm-specialChar": { color: "var(--bad)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent), transparent 70%)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
});

export interface EditorOptions {
  readonly label: string;
  readonly hint: string;
  /** Control Enter (Command on a Mac). */
  readonly submit: () => void;
  readonly changed: () => void;
}

export class PythonEditor {
  /** The host of the shadow root. */
  readonly element = document.createElement("div");
  private readonly view: EditorView;

  constructor(private readonly options: EditorOptions) {
    this.element.className = "code-editor";
    const root = this.element.attachShadow({ mode: "open" });
    this.view = new EditorView({ root, parent: root, state: this.state("") });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  set text(text: string) {
    // Nothing of what was here before can be undone into what is here now.
    this.view.setState(this.state(text));
    this.options.changed();
  }

  focus(): void {
    this.view.focus();
  }

  /** Moves the lines of the selection one step to the right or left. */
  indent(more: boolean): void {
    (more ? indentMore : indentLess)(this.view);
    this.view.focus();
  }

  dispose(): void {
    this.view.destroy();
  }

  private state(doc: string): EditorState {
    const { label, hint, submit, changed } = this.options;
    const run = () => {
      submit();
      return true;
    };
    return EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        EditorState.tabSize.of(4),
        indentUnit.of("    "),
        indentOnInput(),
        bracketMatching(),
        python(),
        syntaxHighlighting(colours),
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of(({ docChanged }) => docChanged && changed()),
        placeholder(hint),
        keymap.of([{ key: "Mod-Enter", run }, ...defaultKeymap, ...historyKeymap, indentWithTab]),
      ],
    });
  }
}

/** `code` as spans with classes for each kind of token; text only, whatever stands in it. */
export function highlighted(code: string): Node[] {
  const nodes: Node[] = [];
  highlightCode(
    code,
    pythonLanguage.parser.parse(code),
    classHighlighter,
    (text, classes) => {
      if (classes === "") {
        nodes.push(document.createTextNode(text));
        return;
      }
      const span = document.createElement("span");
      span.className = classes;
      span.textContent = text;
      nodes.push(span);
    },
    () => nodes.push(document.createTextNode("\n")),
  );
  return nodes;
}

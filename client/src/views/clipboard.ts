/**
 * The clipboard, between the person, the browser and the program.
 *
 * A program may ask to set the clipboard (OSC 52).  Only the server's event does so here, and only
 * after the person allowed it; a program never reads the clipboard.
 */

import { h } from "../dom.ts";
import { change, settings } from "../settings.ts";
import { ask, field } from "./dialog.ts";
import { notice } from "./notices.ts";

const PREVIEW_CHARACTERS = 60;

/** Puts `text` on the clipboard; says so when the browser refuses. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages without TLS have no clipboard of their own, only the old command.
    if (!copyCommand(text))
      notice("The browser did not allow to copy. Select the text and press Ctrl+Insert.");
  }
}

function copyCommand(text: string): boolean {
  let taken = false;
  const copy = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
    taken = true;
  };
  document.addEventListener("copy", copy, { capture: true, once: true });
  document.execCommand("copy");
  document.removeEventListener("copy", copy, { capture: true });
  return taken;
}

/** The clipboard's text; asks the person to paste it into a field where a page may not read it. */
export async function readText(): Promise<string> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    const area = h("textarea", { rows: 6, spellcheck: false, className: "paste-area" });
    const hint = "The browser does not let this page read the clipboard. Paste here; it goes to the program.";
    const answer = await ask({
      title: "Paste",
      content: [field("Text", area, hint)],
      action: "Send",
      answer: () => ({ text: area.value }),
    });
    return answer?.text ?? "";
  }
}

/** A program asks to set the clipboard to `data` (base64). */
export function programCopies(data: string): void {
  const text = decode(data);
  const rule = settings().clipboard;
  if (text === null || text === "" || rule === "refuse") return;
  if (rule === "allow") {
    navigator.clipboard.writeText(text).then(
      () => notice(`The program copied ${characters(text)}.`),
      () => offer(text, []),
    );
    return;
  }
  offer(text, [
    {
      label: "Always",
      run: () => {
        change({ clipboard: "allow" });
        void copyText(text);
      },
    },
    { label: "Never", run: () => change({ clipboard: "refuse" }) },
  ]);
}

function offer(text: string, more: { label: string; run: () => void }[]): void {
  const line = text.replace(/\s+/g, " ");
  const preview = line.length > PREVIEW_CHARACTERS ? `${line.slice(0, PREVIEW_CHARACTERS)}…` : line;
  notice(`The program wants to copy ${characters(text)}: “${preview}”`, [
    { label: "Copy", run: () => void copyText(text) },
    ...more,
  ]);
}

function characters(text: string): string {
  return text.length === 1 ? "1 character" : `${text.length.toLocaleString("en")} characters`;
}

function decode(data: string): string | null {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0)));
  } catch {
    return null;
  }
}

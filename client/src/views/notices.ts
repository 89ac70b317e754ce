/** Short messages in a corner; screen readers hear them. */

import { h, iconButton } from "../dom.ts";

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

const SHOWN_MS = 8000;

let region: HTMLElement | null = null;

/** Says `text`; with actions it stays until one is chosen or it is closed. */
export function notice(text: string, actions: readonly NoticeAction[] = []): () => void {
  region ??= document.body.appendChild(
    h("div", { className: "notices", attrs: { role: "status", "aria-live": "polite" } }),
  );
  const box = h("div", { className: "notice" }, h("p", {}, text));
  const close = () => box.remove();
  box.append(iconButton("close", "Close", close));
  const buttons = actions.map(({ label, run }) => {
    const click = () => {
      close();
      run();
    };
    return h("button", { type: "button", className: "button small", onclick: click }, label);
  });
  if (buttons.length > 0) box.append(h("div", { className: "notice-actions" }, ...buttons));
  region.append(box);
  if (actions.length === 0) setTimeout(close, SHOWN_MS);
  return close;
}

/** Says what went wrong. */
export function complain(error: unknown): void {
  notice(error instanceof Error ? error.message : String(error));
}

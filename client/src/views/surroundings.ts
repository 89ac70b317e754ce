/** What lies outside a console's session and changes how it is drawn: sizes, settings, colours, the network. */

import type { Attachment } from "../attachment.ts";
import { onChange } from "../settings.ts";
import { onThemeChange, terminalTheme } from "./theme.ts";

const RESIZE_PAUSE_MS = 80;

/**
 * Keeps what `attachment` gives in step with its surroundings; returns what ends that.
 *
 * @param area where terminals stand
 * @param seen the page came into view
 */
export function followSurroundings(
  area: HTMLElement,
  attachment: () => Attachment | null,
  seen: () => void,
): () => void {
  let timer = 0;
  const refit = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => attachment()?.fit(), RESIZE_PAUSE_MS);
  };
  const observer = new ResizeObserver(refit);
  observer.observe(area);
  const shown = () => {
    if (document.hidden) return;
    seen();
    attachment()?.retryNow();
  };
  const online = () => attachment()?.retryNow();
  document.addEventListener("visibilitychange", shown);
  addEventListener("online", online);
  const ends = [
    onThemeChange(() =>
      attachment()?.forEachDisplay(({ terminal }) => {
        terminal.options.theme = terminalTheme();
      }),
    ),
    onChange(({ fontSize, screenReader }) => {
      attachment()?.forEachDisplay((display) => {
        display.setFontSize(fontSize);
        display.terminal.options.screenReaderMode = screenReader;
      });
      refit();
    }),
  ];
  return () => {
    clearTimeout(timer);
    observer.disconnect();
    document.removeEventListener("visibilitychange", shown);
    removeEventListener("online", online);
    for (const end of ends) end();
  };
}

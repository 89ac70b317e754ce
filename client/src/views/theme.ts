/** Light and dark: the system's choice unless the person made one. */

import type { ITheme } from "@xterm/xterm";
import { iconButton } from "../dom.ts";
import { change, onChange, settings, type Theme } from "../settings.ts";
import { DARK, LIGHT } from "../terminal/palettes.ts";

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const NAMES: Record<Theme, string> = { system: "as the system", light: "light", dark: "dark" };

export function isDark(): boolean {
  const { theme } = settings();
  return theme === "system" ? systemDark.matches : theme === "dark";
}

export function terminalTheme(): ITheme {
  return isDark() ? DARK : LIGHT;
}

/** Keeps the page in the chosen colours. */
export function applyTheme(): void {
  const apply = () => {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  };
  apply();
  onChange(apply);
  systemDark.addEventListener("change", apply);
}

/** Calls `listener` when the colours change; returns what ends that. */
export function onThemeChange(listener: () => void): () => void {
  const stop = onChange(listener);
  systemDark.addEventListener("change", listener);
  return () => {
    stop();
    systemDark.removeEventListener("change", listener);
  };
}

/** A button that goes through system, light and dark. */
export function themeButton(): HTMLElement {
  const { theme } = settings();
  const face = theme === "system" ? "system" : theme;
  const button = iconButton(face, `Colours: ${NAMES[theme]}. Change.`, () => {
    change({ theme: NEXT[settings().theme] });
    const fresh = themeButton();
    button.replaceWith(fresh);
    fresh.focus();
  });
  return button;
}

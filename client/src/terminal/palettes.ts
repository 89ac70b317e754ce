/**
 * The terminal's colours, dark and light.  The sixteen keep at least 4.5:1 against the background
 * where a program writes text in them.
 */

import type { ITheme } from "@xterm/xterm";

export const DARK: ITheme = {
  background: "#14181b",
  foreground: "#dfe5e3",
  cursor: "#7fd6c2",
  cursorAccent: "#14181b",
  selectionBackground: "#33565a",
  selectionInactiveBackground: "#2c484b",
  overviewRulerBorder: "#00000000",
  scrollbarSliderBackground: "#ffffff26",
  scrollbarSliderHoverBackground: "#ffffff40",
  scrollbarSliderActiveBackground: "#ffffff59",
  black: "#20262a",
  red: "#f07f78",
  green: "#8fce8b",
  yellow: "#e3c178",
  blue: "#7fb2f0",
  magenta: "#d297e0",
  cyan: "#6fcbc6",
  white: "#c9d1cf",
  brightBlack: "#7d8a8c",
  brightRed: "#ff9d96",
  brightGreen: "#aee5a9",
  brightYellow: "#f5d998",
  brightBlue: "#a3cbff",
  brightMagenta: "#e8b5f3",
  brightCyan: "#97e6e0",
  brightWhite: "#f7faf9",
};

export const LIGHT: ITheme = {
  background: "#fcfcfa",
  foreground: "#22292b",
  cursor: "#1f6f69",
  cursorAccent: "#fcfcfa",
  selectionBackground: "#bfe0da",
  selectionInactiveBackground: "#cfe5df",
  overviewRulerBorder: "#00000000",
  scrollbarSliderBackground: "#0000001f",
  scrollbarSliderHoverBackground: "#00000038",
  scrollbarSliderActiveBackground: "#0000004d",
  black: "#22292b",
  red: "#b3322c",
  green: "#2d7432",
  yellow: "#85610a",
  blue: "#2360ad",
  magenta: "#8b3c9c",
  cyan: "#126e6c",
  white: "#6b7577",
  brightBlack: "#667072",
  brightRed: "#c53f37",
  brightGreen: "#2f7d35",
  brightYellow: "#8a6508",
  brightBlue: "#2e6fc4",
  brightMagenta: "#9b46ad",
  brightCyan: "#147976",
  brightWhite: "#3c4547",
};

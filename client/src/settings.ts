/**
 * What a person chose in this browser.  Kept in local storage; without it, for this page only.
 */

export type Theme = "system" | "light" | "dark";
export type ClipboardRule = "ask" | "allow" | "refuse";

/** What the person wants to be notified of. */
export interface NotifySettings {
  readonly bell: boolean;
  readonly activity: boolean;
  /** Seconds without output; 0 for never. */
  readonly silenceSeconds: number;
  /** A command that took so many seconds ended; 0 for never. */
  readonly finishedSeconds: number;
}

export interface Settings {
  readonly theme: Theme;
  readonly fontSize: number;
  readonly bellSound: boolean;
  readonly screenReader: boolean;
  readonly clipboard: ClipboardRule;
  readonly notify: NotifySettings;
}

export const FONT_SIZES = { least: 8, most: 32 } as const;

const DAY_SECONDS = 86_400;
const KEY = "termhub.settings";
const DEFAULTS: Settings = {
  theme: "system",
  fontSize: 14,
  bellSound: false,
  screenReader: false,
  clipboard: "ask",
  notify: { bell: false, activity: false, silenceSeconds: 0, finishedSeconds: 0 },
};

const listeners = new Set<(settings: Settings) => void>();
let current: Settings = load();

export function settings(): Settings {
  return current;
}

/** Changes some settings and tells everybody. */
export function change(changes: Partial<Settings>): void {
  current = checked({ ...current, ...changes });
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Private browsing may refuse; then the choice lasts as long as the page.
  }
  for (const listener of listeners) listener(current);
}

/** Calls `listener` after each change; returns what ends that. */
export function onChange(listener: (settings: Settings) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function load(): Settings {
  try {
    return checked(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>);
  } catch {
    return DEFAULTS;
  }
}

function checked(found: Partial<Settings>): Settings {
  const size = Number(found.fontSize ?? DEFAULTS.fontSize);
  return {
    theme: found.theme === "light" || found.theme === "dark" ? found.theme : "system",
    fontSize: Math.min(FONT_SIZES.most, Math.max(FONT_SIZES.least, Math.round(size) || DEFAULTS.fontSize)),
    bellSound: found.bellSound === true,
    screenReader: found.screenReader === true,
    clipboard: found.clipboard === "allow" || found.clipboard === "refuse" ? found.clipboard : "ask",
    notify: {
      bell: found.notify?.bell === true,
      activity: found.notify?.activity === true,
      silenceSeconds: seconds(found.notify?.silenceSeconds),
      finishedSeconds: seconds(found.notify?.finishedSeconds),
    },
  };
}

/** Whole seconds, at most a day; 0 for anything else. */
function seconds(value: unknown): number {
  const number = Math.round(Number(value));
  return number >= 1 ? Math.min(DAY_SECONDS, number) : 0;
}

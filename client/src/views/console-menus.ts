/** The menus of a console's page. */

import type { Role } from "../room/messages.ts";
import { change, FONT_SIZES, settings } from "../settings.ts";
import { menuButton } from "./menu.ts";

const PROGRAMS: readonly (readonly [string, string])[] = [
  ["python", "Python"],
  ["ipython", "IPython"],
  ["bash", "Shell (bash)"],
];

const POLICIES: readonly (readonly [string, string])[] = [
  ["latest", "Whoever typed last"],
  ["smallest", "The smallest viewer"],
  ["largest", "The largest viewer"],
  ["manual", "Fixed to this page's size"],
];

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const CTRL_SHIFT = IS_MAC ? "⌃⇧" : "Ctrl+Shift+";

/** Opens a new window with a chosen program. */
export function windowMenu(events: { open(program: string): void; done(): void }): HTMLElement {
  const content = () => [
    "New window",
    ...PROGRAMS.map(([program, label]) => ({ label, run: () => events.open(program) })),
  ];
  return menuButton("New window", "plus", content, events.done);
}

/** Shows the terminal's size and lets the person choose whose size it is. */
export function sizeMenu(
  face: HTMLElement,
  events: { policy(): string; setPolicy(policy: string): void; done(): void },
): HTMLElement {
  const content = () => [
    "The terminal has the size of",
    ...POLICIES.map(([policy, label]) => ({
      label,
      checked: events.policy() === policy,
      run: () => events.setPolicy(policy),
    })),
  ];
  return menuButton("Terminal size", face, content, events.done);
}

export interface ConsoleMenuEvents {
  search(): void;
  copy(): void;
  paste(): void;
  selectAll(): void;
  /** Shows who typed the line in question. */
  whoTyped(): void;
  notifications(): void;
  /** Shows how much of its limits the console uses. */
  limits(): void;
  role(): Role;
  rename(): void;
  end(): void;
  fontSize(): number;
  /** A choice was made and did not take the focus elsewhere. */
  done(): void;
}

/** Everything else. */
export function consoleMenu(events: ConsoleMenuEvents): HTMLElement {
  const content = () => {
    const { bellSound, screenReader, theme, clipboard } = settings();
    const size = events.fontSize();
    const role = events.role();
    const themes = [
      ["system", "As the system"],
      ["light", "Light"],
      ["dark", "Dark"],
    ] as const;
    return [
      { label: "Search", hint: `${CTRL_SHIFT}F`, run: events.search },
      { label: "Copy", hint: `${CTRL_SHIFT}C`, run: events.copy },
      ...(role === "observer" ? [] : [{ label: "Paste", hint: `${CTRL_SHIFT}V`, run: events.paste }]),
      { label: "Select all", run: events.selectAll },
      { label: "Who typed this line?", hint: `${CTRL_SHIFT}Y`, run: events.whoTyped },
      "Text",
      { label: "Larger", run: () => change({ fontSize: Math.min(FONT_SIZES.most, size + 1) }) },
      { label: "Smaller", run: () => change({ fontSize: Math.max(FONT_SIZES.least, size - 1) }) },
      "Colours",
      ...themes.map(([value, label]) => ({
        label,
        checked: theme === value,
        run: () => change({ theme: value }),
      })),
      "Choices",
      { label: "Bell sound", checked: bellSound, run: () => change({ bellSound: !bellSound }) },
      {
        label: "Screen reader mode",
        checked: screenReader,
        run: () => change({ screenReader: !screenReader }),
      },
      {
        label: "Programs may copy",
        checked: clipboard === "allow",
        run: () => change({ clipboard: clipboard === "allow" ? "ask" : "allow" }),
      },
      { label: "Notifications…", run: events.notifications },
      { label: "Limits…", run: events.limits },
      ...(role === "owner"
        ? [
            null,
            { label: "Rename…", run: events.rename },
            { label: "End console…", danger: true, run: events.end },
          ]
        : []),
    ];
  };
  return menuButton("Menu", "more", content, events.done);
}

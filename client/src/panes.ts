/** The windows of a console as their tabs show them.  Pure. */

import type { JsonObject } from "./frames.ts";
import type { News } from "./room/watch.ts";
import type { WindowInfo } from "./session-types.ts";

/** A window as its tab shows it. */
export interface Pane {
  readonly window: number;
  readonly argv: readonly string[];
  readonly program: string;
  readonly title: string;
  readonly cols: number;
  readonly rows: number;
  readonly exit: JsonObject | null;
  /** Output came while it was not in view. */
  readonly activity: boolean;
  /** It rang while it was not in view. */
  readonly bell: boolean;
  /** What the person wants to hear of happened there while it was not in view. */
  readonly news: News | null;
}

const QUIET = { activity: false, bell: false, news: null } as const;
const FRESH = { title: "", cols: 80, rows: 24, exit: null, ...QUIET } as const;

export class Panes {
  private readonly byWindow = new Map<number, Pane>();

  /** All, in the order of their numbers. */
  get list(): readonly Pane[] {
    return [...this.byWindow.values()].sort((a, b) => a.window - b.window);
  }

  get(window: number): Pane | undefined {
    return this.byWindow.get(window);
  }

  /** The hub lists these windows; those it does not list are returned, to be removed. */
  welcome(windows: readonly WindowInfo[]): number[] {
    const listed = new Set(windows.map(({ window }) => window));
    const gone = listed.size === 0 ? [] : [...this.byWindow.keys()].filter((window) => !listed.has(window));
    for (const { window, argv, cols, rows, title, exit } of windows) {
      const { activity, bell, news } = this.byWindow.get(window) ?? FRESH;
      const program = programOf(argv);
      this.byWindow.set(window, {
        window,
        argv,
        program,
        cols,
        rows,
        title,
        exit,
        activity,
        bell,
        news,
      });
    }
    return gone;
  }

  /** A program was started in `window`, which may be new. */
  open(window: number, argv: readonly string[]): void {
    const before = this.byWindow.get(window) ?? { ...FRESH, window };
    this.byWindow.set(window, { ...before, argv, program: programOf(argv), exit: null });
  }

  /** Changes what is known of `window`; false when there is no such window. */
  update(window: number, changes: Partial<Pane>): boolean {
    const pane = this.byWindow.get(window);
    if (pane !== undefined) this.byWindow.set(window, { ...pane, ...changes });
    return pane !== undefined;
  }

  /** The person looks at `window`. */
  seen(window: number): void {
    this.update(window, QUIET);
  }

  remove(window: number): void {
    this.byWindow.delete(window);
  }

  /** The window `step` tabs to the right of `window`, round and round. */
  next(window: number, step: number): Pane | undefined {
    const { list } = this;
    const at = list.findIndex((pane) => pane.window === window);
    return list.at((at + step) % list.length);
  }
}

/** The last part of a command's first word. */
function programOf([first = ""]: readonly string[]): string {
  return first.split("/").at(-1) ?? first;
}

/** Scrolling by touch, which xterm.js 6 does not have: a finger moves the view, or turns the program's wheel. */

export interface TouchTarget {
  rows(): number;
  /** Whether a finger scrolls the view, rather than go to the program. */
  scrollsView(): boolean;
  /** Scrolls the view down, or up when `lines` is negative. */
  scroll(lines: number): void;
}

/** Follows fingers on `element`, which holds a terminal. */
export function followTouch(element: HTMLElement, target: TouchTarget): void {
  let lastY: number | null = null;
  let rest = 0;

  function drag(lines: number, touch: Touch): void {
    if (target.scrollsView()) return target.scroll(lines);
    const wheel = element.querySelector(".xterm-screen") ?? element;
    const init = {
      clientX: touch.clientX,
      clientY: touch.clientY,
      deltaMode: 1,
      bubbles: true,
      cancelable: true,
    };
    for (let step = 0; step < Math.abs(lines); step += 1) {
      wheel.dispatchEvent(new WheelEvent("wheel", { ...init, deltaY: Math.sign(lines) }));
    }
  }

  element.addEventListener(
    "touchstart",
    (event) => {
      lastY = event.touches.length === 1 ? (event.touches[0]?.clientY ?? null) : null;
      rest = 0;
    },
    { passive: true },
  );
  element.addEventListener(
    "touchmove",
    (event) => {
      const touch = event.touches[0];
      if (lastY === null || touch === undefined) return;
      event.preventDefault();
      const height = element.querySelector(".xterm-screen")?.clientHeight ?? 0;
      const row = height / target.rows() || 16;
      rest += lastY - touch.clientY;
      lastY = touch.clientY;
      const lines = Math.trunc(rest / row);
      rest -= lines * row;
      if (lines !== 0) drag(lines, touch);
    },
    { passive: false },
  );
}

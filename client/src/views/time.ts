/** Times in words.  Pure. */

const UNITS: readonly (readonly [number, string])[] = [
  [86_400 * 365, "year"],
  [86_400 * 30, "month"],
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
];

/** `seconds` (since the epoch) as seen from `now`: "3 minutes ago". */
export function ago(seconds: number, now: number): string {
  const passed = now - seconds;
  for (const [length, unit] of UNITS) {
    const count = Math.floor(passed / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return passed < 10 ? "just now" : `${Math.floor(passed / 10) * 10} seconds ago`;
}

/** The day of `seconds` (since the epoch): "23 Nov 2026". */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString([], { dateStyle: "medium" });
}

/** The time of day of `seconds` (since the epoch), with the date when that is another day. */
export function clockTime(seconds: number, now = new Date()): string {
  const then = new Date(seconds * 1000);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === now.toDateString()) return time;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

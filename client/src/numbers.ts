/** Amounts in words: bytes, spans of time, shares, counts.  Pure. */

const BYTE_UNITS = ["bytes", "KB", "MB", "GB", "TB", "PB"] as const;

const TIME_UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

const WORDS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** "1,204". */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** "1 console", "2,000 consoles". */
export function counted(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** Three digits at most where that says enough: "0.25", "3.1", "512". */
export function short(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** Bytes; as in the plans, 1 MB is 1024 times 1024 of them: "1.5 GB". */
export function bytes(value: number): string {
  let amount = Math.max(0, value);
  let unit = 0;
  // What would be rounded to 1024 belongs to the next unit.
  while (amount >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  if (unit === 0 && Math.round(amount) === 1) return "1 byte";
  return `${unit === 0 ? count(amount) : short(amount)} ${BYTE_UNITS[unit]}`;
}

/** A span of time in two units at most: "3 h 20 min", "4.2 s". */
export function duration(seconds: number): string {
  if (seconds < 10) return `${short(Math.max(0, Math.round(seconds * 10) / 10))} s`;
  let left = Math.round(seconds);
  // Seconds say nothing beside hours, nor minutes beside days.
  if (left >= 3600) left = Math.round(left / 60) * 60;
  if (left >= 86_400) left = Math.round(left / 3600) * 3600;
  const parts: string[] = [];
  for (const [length, unit] of TIME_UNITS) {
    const whole = Math.floor(left / length);
    left -= whole * length;
    if (whole > 0) parts.push(`${whole} ${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}

/** A round span of time: "30 minutes", "2 hours"; what is not round as {@link duration} says it. */
export function roundDuration(seconds: number): string {
  for (const [length, unit] of WORDS) {
    const whole = seconds / length;
    if (whole >= 1 && Number.isInteger(whole)) return counted(whole, unit);
  }
  return duration(seconds);
}

/** Percent of one core in words: "50 % of a core", "2 cores". */
export function cores(percent: number): string {
  if (percent % 100 !== 0 || percent === 0) return `${count(percent)} % of a core`;
  return counted(percent / 100, "core");
}

/** Kilobits a second: "100 Mbit/s". */
export function kilobits(value: number): string {
  if (value >= 1_000_000) return `${short(value / 1_000_000)} Gbit/s`;
  return value >= 1000 ? `${short(value / 1000)} Mbit/s` : `${count(value)} kbit/s`;
}

/** How full something is, from 0 to 1; 0 where there is no limit. */
export function share(used: number | null, limit: number | null): number {
  if (used === null || limit === null || limit <= 0) return 0;
  return Math.min(1, Math.max(0, used / limit));
}

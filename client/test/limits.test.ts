import { describe, expect, it } from "vitest";
import {
  exitWords,
  type Limit,
  limitMark,
  limitWords,
  memoryWords,
  parseLimit,
  untilWords,
} from "../src/limits.ts";

const now = new Date(2026, 10, 23, 18, 30).getTime() / 1000;
const midnight = new Date(2026, 10, 24).getTime() / 1000;
const event = {
  type: "limit",
  name: "cpu",
  state: "over",
  message: "The CPU time of today is used up",
  until: midnight,
};
const slowed = parseLimit(event) as Limit;
const time = new Date(midnight * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

describe("a limit", () => {
  it("is what the hub says", () => {
    expect(slowed).toEqual({ name: "cpu", state: "over", message: event.message, until: midnight });
  });

  it("is none when the hub says something else", () => {
    for (const wrong of [{ name: 1 }, { message: null }, { state: "terrible" }]) {
      expect(parseLimit({ ...event, ...wrong })).toBeNull();
    }
    for (const until of ["soon", -1, 1e300, Number.NaN, null, {}]) {
      expect(parseLimit({ ...event, until })?.until).toBeNull();
    }
  });

  it("is told with the local time it ends", () => {
    expect(untilWords(midnight, now)).toBe(`until ${time}`);
    expect(untilWords(midnight + 5 * 86_400, now)).toContain("29");
    expect(limitWords(slowed, now)).toBe(`The CPU time of today is used up (until ${time})`);
    expect(limitWords({ ...slowed, until: null }, now)).toBe("The CPU time of today is used up");
  });

  it("is marked while it lasts", () => {
    expect(limitMark(slowed, now)).toBe(`slowed until ${time}`);
    expect(limitMark({ ...slowed, name: "home" }, now)).toBe(`limited until ${time}`);
    expect(limitMark({ ...slowed, state: "near" }, now)).toBeNull();
    expect(limitMark({ ...slowed, until: null }, now)).toBeNull();
    expect(limitMark(slowed, midnight)).toBeNull();
  });
});

describe("the end of a program", () => {
  it("is told apart when memory ran out", () => {
    const exit = { signal: "SIGKILL", out_of_memory: 512 * 1024 * 1024 };
    expect(memoryWords(exit)).toBe("killed: out of memory, limit 512 MB");
    expect(exitWords(exit)).toBe("The program was killed: out of memory, limit 512 MB.");
  });

  it("is told otherwise as it was", () => {
    expect(memoryWords({ signal: "SIGKILL" })).toBeNull();
    expect(exitWords({ signal: "SIGKILL" })).toBe("The program was ended by SIGKILL.");
    expect(exitWords({ code: 3 })).toBe("The program ended with status 3.");
    expect(exitWords({ code: 0 })).toBe("The program ended.");
  });
});

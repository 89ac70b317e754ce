import { describe, expect, it } from "vitest";
import { AccountApi, browserWords } from "../src/account.ts";
import { AdminApi, detailWords, parseAdminConsole, sortConsoles } from "../src/admin.ts";
import { BYTE_STEPS, bars, TIME_STEPS, topOf } from "../src/bars.ts";
import { amountWords, fetchLimits, limitName, limitWords, slowedWords } from "../src/console-limits.ts";
import { bytes, cores, counted, duration, kilobits, roundDuration, share } from "../src/numbers.ts";
import { parsePlan, planWords } from "../src/plans.ts";
import { type Fetch, queryText, Rest } from "../src/rest.ts";
import { dayWords, lastDays, parseUsage, UsageApi } from "../src/usage.ts";
import { FakeAccount } from "./support/fake-account.ts";

/** A server that answers with `body`, and what it was asked. */
function setUp(status: number, body: unknown) {
  const calls: unknown[][] = [];
  const fetch: Fetch = async (path, init) => {
    calls.push([init.method, path, init.body === undefined ? undefined : JSON.parse(String(init.body))]);
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  };
  return { rest: new Rest(fetch), calls };
}

/** The small account that stands behind `npm run mock`. */
function fake(): Rest {
  const account = new FakeAccount();
  return new Rest(async (path, init) => {
    const fields = init.body === undefined ? {} : JSON.parse(String(init.body));
    const [status, body] = account.answer(
      init.method ?? "GET",
      path.replace(/^\/api\/v1|\?.*$/g, ""),
      fields,
    ) ?? [404, {}];
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
}

describe("amounts", () => {
  it("of bytes have one unit and three digits at most", () => {
    const amounts = [0, 1, 900, 1023, 1024, 1536, 2 ** 20 - 1, 512 * 2 ** 20, 1.5 * 2 ** 40, -5];
    expect(amounts.map(bytes)).toEqual([
      "0 bytes",
      "1 byte",
      "900 bytes",
      "1,023 bytes",
      "1 KB",
      "1.5 KB",
      "1 MB",
      "512 MB",
      "1.5 TB",
      "0 bytes",
    ]);
  });

  it("of time have two units at most, and none that says nothing", () => {
    const spans = [0, 0.04, 4.25, 59.6, 65, 3599.7, 3600, 12_345, 86_399, 90_000];
    expect(spans.map(duration)).toEqual([
      "0 s",
      "0 s",
      "4.3 s",
      "1 min",
      "1 min 5 s",
      "1 h",
      "1 h",
      "3 h 26 min",
      "1 d",
      "1 d 1 h",
    ]);
    expect([1, 1800, 7200, 90, 86_400].map(roundDuration)).toEqual([
      "1 second",
      "30 minutes",
      "2 hours",
      "90 seconds",
      "1 day",
    ]);
  });

  it("of the CPU and the network are those people know", () => {
    expect([5, 50, 100, 400].map(cores)).toEqual(["5 % of a core", "50 % of a core", "1 core", "4 cores"]);
    expect([512, 100_000, 2_500_000].map(kilobits)).toEqual(["512 kbit/s", "100 Mbit/s", "2.5 Gbit/s"]);
    expect([counted(1, "console"), counted(2000, "console")]).toEqual(["1 console", "2,000 consoles"]);
  });

  it("stand between nothing and everything of a limit", () => {
    expect([share(5, 10), share(20, 10), share(5, null), share(null, 10), share(5, 0)]).toEqual([
      0.5, 1, 0, 0, 0,
    ]);
  });
});

describe("a plan in words", () => {
  const free = parsePlan({
    name: "free",
    yours: true,
    cpu_seconds_a_day: 1800,
    cpu_percent: 50,
    cpu_slow_percent: 5,
    memory_mb: 512,
    processes: 64,
    file_mb: 256,
    home_mb: 512,
    home_files: 20_000,
    consoles: 2,
    windows: 8,
    idle_seconds: 7200,
    when_idle: "end",
    network: "none",
  });

  it("says each limit and what happens at it", () => {
    expect(Object.fromEntries(planWords(free))).toEqual({
      Consoles: "2 running at a time, with 8 windows each",
      CPU: "30 minutes of CPU time a day, 50 % of a core in each console; beyond it consoles go on at 5 % of a core",
      Memory: "512 MB and 64 processes in each console",
      Home: "512 MB and 20,000 files; one file at most 256 MB",
      Network: "none",
      Time: "a console ends when nobody looks and nothing happens for 2 hours",
    });
  });

  it("says where there is none", () => {
    const large = {
      ...free,
      cpuSecondsADay: 0,
      cpuPercent: 0,
      homeMb: 0,
      homeFiles: 0,
      whenIdle: "keep" as const,
    };
    const words = Object.fromEntries(planWords({ ...large, network: "full", networkKbits: 1000 }));
    expect(words).toMatchObject({
      CPU: "as much as is free in each console, for as long as you like",
      Home: "no limit of its size; one file at most 256 MB",
      Network: "every public address, up to 1 Mbit/s each way",
      Time: "consoles stay until you end them",
    });
  });

  it("is what it must be where the server says nonsense", () => {
    const odd = parsePlan({ network: "everything", when_idle: 7, memory_mb: "512" });
    expect(odd).toMatchObject({ network: "none", whenIdle: "end", memoryMb: 0, isYours: false });
  });
});

describe("one's account", () => {
  it("lists where one is logged in, this browser first", async () => {
    const sessions = [
      { number: 1, created: 1, last_seen: 9, address: "::1", agent: "x", current: false },
      { number: 2, created: 5, address: "::1", agent: "y", current: true },
    ];
    const { rest } = setUp(200, { sessions });
    const found = await new AccountApi(rest).sessions();
    expect(found.map(({ number, isCurrent, lastSeen }) => [number, isCurrent, lastSeen])).toEqual([
      [2, true, 5],
      [1, false, 9],
    ]);
  });

  it("asks for what was chosen, and for nothing that was not", async () => {
    const { rest, calls } = setUp(201, { secret: "secret" });
    const api = new AccountApi(rest);
    expect(await api.createToken({ label: "ci", scopes: ["read"], expiresIn: 60 })).toBe("secret");
    await api.createToken({ label: "", scopes: ["read", "write"], expiresIn: 0 });
    await api.setPassword("", "new");
    await api.setPassword("old", "new");
    await api.endSession(4);
    await api.endOtherSessions();
    await api.deleteAccount("ada", "");
    expect(calls).toEqual([
      ["POST", "/api/v1/tokens", { label: "ci", scopes: ["read"], expires_in: 60 }],
      ["POST", "/api/v1/tokens", { label: "", scopes: ["read", "write"] }],
      ["PUT", "/api/v1/me/password", { new: "new" }],
      ["PUT", "/api/v1/me/password", { old: "old", new: "new" }],
      ["DELETE", "/api/v1/sessions/4", undefined],
      ["DELETE", "/api/v1/sessions", undefined],
      ["DELETE", "/api/v1/me", { name: "ada" }],
    ]);
  });

  it("calls browsers by their names", () => {
    const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
    const agents = [
      chrome,
      `${chrome} Edg/140.0`,
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605 Version/18 Safari/604",
      "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
      "curl/8.0",
      "",
    ];
    expect(agents.map(browserWords)).toEqual([
      "Chrome on Windows",
      "Edge on Windows",
      "Safari on iOS",
      "Firefox on Android",
      "curl/8.0",
      "Unknown browser",
    ]);
  });
});

describe("usage", () => {
  it("has every day of the span, the empty ones too", () => {
    const { days } = parseUsage({
      days: [{ day: "2026-03-01", cpu_seconds: 5 }, { day: "2025-01-01" }, "odd"],
    });
    const span = lastDays(days, 3, new Date("2026-03-02T23:30:00Z"));
    expect(span.map(({ day, cpuSeconds }) => [day, cpuSeconds])).toEqual([
      ["2026-02-28", 0],
      ["2026-03-01", 5],
      ["2026-03-02", 0],
    ]);
    expect(dayWords("2026-03-01")).toMatch(/^(1 Mar|Mar 1)/);
    expect(dayWords("soon")).toBe("soon");
  });

  it("tells what is not known from nothing", async () => {
    const { rest, calls } = setUp(200, { today: { allowance_seconds: null }, home: { bytes: 0 } });
    const { today, home, consoles } = await new UsageApi(rest).usage(90);
    expect(today).toEqual({ cpuSeconds: 0, allowanceSeconds: null, isSlowed: false, resets: 0 });
    expect(home).toEqual({ bytes: 0, files: null, limitBytes: null, limitFiles: null });
    expect(consoles).toEqual({ running: 0, limit: 0 });
    expect(calls).toEqual([["GET", "/api/v1/usage?days=90", undefined]]);
  });
});

describe("a plot", () => {
  it("has a round top in the unit that is told", () => {
    expect(topOf([0, 0], null, TIME_STEPS)).toBe(1);
    expect(topOf([3, 7], null, TIME_STEPS)).toBe(10);
    expect(topOf([0.03], null, BYTE_STEPS)).toBeCloseTo(0.05);
    expect(topOf([100], null, TIME_STEPS)).toBe(120);
    expect(topOf([3 * 2 ** 20], null, BYTE_STEPS)).toBe(5 * 2 ** 20);
  });

  it("shows the limit when the values come near", () => {
    expect(topOf([1], 1800, TIME_STEPS)).toBe(1);
    expect(topOf([600], 1800, TIME_STEPS)).toBe(3000);
    expect(topOf([7200], 1800, TIME_STEPS)).toBe(7200);
  });

  it("has bars that stay in the box, and show that there was something", () => {
    const [none, little, half, over] = bars([0, 0.001, 5, 20], 10);
    expect(none?.height).toBe(0);
    expect(little?.height).toBeGreaterThan(1);
    expect(half).toMatchObject({ y: 50, height: 50 });
    expect(over).toMatchObject({ y: 0, height: 100 });
  });
});

describe("a console's limits", () => {
  it("say what is used, where that is known", () => {
    const words = (used: number | null, limit: number | null, unit: string) =>
      amountWords({ used, limit, unit });
    expect(words(2 ** 20, 2 ** 29, "bytes")).toBe("1 MB of 512 MB");
    expect(words(null, 50, "percent")).toBe("at most 50 % of a core");
    expect(words(5, 50, "percent")).toBe("5 of 50 % of a core");
    expect(words(50, 100, "percent")).toBe("0.5 of 1 core");
    expect(words(61, null, "seconds")).toBe("1 min 1 s, no limit");
    expect(words(5, 64, "processes")).toBe("5 of 64 processes");
    expect(words(1, 2, "count")).toBe("1 of 2");
    expect(words(null, null, "count")).toBe("");
  });

  it("are none, or a share, where they are", () => {
    const limit = {
      name: "cpu",
      used: null,
      limit: null,
      unit: "percent",
      by: "",
      isEnforced: true,
      advice: null,
    };
    expect(limitWords(limit)).toBe("no limit");
    expect(limitWords({ ...limit, name: "network_full" })).toBe("");
    expect(limitWords({ ...limit, name: "cpu_weight", limit: 400, unit: "" })).toBe("400 beside others' 100");
  });

  it("have names for people, also those that come later", () => {
    expect([limitName("home_bytes"), limitName("gpu_seconds")]).toEqual(["Home", "Gpu seconds"]);
  });

  it("come with what holds them", async () => {
    const { limits, isSlowed } = await fetchLimits(fake(), "c-1");
    expect(isSlowed).toBe(true);
    expect(limits.at(-1)).toMatchObject({ name: "home_bytes", isEnforced: false });
    expect(limits[0]).toMatchObject({ isEnforced: true, advice: null });
  });

  it("say why it is slowed", () => {
    expect(slowedWords("tomorrow, 00:00")).toContain("used up, so this console is slowed until tomorrow");
    expect(slowedWords(null)).toContain("suspended");
  });
});

describe("administration", () => {
  it("leaves out of a question what is not asked", () => {
    expect(queryText({ after: undefined, limit: 50, name: "" })).toBe("?limit=50");
    expect(queryText({})).toBe("");
    expect(queryText({ name: "a&b" })).toBe("?name=a%26b");
  });

  it("turns pages by what the server says", async () => {
    const { rest } = setUp(200, { users: [{ name: "ada" }], after: 17 });
    expect(await new AdminApi(rest).users("", null)).toMatchObject({ next: "17", rows: [{ name: "ada" }] });
    const last = new AdminApi(setUp(200, { users: [], after: null }).rest);
    expect(await last.users("", "ada")).toEqual({ next: null, rows: [] });
  });

  it("finds users by how their names begin", async () => {
    const names = ["ada", "anna", "bo", "bob", "bob-2", "bob.3", "bobby", "boc", "c"];
    const ask = async (prefix: string, after: string | null, limit: number) => {
      const rest = new Rest(async (path) => {
        const behind = new URLSearchParams(path.split("?")[1]).get("after") ?? "";
        const found = names.filter((name) => name > behind);
        const users = found.slice(0, limit).map((name) => ({ name }));
        return new Response(
          JSON.stringify({ users, after: found.length > limit ? users.at(-1)?.name : null }),
        );
      });
      const { rows, next } = await new AdminApi(rest).users(prefix, after);
      return [rows.map(({ name }) => name), next];
    };
    expect(await ask("bob", null, 3)).toEqual([["bob", "bob-2", "bob.3"], "bob.3"]);
    expect(await ask("bob", "bob.3", 3)).toEqual([["bobby"], null]);
    expect(await ask("", null, 2)).toEqual([["ada", "anna"], "anna"]);
    expect(await ask("x", null, 3)).toEqual([[], null]);
  });

  it("names users and consoles safely", async () => {
    const { rest, calls } = setUp(204, null);
    const api = new AdminApi(rest);
    await api.changeUser("a/../b", { suspended: true, end_consoles: true });
    await api.removeUser("a?b");
    await api.endConsole("c-1", "");
    await api.endConsole("c-1", "too loud");
    expect(calls).toEqual([
      ["PATCH", "/api/v1/admin/users/a%2F..%2Fb", { suspended: true, end_consoles: true }],
      ["DELETE", "/api/v1/admin/users/a%3Fb", undefined],
      ["POST", "/api/v1/admin/consoles/c-1/end", {}],
      ["POST", "/api/v1/admin/consoles/c-1/end", { reason: "too loud" }],
    ]);
  });

  it("sorts consoles by what they use, the unknown last", () => {
    const consoles = [
      { name: "idle", owner: "b", cpu_percent: 0, memory_bytes: 5, last_activity: 3 },
      { name: "unknown", owner: "a", cpu_percent: null, memory_bytes: null, last_activity: 9 },
      { name: "busy", owner: "a", cpu_percent: 90, memory_bytes: 2, last_activity: 1 },
    ].map(parseAdminConsole);
    const sorted = (order: string) => sortConsoles(consoles, order).map(({ name }) => name);
    expect(sorted("cpu")).toEqual(["busy", "idle", "unknown"]);
    expect(sorted("memory")).toEqual(["idle", "busy", "unknown"]);
    expect(sorted("owner")).toEqual(["busy", "unknown", "idle"]);
    expect(sorted("activity")).toEqual(["unknown", "idle", "busy"]);
    expect(sorted("odd")).toEqual(["unknown", "idle", "busy"]);
  });

  it("puts the details of an entry in a line", () => {
    expect(detailWords({ plan: "plus", consoles_ended: 2, was: { a: 1 } })).toBe(
      'plan plus · consoles ended 2 · was {"a":1}',
    );
    expect(detailWords({})).toBe("");
  });
});

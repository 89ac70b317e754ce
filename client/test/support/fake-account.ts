/** The account of the fake hub's person, what they used, and the hub as an administrator sees it. */

import type { JsonObject } from "../../src/frames.ts";

type Answer = [number, JsonObject];

const DAY = 86_400;
const NONE: Answer = [404, { code: "not_found", detail: "There is nothing at this address." }];

const PLANS: readonly JsonObject[] = [
  {
    name: "free",
    description: "Trying things out: small, without network.",
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
  },
  {
    name: "plus",
    description: "Everyday work: consoles that stay, packages from the operator's list of hosts.",
    cpu_seconds_a_day: 14_400,
    cpu_percent: 100,
    cpu_slow_percent: 10,
    memory_mb: 2048,
    processes: 256,
    file_mb: 2048,
    home_mb: 5120,
    home_files: 200_000,
    consoles: 10,
    windows: 16,
    when_idle: "keep",
    network: "allowlist",
    network_kbits: 100_000,
  },
];

const LIMITS: readonly JsonObject[] = [
  { name: "memory", used: 231e6, limit: 512 * 2 ** 20, unit: "bytes", by: "control group", enforced: true },
  { name: "processes", used: 5, limit: 64, unit: "processes", by: "control group", enforced: true },
  { name: "cpu", used: null, limit: 50, unit: "percent", by: "control group", enforced: true },
  {
    name: "home_bytes",
    used: 120e6,
    limit: 512 * 2 ** 20,
    unit: "bytes",
    by: "looked at now and then",
    enforced: false,
    advice: "start the launcher as root, so that each home is a volume of its own",
  },
];

/** Pseudo-random numbers that are the same each time. */
function noise(seed: number): number {
  const value = Math.sin(seed) * 10_000;
  return value - Math.floor(value);
}

export class FakeAccount {
  private sessions: JsonObject[] = [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "192.0.2.7", 3],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
      "2001:db8::9",
      DAY,
    ],
  ].map(([agent, address, seen], at) => ({
    number: at + 1,
    agent,
    address,
    created: Date.now() / 1000 - 4 * DAY,
    last_seen: Date.now() / 1000 - Number(seen),
    current: at === 0,
  }));
  private tokens: JsonObject[] = [];
  private users: JsonObject[] = ["ada", "bob", "grace", "linus"].map((name, at) => ({
    name,
    number: at + 1,
    plan: at === 0 ? "pro" : "free",
    created: Date.now() / 1000 - at * DAY,
    is_admin: at === 0,
    suspended: null,
    expires: null,
    consoles: at,
    cpu_seconds_today: at * 321,
    home_bytes: at * 40e6,
    last_seen: at === 3 ? null : Date.now() / 1000 - at * 400,
  }));
  private draining = false;
  private last = 0;

  /** Answers a request for `path`; null when it is about something else. */
  answer(method: string, path: string, fields: Record<string, unknown>): Answer | null {
    const [, root = "", item = "", part] = path.split("/");
    if (root === "plans") return [200, { plans: PLANS }];
    if (root === "usage") return [200, usage()];
    if (root === "consoles" && part === "limits")
      return [200, { plan: "free", slowed: true, until: Date.now() / 1000 + 3600, limits: LIMITS }];
    if (root === "sessions") {
      if (method === "DELETE")
        this.sessions = this.sessions.filter(({ number, current }) =>
          item === "" ? current : String(number) !== item,
        );
      return method === "DELETE" ? [204, {}] : [200, { sessions: this.sessions }];
    }
    if (root === "tokens") return this.ofTokens(method, item, fields);
    if (root === "me" && item === "password")
      return fields.old === "secret" ? [204, {}] : [403, { detail: "The current password is another." }];
    if (root === "me" && method === "DELETE") return [204, {}];
    return root === "admin" ? this.ofAdmin(method, item, part, fields) : null;
  }

  private ofTokens(method: string, item: string, fields: Record<string, unknown>): Answer {
    if (method === "GET") return [200, { tokens: this.tokens }];
    if (method === "DELETE") {
      this.tokens = this.tokens.filter(({ number }) => String(number) !== item);
      return [204, {}];
    }
    const created = Date.now() / 1000;
    const expires = typeof fields.expires_in === "number" ? created + fields.expires_in : null;
    const token = { number: ++this.last, ...fields, created, expires, last_used: null };
    this.tokens.push(token);
    return [201, { ...token, secret: "thub_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4" }];
  }

  private ofAdmin(
    method: string,
    item: string,
    name: string | undefined,
    fields: Record<string, unknown>,
  ): Answer {
    if (item === "load") return [200, this.load()];
    if (item === "drain") {
      this.draining = fields.draining === true;
      return [200, { draining: this.draining }];
    }
    if (item === "audit") return [200, { entries: ENTRIES, before: null }];
    if (item === "consoles") return [200, { consoles: CONSOLES, after: null }];
    if (item !== "users") return NONE;
    if (name === undefined && method === "GET") return [200, { users: this.users, after: null }];
    if (name === undefined) return [201, { ...fields, login_link: "http://localhost/#login=let-me-in" }];
    const user = this.users.find((one) => one.name === name);
    if (user === undefined) return NONE;
    if (method === "DELETE") this.users = this.users.filter((one) => one !== user);
    else if (method === "POST") return [200, { url: "http://localhost/#login=let-me-in" }];
    else Object.assign(user, fields, { suspended: fields.suspended === true ? Date.now() / 1000 : null });
    return [200, user];
  }

  private load(): JsonObject {
    const means = LIMITS.map(({ name, by, enforced, advice }) => ({ name, by, enforced, advice }));
    return {
      version: "0",
      started: Date.now() / 1000 - 7 * DAY,
      draining: this.draining,
      cpus: 2,
      load: [0.42, 0.61, 0.5],
      memory_total: 8e9,
      memory_available: 5e9,
      disk_total: 80e9,
      disk_free: 30e9,
      consoles: 3,
      viewers: 2,
      isolation: "bubblewrap, seccomp",
      means,
    };
  }
}

const CONSOLES: readonly JsonObject[] = ["demo", "numbers", "train"].map((name, at) => ({
  id: `c-${at}aaaaaaaaa`,
  name,
  owner: at === 2 ? "grace" : "ada",
  program: "python",
  image: "3.13",
  state: "running",
  created: Date.now() / 1000 - DAY,
  last_activity: Date.now() / 1000 - at * 500,
  viewers: at,
  memory_bytes: 60e6 * (at + 1),
  cpu_seconds: 900 * at,
  cpu_percent: at * 24,
  network_in: at === 0 ? null : 4e6 * at,
  network_out: at === 0 ? null : 1e5,
  slowed: at === 2,
}));

const ENTRIES: readonly JsonObject[] = [
  ["ada", "plan", "bob", { plan: "plus" }],
  ["ada", "suspend", "linus", { consoles_ended: 2 }],
  ["", "start", "", {}],
].map(([actor, action, subject, detail], at) => ({
  number: 30 - at,
  time: Date.now() / 1000 - at * 900,
  actor,
  action,
  subject,
  detail,
  address: actor === "" ? "" : "192.0.2.7",
  hash: "",
}));

function usage(): JsonObject {
  const now = Date.now();
  const days = Array.from({ length: 75 }, (_, back) => ({
    day: new Date(now - back * DAY * 1000).toISOString().slice(0, 10),
    cpu_seconds: back % 7 > 4 ? 0 : 2400 * noise(back + 1) ** 2,
    memory_gib_hours: 3 * noise(back + 2),
    disk_gib_hours: 2.8,
    network_in: back % 3 === 0 ? 90e6 * noise(back) : 0,
    network_out: back % 3 === 0 ? 3e6 * noise(back) : 0,
    console_hours: 12 * noise(back + 5),
  }));
  return {
    plan: "free",
    today: {
      cpu_seconds: 1512,
      allowance_seconds: 1800,
      slowed: false,
      resets: (Math.floor(now / 1000 / DAY) + 1) * DAY,
    },
    home: { bytes: 120e6, files: 1203, limit_bytes: 512 * 2 ** 20, limit_files: 20_000 },
    consoles: { running: 1, limit: 2 },
    days,
  };
}

import { describe, expect, it } from "vitest";
import { Api } from "../src/api.ts";
import {
  ADMIN_PARTS,
  adminPath,
  consolePath,
  loginToken,
  offerCode,
  parseRoute,
  SHARE_PATH,
} from "../src/router.ts";
import { ago } from "../src/views/time.ts";

function setUp(status: number, body: string, headers: Record<string, string> = {}) {
  const calls: { path: string; method?: string; body?: unknown }[] = [];
  const api = new Api(async (path, init) => {
    calls.push({ path, method: init.method ?? "", body: init.body });
    return new Response(status === 204 ? null : body, { status, headers });
  });
  return { api, calls };
}

describe("the link that ssh shows", () => {
  it("carries a code", () => {
    expect(offerCode("#offer=ABCD-EFGH")).toBe("ABCD-EFGH");
    expect(offerCode("#offer=")).toBeNull();
    expect(offerCode("#login=x")).toBeNull();
    expect(offerCode("")).toBeNull();
  });
});

describe("the REST interface", () => {
  it("names consoles safely", async () => {
    const { api, calls } = setUp(200, '{"id":"c-1","name":"a b","state":"running","last_activity":5}');
    const console = await api.console("a/../b?");
    expect(calls[0]?.path).toBe("/api/v1/consoles/a%2F..%2Fb%3F");
    expect(console).toMatchObject({ id: "c-1", name: "a b", lastActivity: 5, reason: null });
  });

  it("lists what lives first, and the latest activity first", async () => {
    const consoles = [
      { name: "old", last_activity: 1 },
      { name: "ended", last_activity: 10, state: "ended" },
      { name: "new", last_activity: 9 },
    ];
    const { api } = setUp(200, JSON.stringify({ consoles }));
    expect((await api.consoles()).map(({ name }) => name)).toEqual(["new", "old", "ended"]);
  });

  it("turns problem details into sentences", async () => {
    const { api } = setUp(409, '{"title":"Conflict","detail":"The name is taken.","code":"name_taken"}');
    await expect(api.create({ name: "x" })).rejects.toMatchObject({
      message: "The name is taken.",
      status: 409,
      code: "name_taken",
    });
  });

  it("says when to try again", async () => {
    const { api } = setUp(429, '{"detail":"Too many attempts."}', { "Retry-After": "7" });
    await expect(api.login("a", "b")).rejects.toMatchObject({ retryAfterSeconds: 7 });
  });

  it("bears a proxy's error page and a server that is gone", async () => {
    const { api } = setUp(502, "<html>Bad Gateway</html>");
    await expect(api.me()).rejects.toMatchObject({ status: 502, message: "The server answered 502." });
    const gone = new Api(() => Promise.reject(new TypeError("fetch failed")));
    await expect(gone.me()).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });

  it("lists, adds and removes keys", async () => {
    const key = { number: 3, label: "laptop", algorithm: "ssh-rsa", fingerprint: "SHA256:x", created: 5 };
    const listed = setUp(200, JSON.stringify({ keys: [{ ...key, last_used: 7 }] }));
    expect(await listed.api.keys()).toEqual([{ ...key, lastUsed: 7 }]);
    const { api, calls } = setUp(201, JSON.stringify({ ...key, last_used: null }));
    expect(await api.addKey("ssh-rsa AAAA", "")).toEqual({ ...key, lastUsed: null });
    await api.addKey("ssh-rsa AAAA", "phone");
    await api.removeKey(3);
    expect(calls.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["POST", "/api/v1/keys", '{"key":"ssh-rsa AAAA"}'],
      ["POST", "/api/v1/keys", '{"key":"ssh-rsa AAAA","label":"phone"}'],
      ["DELETE", "/api/v1/keys/3", undefined],
    ]);
  });

  it("asks for an offered key by its code and accepts it", async () => {
    const offer = { code: "ABCD-EFGH", algorithm: "ssh-ed25519", fingerprint: "SHA256:x", address: "::1" };
    const { api, calls } = setUp(200, JSON.stringify({ ...offer, expires: 9 }));
    expect(await api.keyOffer("abcd/../efgh")).toEqual(offer);
    await api.acceptKeyOffer("ABCD-EFGH", "phone");
    expect(calls.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["GET", "/api/v1/keys/offers/abcd%2F..%2Fefgh", undefined],
      ["POST", "/api/v1/keys/offers/ABCD-EFGH", '{"label":"phone"}'],
    ]);
  });

  it("says how to come by ssh, or that one cannot", async () => {
    const { api } = setUp(200, '{"version":"1","ssh":"ssh -p 2222 console@hub"}');
    expect(await api.server()).toEqual({ ssh: "ssh -p 2222 console@hub", guests: false });
    expect((await setUp(200, '{"version":"1","ssh":null}').api.server()).ssh).toBe("");
  });

  it("needs no body for an answer without one", async () => {
    const { api, calls } = setUp(204, "");
    await api.end("c-1");
    expect(calls[0]).toMatchObject({ method: "DELETE", body: undefined });
  });
});

describe("addresses", () => {
  it("name the list and consoles, and nothing else", () => {
    expect(parseRoute("/")).toEqual({ page: "list" });
    expect(parseRoute("/c/my%20work")).toEqual({ page: "console", name: "my work" });
    expect(parseRoute("/keys")).toEqual({ page: "keys" });
    expect(parseRoute("/c/ada/demo")).toEqual({ page: "console", name: "ada/demo" });
    expect(parseRoute("/c/a/b/c")).toBeNull();
    expect(parseRoute("/c/%ff")).toBeNull();
    expect(parseRoute("/other")).toBeNull();
    expect(parseRoute(consolePath("ä/b?"))).toEqual({ page: "console", name: "ä/b?" });
  });

  it("of the account, the usage and the administration are known, and no others", () => {
    expect(parseRoute("/account")).toEqual({ page: "account" });
    expect(parseRoute("/usage")).toEqual({ page: "usage" });
    expect(parseRoute("/admin")).toEqual({ page: "admin", part: "load" });
    for (const part of ADMIN_PARTS) expect(parseRoute(adminPath(part))).toEqual({ page: "admin", part });
    expect(parseRoute("/admin/load")).toBeNull();
    expect(parseRoute("/admin/users/ada")).toBeNull();
  });

  it("of links have a token, until the page takes it away", () => {
    expect(parseRoute("/s/thsh_abc-_1")).toEqual({ page: "share", token: "thsh_abc-_1" });
    expect(parseRoute(SHARE_PATH)).toEqual({ page: "share", token: "" });
    expect(parseRoute("/s")).toEqual({ page: "share", token: "" });
    expect(parseRoute("/s/a/b")).toBeNull();
  });

  it("may carry a login token in the fragment", () => {
    expect(loginToken("#login=abc-_1")).toBe("abc-_1");
    expect(loginToken("#login=")).toBeNull();
    expect(loginToken("#other")).toBeNull();
  });
});

it("times are told in words", () => {
  const now = 10_000_000;
  const words = [3, 42, 60, 3600 * 2, 86_400, 86_400 * 70].map((passed) => ago(now - passed, now));
  expect(words).toEqual([
    "just now",
    "40 seconds ago",
    "1 minute ago",
    "2 hours ago",
    "1 day ago",
    "2 months ago",
  ]);
});

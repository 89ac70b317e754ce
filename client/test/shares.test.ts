import decodeQR from "qr/decode.js";
import { describe, expect, it } from "vitest";
import { Api } from "../src/api.ts";
import { drawQr } from "../src/qr.ts";
import { parseShares, reachable, reachableBySsh, roleWarning, timeLeft, usesWords } from "../src/shares.ts";
import { isShared, nameFor } from "../src/views/page.ts";

function setUp(status: number, value: unknown) {
  const calls: { path: string; method: string; body: unknown }[] = [];
  const api = new Api(async (path, init) => {
    calls.push({ path, method: init.method ?? "", body: init.body ? JSON.parse(String(init.body)) : null });
    return new Response(status === 204 ? null : JSON.stringify(value), { status });
  });
  return { api, calls };
}

describe("sharing over REST", () => {
  it("makes a link, whose secret comes only now", async () => {
    const { api, calls } = setUp(201, {
      id: "s-1",
      role: "writer",
      created: 5,
      expires: 65,
      uses_left: 1,
      has_passphrase: true,
      url: "https://hub.example.org/s/thsh_x",
      ssh: "ssh thsh_x@hub.example.org",
    });
    const share = await api.share("c-1", { role: "writer", uses: 1, passphrase: "sesame" });
    expect(calls).toEqual([
      {
        path: "/api/v1/consoles/c-1/shares",
        method: "POST",
        body: { role: "writer", uses: 1, passphrase: "sesame" },
      },
    ]);
    expect(share).toMatchObject({ user: null, usesLeft: 1, hasPassphrase: true, role: "writer" });
    expect(share.url).toBe("https://hub.example.org/s/thsh_x");
  });

  it("lists shares and members, and takes them back", async () => {
    const shares = [{ id: "s-1", role: "observer", user: "bob", expires: 9, uses_left: null }];
    const members = [{ member: 3, share: "s-1", name: "bob", role: "observer", is_guest: false, joined: 7 }];
    const { api, calls } = setUp(200, { shares, members });
    expect(await api.shares("c-1")).toMatchObject({
      shares: [{ id: "s-1", user: "bob", usesLeft: null }],
      members: [{ number: 3, share: "s-1", name: "bob", isGuest: false }],
    });
    await api.revoke("c-1", "s-1");
    await api.setRole("c-1", 3, "writer");
    await api.removeMember("c-1", 3);
    expect(calls.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "DELETE /api/v1/consoles/c-1/shares/s-1",
      "PATCH /api/v1/consoles/c-1/members/3",
      "DELETE /api/v1/consoles/c-1/members/3",
    ]);
  });

  it("takes a link without saying what was not given", async () => {
    const { api, calls } = setUp(200, { console: "c-1", owner: "ada", name: "demo", role: "writer" });
    await api.takeShare("thsh_x", "", "");
    await api.takeShare("thsh_x", "Bob", "sesame");
    expect(calls.map(({ body }) => body)).toEqual([
      { token: "thsh_x" },
      { token: "thsh_x", name: "Bob", passphrase: "sesame" },
    ]);
  });

  it("finds a console of somebody else by its owner and name", async () => {
    const consoles = [
      { id: "c-1", name: "demo", owner: "bob", role: "owner" },
      { id: "c-2", name: "demo", owner: "ada", role: "observer" },
    ];
    const { api } = setUp(200, { consoles });
    expect(await api.console("ada/demo")).toMatchObject({ id: "c-2", role: "observer" });
    await expect(api.console("ada/other")).rejects.toMatchObject({ status: 404 });
  });

  it("bears whatever comes", () => {
    expect(parseShares({ shares: null, members: [{}] })).toMatchObject({
      shares: [],
      members: [{ name: "" }],
    });
  });
});

describe("whose a console is", () => {
  const mine = { owner: "ada", name: "demo" };

  it("shows in its name", () => {
    expect(nameFor(mine, { name: "ada", isGuest: false })).toBe("demo");
    expect(nameFor(mine, { name: "bob", isGuest: false })).toBe("ada/demo");
  });

  it("is never a guest's, whatever the guest's name", () => {
    expect(isShared(mine, { name: "ada", isGuest: true })).toBe(true);
  });
});

describe("a share in words", () => {
  it("says how long it lasts", () => {
    expect(timeLeft(1000 + 86_400, 1000)).toBe("1 day");
    expect(timeLeft(1000 + 86_395, 1000)).toBe("1 day");
    expect(timeLeft(1000 + 80_000, 1000)).toBe("22 hours");
    expect(timeLeft(1000 + 3599, 1000)).toBe("1 hour");
    expect(timeLeft(1000 + 125, 1000)).toBe("2 minutes");
    expect(timeLeft(1000, 1000)).toBe("less than a minute");
    expect(timeLeft(0, 1000)).toBe("less than a minute");
  });

  it("says for how many it still is", () => {
    expect([null, 0, 1, 5].map(usesWords)).toEqual([
      "any number of people",
      "used up",
      "one more person",
      "5 more people",
    ]);
  });

  it("warns of what those who type can do with files", () => {
    expect(roleWarning("observer")).toBe("");
    for (const role of ["writer", "owner"] as const)
      expect(roleWarning(role)).toContain("files of your home");
  });
});

describe("a link", () => {
  it("is the server's, unless that is only its machine's name for itself", () => {
    const origin = "https://hub.example.org";
    expect(reachable("http://127.0.0.1:8000/s/thsh_x", origin)).toBe("https://hub.example.org/s/thsh_x");
    expect(reachable("http://[::]:8000/s/thsh_x", origin)).toBe("https://hub.example.org/s/thsh_x");
    expect(reachable("http://localhost:8000/#login=x", origin)).toBe("https://hub.example.org/#login=x");
    expect(reachable("https://other.example.org/s/thsh_x", origin)).toBe(
      "https://other.example.org/s/thsh_x",
    );
    expect(reachable("http://127.0.0.1.example.org/s/x", origin)).toBe("http://127.0.0.1.example.org/s/x");
  });

  it("is so for ssh too", () => {
    expect(reachableBySsh("ssh -p 2222 thsh_x@127.0.0.1", "hub.example.org")).toBe(
      "ssh -p 2222 thsh_x@hub.example.org",
    );
    expect(reachableBySsh("ssh -p 2222 thsh_x@::", "[fd00::1]")).toBe("ssh -p 2222 thsh_x@fd00::1");
    expect(reachableBySsh("ssh thsh_x@hub", "hub.example.org")).toBe("ssh thsh_x@hub");
  });
});

describe("a QR code", () => {
  it.each(["https://hub.example.org/s/thsh_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-", "http://[::1]:8000/s/x"])(
    "of %s holds it, with the light edge that readers want",
    (text) => {
      const { side, path } = drawQr(text);
      const pixels = raster(side, path, 4);
      expect(decodeQR({ width: side * 4, height: side * 4, data: pixels })).toBe(text);
      for (const [, x, y] of path.matchAll(/M(\d+) (\d+)/g)) {
        expect(Math.min(Number(x), Number(y), side - 1 - Number(y))).toBeGreaterThanOrEqual(4);
      }
    },
  );
});

/** The RGBA pixels of a drawing, `scale` for each module. */
function raster(side: number, path: string, scale: number): Uint8Array {
  const width = side * scale;
  const pixels = new Uint8Array(width * width * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row += 1) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column += 1) {
        pixels.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
      }
    }
  }
  return pixels;
}

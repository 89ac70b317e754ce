import { describe, expect, it } from "vitest";
import {
  parseAsk,
  parseControl,
  parseDraft,
  parseDrafts,
  parseLook,
  parseMessage,
  parseMessages,
  parsePeople,
  parseRole,
  parseTyped,
  parseYou,
} from "../src/room/messages.ts";
import { seeded } from "./support/fakes.ts";

describe("what the hub tells about people", () => {
  it("is read: people", () => {
    const alice = { id: "v1", person: "p1", name: "alice", role: "owner", via: "browser", typed: 12.5 };
    const bob = {
      id: "v2",
      person: "p2",
      name: "bob",
      role: "writer",
      via: "terminal",
      is_guest: true,
      member: 3,
    };
    expect(parsePeople([alice, bob])).toEqual([
      { ...alice, role: "owner", isGuest: false, member: null },
      {
        id: "v2",
        person: "p2",
        name: "bob",
        role: "writer",
        via: "terminal",
        isGuest: true,
        member: 3,
        typed: null,
      },
    ]);
  });

  it("is read: who has control, and who waits", () => {
    const waiting = [{ person: "p2", name: "bob" }];
    expect(parseControl({ mode: "one", holder: "p1", name: "alice", waiting })).toEqual({
      mode: "one",
      holder: { person: "p1", name: "alice" },
      waiting,
    });
    expect(parseControl({ mode: "owner", holder: null, name: null, waiting: [] })?.holder).toBeNull();
  });

  it("is read: chat, from the store without a person", () => {
    const stored = { number: 1, time: 5, person: null, name: "alice", text: "hello" };
    expect(parseMessages({ messages: [stored, 7, null], more: true })).toEqual({
      messages: [{ ...stored, person: "" }],
      more: true,
    });
  });

  it("is read: drafts, looks, typed lines, asks", () => {
    expect(parseDraft({ draft: "d1", person: "p", name: "a", text: "x", state: "run", by: "bob" })).toEqual({
      draft: "d1",
      person: "p",
      name: "a",
      text: "x",
      state: "run",
      by: "bob",
    });
    expect(
      parseLook({ id: "v", person: "p", name: "a", window: 2, back: 3, from: [-4, 0], to: [1, 9] }),
    ).toEqual({
      id: "v",
      person: "p",
      name: "a",
      window: 2,
      back: 3,
      from: [-4, 0],
      to: [1, 9],
    });
    expect(
      parseTyped({ lines: [{ offset: 9, time: 1, who: ["alice", 5], text: "x = 1", lines: 2 }] }),
    ).toEqual([{ offset: 9, time: 1, who: ["alice"], text: "x = 1", lines: 2 }]);
    expect(parseAsk({ ask: 4, role: "writer", expires: 60, uses: null })).toEqual({
      ask: "4",
      role: "writer",
      expires: 60,
      uses: null,
    });
  });

  it("gives the least role to a word that is none", () => {
    expect(["owner", "writer", "observer", "root", null, {}].map(parseRole)).toEqual([
      "owner",
      "writer",
      "observer",
      "observer",
      "observer",
      "observer",
    ]);
  });

  it("selects nothing when half of a selection is missing or no cell", () => {
    const look = { id: "v", person: "p", name: "a", window: 0, back: 0 };
    for (const [from, to] of [
      [[0, 0], null],
      [null, [0, 0]],
      [
        [0, -1],
        [0, 2],
      ],
      [
        [0.5, 0],
        [0, 2],
      ],
      [
        [0, 0, 0],
        [0, 2],
      ],
    ]) {
      expect(parseLook({ ...look, from, to })).toMatchObject({ from: null, to: null });
    }
  });

  it("never throws, and has the right types, whatever comes", () => {
    const random = seeded(7);
    const parsers = [parseAsk, parseControl, parseDraft, parseLook, parseMessage, parseYou];
    const lists = [parsePeople, parseDrafts];
    const keys = [
      "id",
      "person",
      "name",
      "role",
      "number",
      "text",
      "draft",
      "waiting",
      "from",
      "to",
      "who",
      "lines",
    ];
    const anything = (depth: number): unknown => {
      const pick = Math.floor(random() * (depth > 0 ? 9 : 6));
      if (pick === 0) return null;
      if (pick === 1) return random() < 0.5;
      if (pick === 2) return (random() - 0.5) * 10 ** Math.floor(random() * 320);
      if (pick === 3) return "x".repeat(Math.floor(random() * 200));
      if (pick === 4) return Number.NaN;
      if (pick === 5) return "__proto__";
      if (pick === 6) return Array.from({ length: Math.floor(random() * 5) }, () => anything(depth - 1));
      return Object.fromEntries(keys.filter(() => random() < 0.6).map((name) => [name, anything(depth - 1)]));
    };
    for (let round = 0; round < 3000; round += 1) {
      const value = anything(3);
      for (const parse of parsers) {
        const parsed = parse(value);
        if (parsed === null) continue;
        if ("name" in parsed) expect(typeof parsed.name).toBe("string");
      }
      for (const parse of lists) expect(Array.isArray(parse(value))).toBe(true);
      const reply = { lines: value, messages: value };
      for (const { who } of parseTyped(reply))
        expect(who.every((name) => typeof name === "string")).toBe(true);
      for (const { text } of parseMessages(reply).messages) expect(typeof text).toBe("string");
    }
  });
});

import { describe, expect, it } from "vitest";
import { CONSOLE, type JsonObject } from "../src/frames.ts";
import { attribution } from "../src/room/attribution.ts";
import { Follow } from "../src/room/follow.ts";
import { Hues } from "../src/room/hues.ts";
import { outline } from "../src/room/outline.ts";
import { Room, type Topic } from "../src/room/room.ts";
import { Throttle } from "../src/room/throttle.ts";
import { visible } from "../src/room/visible.ts";
import { type News, Watch } from "../src/room/watch.ts";
import { FakeClock } from "./support/fakes.ts";

const YOU = { id: "v1", person: "p1", name: "alice", is_guest: false };
const ALICE = { id: "v1", person: "p1", name: "alice", role: "owner", via: "browser" };
const BOB = { id: "v2", person: "p2", name: "bob", role: "writer", via: "terminal" };
const HELLO = { role: "writer", you: YOU, people: [ALICE, BOB], control: { mode: "anyone", holder: null } };

function setUp(hello: JsonObject = {}, replies: Record<string, JsonObject> = {}) {
  const asked: [string, number, JsonObject][] = [];
  const topics: Topic[] = [];
  const room = new Room(async (op, window, fields) => {
    asked.push([op, window, fields]);
    return replies[op] ?? {};
  });
  room.subscribe((topic) => topics.push(topic));
  room.welcome({ ...HELLO, ...hello });
  topics.length = 0;
  return { room, asked, topics };
}

describe("a room", () => {
  it("knows from HELLO who is here and who we are", () => {
    const { room } = setUp();
    expect(room.you).toEqual({ id: "v1", person: "p1", name: "alice", isGuest: false });
    expect(room.people.map(({ name }) => name)).toEqual(["alice", "bob"]);
    expect(room.count).toBe(2);
  });

  it("may be of a hub that says nothing about people", () => {
    const { room } = setUp({ you: undefined, people: undefined, control: undefined, drafts: undefined });
    expect([room.count, room.people, room.control.mode, room.mayType]).toEqual([1, [], "anyone", true]);
  });

  it("counts more viewers than it lists", () => {
    expect(setUp({ console: { viewers: 70 } }).room.count).toBe(70);
    const { room, topics } = setUp();
    expect(room.event({ type: "viewers", count: 200, people: [ALICE] })).toBe(true);
    expect([room.count, room.people.length, topics]).toEqual([200, 1, ["people"]]);
    expect(room.event({ type: "bell" })).toBe(false);
  });

  it.each([
    ["observer", { mode: "anyone" }, false],
    ["writer", { mode: "anyone" }, true],
    ["writer", { mode: "owner" }, false],
    ["owner", { mode: "owner" }, true],
    ["writer", { mode: "one", holder: "p2", name: "bob" }, false],
    ["owner", { mode: "one", holder: "p2", name: "bob" }, false],
    ["writer", { mode: "one", holder: "p1", name: "alice" }, true],
    ["writer", { mode: "one", holder: null }, true],
    ["observer", { mode: "one", holder: null }, false],
  ])("lets an %s with control %j type: %s", (role, control, may) => {
    const { room } = setUp({ role, control });
    expect(room.mayType).toBe(may);
  });

  it("follows roles and control while it is open", () => {
    const { room, topics } = setUp();
    room.event({ type: "role", role: "observer" });
    expect([room.mayWrite, room.mayType]).toEqual([false, false]);
    room.event({ type: "role", role: "owner" });
    room.event({ type: "control", mode: "one", holder: "p1", name: "alice", waiting: [BOB] });
    expect([room.holdsControl, room.control.waiting[0]?.name]).toEqual([true, "bob"]);
    expect(topics).toEqual(["role", "role", "control"]);
  });

  it("asks the hub for what people want", async () => {
    const { room, asked } = setUp({}, { offer: { draft: "d7" } });
    await room.setControl("one");
    await room.askControl();
    await room.giveControl(null);
    expect(await room.offer("x = 1")).toBe("d7");
    await room.runDraft("d7", 3);
    await room.say("hello");
    expect(asked).toEqual([
      ["control", CONSOLE, { mode: "one" }],
      ["control_ask", CONSOLE, {}],
      ["control_give", CONSOLE, { person: null }],
      ["offer", CONSOLE, { text: "x = 1" }],
      ["run_draft", 3, { draft: "d7" }],
      ["say", CONSOLE, { text: "hello" }],
    ]);
  });

  it("keeps drafts until they are withdrawn, and their text when only the state comes", () => {
    const { room } = setUp({ drafts: [{ draft: "d1", person: "p2", name: "bob", text: "one" }] });
    room.event({ type: "draft", draft: "d2", person: "p2", name: "bob", text: "two", state: "offered" });
    room.event({
      type: "draft",
      draft: "d1",
      person: "p2",
      name: "bob",
      text: "",
      state: "run",
      by: "alice",
    });
    expect(room.drafts.map(({ text, state, by }) => `${text} ${state} ${by}`)).toEqual([
      "one run alice",
      "two offered ",
    ]);
    room.event({ type: "draft", draft: "d2", state: "withdrawn" });
    expect(room.drafts.map(({ draft }) => draft)).toEqual(["d1"]);
  });

  it("sorts chat by number, each message once, and asks for what is earlier", async () => {
    const message = (number: number) => ({
      number,
      time: number,
      person: "p2",
      name: "bob",
      text: `m${number}`,
    });
    const latest = { messages: [message(3), message(4)], more: true };
    const { room, asked } = setUp({}, { chat: latest });
    room.event({ type: "chat", ...message(4) });
    await room.latestChat();
    room.event({ type: "chat", ...message(5) });
    expect(room.chat.map(({ text }) => text)).toEqual(["m3", "m4", "m5"]);
    expect(room.hasEarlierChat).toBe(true);
    latest.messages = [message(1), message(2)];
    latest.more = false;
    await room.earlierChat();
    expect(asked.at(-1)).toEqual(["chat", CONSOLE, { before: 3 }]);
    expect(room.chat.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(room.hasEarlierChat).toBe(false);
  });

  it("begins its chat anew when more was said in the meantime than it is told", async () => {
    const message = (number: number) => ({ number, time: 0, person: "p2", name: "bob", text: "" });
    const latest = { messages: [message(1), message(2)], more: false };
    const { room } = setUp({}, { chat: latest });
    await room.latestChat();
    latest.messages = [message(90), message(91)];
    latest.more = true;
    await room.latestChat();
    expect(room.chat.map(({ number }) => number)).toEqual([90, 91]);
    expect(room.hasEarlierChat).toBe(true);
  });

  it("forgets where somebody looked who left, and everybody when the connection is lost", () => {
    const { room } = setUp();
    const look = (id: string) => ({ type: "looks", id, person: "p2", name: "bob", window: 0, back: 4 });
    room.event(look("v2"));
    expect(room.looks).toHaveLength(1);
    room.event({ type: "viewers", count: 1, people: [ALICE] });
    expect(room.looks).toEqual([]);
    room.event(look("v3"));
    room.disconnected();
    expect(room.looks).toEqual([]);
  });

  it("keeps what a program asks until somebody has answered", async () => {
    const { room, asked, topics } = setUp({ role: "owner" });
    const ask = (id: number) => room.event({ type: "asks", ask: id, role: "writer", expires: 60, uses: 1 });
    for (const id of [1, 2, 2, 3]) ask(id);
    expect(room.asks.map(({ ask }) => ask)).toEqual(["1", "2", "3"]);
    expect(topics).toEqual(["asks", "asks", "asks"]);
    room.event({ type: "answered", ask: 2, allow: true });
    room.event({ type: "answered", ask: 9, allow: null });
    expect(room.asks.map(({ ask }) => ask)).toEqual(["1", "3"]);
    await room.answer("1", false);
    expect(asked).toEqual([["answer", CONSOLE, { ask: "1", allow: false }]]);
    expect(room.asks.map(({ ask }) => ask)).toEqual(["3"]);
    expect(topics).toHaveLength(5);
  });

  it("asks nobody who is no owner any more", () => {
    const { room, topics } = setUp({ role: "owner" });
    room.event({ type: "asks", ask: 1, role: "writer", expires: 60, uses: 1 });
    room.event({ type: "role", role: "writer" });
    expect([room.asks, topics]).toEqual([[], ["asks", "role", "asks"]]);
  });

  it("finds the person of a message from the store by name", () => {
    const { room } = setUp();
    const stored = (name: string) => room.personOf({ person: "", name });
    expect([stored("alice"), stored("bob"), stored("carol")]).toEqual(["p1", "p2", "carol"]);
    expect(room.personOf({ person: "p9", name: "bob" })).toBe("p9");
  });

  it("takes no guest for the account of the same name", () => {
    const you = { ...YOU, id: "v3", person: "p3", name: "bob", is_guest: true };
    const guest = { ...BOB, id: "v3", person: "p3", is_guest: true };
    const { room } = setUp({ you, people: [ALICE, BOB, guest] });
    const stored = (name: string) => room.personOf({ person: "", name });
    expect([stored("bob"), stored("bob (guest)")]).toEqual(["p2", "p3"]);
  });
});

describe("following", () => {
  it("goes where the other looks, until the person leaves", () => {
    const { room } = setUp();
    const seen: string[] = [];
    const follow = new Follow(room, { look: (window, back) => seen.push(`${window}-${back}`) });
    const look = (back: number) =>
      room.event({ type: "looks", id: "v2", person: "p2", name: "bob", window: 1, back });
    look(5);
    follow.follow("p2");
    look(7);
    room.event({ type: "viewers", count: 1, people: [ALICE] });
    expect(follow.person).toBeNull();
    look(9);
    expect(seen).toEqual(["1-5", "1-7"]);
  });

  it("ends when the person scrolls, and says so", () => {
    const { room } = setUp();
    const follow = new Follow(room, { look: () => {} });
    const told: (string | null)[] = [];
    follow.subscribe(() => told.push(follow.person));
    follow.follow("p2");
    follow.follow(null);
    follow.follow(null);
    expect(told).toEqual(["p2", null]);
  });
});

describe("an outline", () => {
  it("is what of a selection is in view", () => {
    expect(outline([0, 4], [0, 9], 0, 24, 80)).toEqual([{ row: 0, column: 4, cells: 5 }]);
    expect(outline([-1, 70], [1, 3], 0, 24, 80)).toEqual([
      { row: 0, column: 0, cells: 80 },
      { row: 1, column: 0, cells: 3 },
    ]);
    expect(outline([-1, 70], [1, 3], 2, 24, 80)[0]).toEqual({ row: 1, column: 70, cells: 10 });
    expect(outline([30, 0], [31, 5], 0, 24, 80)).toEqual([]);
  });

  it("has no more rows than the view, however long the selection says it is", () => {
    expect(outline([-(10 ** 15), 0], [10 ** 15, 10 ** 9], 0, 24, 80)).toHaveLength(24);
    expect(outline([5, 3], [2, 1], 0, 24, 80)).toEqual([]);
  });
});

describe("a throttle", () => {
  it("says the first at once, then the latest after each pause, and the last one surely", async () => {
    const clock = new FakeClock();
    const said: number[] = [];
    const throttle = new Throttle<number>(clock, 100, (value) => said.push(value));
    for (const value of [1, 2, 3]) throttle.tell(value);
    expect(said).toEqual([1]);
    await clock.advance(100);
    expect(said).toEqual([1, 3]);
    throttle.tell(4);
    throttle.stop();
    await clock.advance(1000);
    throttle.tell(5);
    expect(said).toEqual([1, 3, 5]);
  });
});

describe("the one who typed a line", () => {
  const typed = (offset: number, who: string, text: string) => ({
    offset,
    time: 0,
    who: [who],
    text,
    lines: 1,
  });
  const entries = [typed(1, "alice", ">>> go()"), typed(2, "bob", ">>> x"), typed(3, "carol", ">>> go()")];

  it("is found by what stands there, the last such line first", () => {
    const screen = [">>> go()", "1", ">>> x", "2", ">>> go()  ", "1", ">>> "];
    expect(attribution(screen, entries)?.who).toEqual(["alice"]);
    expect(attribution(screen.slice(2), entries)?.who).toEqual(["bob"]);
    expect(attribution(screen.slice(4), entries)?.who).toEqual(["carol"]);
  });

  it("is nobody for output, empty lines and lines from before what is known", () => {
    expect(attribution(["1", ">>> "], entries)).toBeNull();
    expect(attribution(["   "], entries)).toBeNull();
    expect(attribution([">>> go()", ">>> go()", ">>> go()"], entries)).toBeNull();
  });
});

describe("a watch", () => {
  function watching(
    wishes: Partial<{ bell: boolean; activity: boolean; silence: number; finished: number }>,
  ) {
    const clock = new FakeClock();
    const told: [News, number, number][] = [];
    const seen = new Set<number>();
    const watch = new Watch({
      clock,
      wishes: () => ({
        bell: wishes.bell ?? false,
        activity: wishes.activity ?? false,
        silenceSeconds: wishes.silence ?? 0,
        finishedSeconds: wishes.finished ?? 0,
      }),
      isSeen: (window) => seen.has(window),
      tell: (...news) => told.push(news),
    });
    return { clock, told, seen, watch };
  }

  it("says nothing that nobody asked for", async () => {
    const { clock, told, watch } = watching({});
    watch.bell(0);
    watch.output(0);
    watch.finished(0, 99);
    await clock.advance(100_000);
    expect(told).toEqual([]);
  });

  it("tells of output once until the window is looked at", () => {
    const { told, watch } = watching({ activity: true });
    watch.output(1);
    watch.output(1);
    watch.seen(1);
    watch.output(1);
    expect(told.map(([news]) => news)).toEqual(["activity", "activity"]);
  });

  it("tells of silence that follows output, once", async () => {
    const { clock, told, watch } = watching({ silence: 10 });
    watch.output(2);
    await clock.advance(9000);
    watch.output(2);
    await clock.advance(9999);
    expect(told).toEqual([]);
    await clock.advance(60_000);
    expect(told).toEqual([["silence", 2, 10]]);
  });

  it("tells of long commands, and of nothing in a window that is seen", () => {
    const { told, seen, watch } = watching({ finished: 5, bell: true });
    watch.finished(0, 4.9);
    watch.finished(0, 5);
    seen.add(0);
    watch.finished(0, 50);
    watch.bell(0);
    watch.bell(1);
    expect(told).toEqual([
      ["finished", 0, 5],
      ["bell", 1, 0],
    ]);
  });
});

describe("words of others", () => {
  it("show what would be invisible, and keep lines, tabs and joined emoji", () => {
    expect(visible("a\x1b[31m\x07b\u202ecod\u200b\x9b\x7f")).toBe(
      "a\u241b[31m\u2407b\u27e8202E\u27e9cod\u27e8200B\u27e9\u27e8009B\u27e9\u2421",
    );
    expect(visible("a\r\nb\tc \u{1f468}\u200d\u{1f469}")).toBe("a\nb\tc \u{1f468}\u200d\u{1f469}");
  });

  it("have a colour that is theirs, and of few people nobody else's", () => {
    const hues = new Hues();
    const people = Array.from({ length: 12 }, (_, at) => `person-${at}`);
    const first = people.map((person) => hues.of(person));
    expect(new Set(first).size).toBe(12);
    expect(hues.of("one more")).toBeLessThan(360);
    expect(people.map((person) => hues.of(person))).toEqual(first);
    expect(new Hues().of("person-0")).toBe(first[0]);
  });
});

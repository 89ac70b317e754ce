import { describe, expect, it } from "vitest";
import {
  ACK,
  accepted,
  CONSOLE,
  EVENT,
  encodeJson,
  HELLO,
  INPUT,
  keyframes,
  output,
  parseAck,
  parseInput,
  parseResize,
  REPLY,
  REQUEST,
  RESIZE,
  resize,
} from "../src/frames.ts";
import { RequestError } from "../src/requests.ts";
import { backOff, Session } from "../src/session.ts";
import type { Diagnosis } from "../src/session-types.ts";
import { bytes, FakeClock, FakeDisplay, FakeSocket, Recorder, settle } from "./support/fakes.ts";

const VIEWER = 0xffn;

function setUp(diagnosis: Diagnosis = "retry") {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const recorder = new Recorder();
  const display = new FakeDisplay();
  const session = new Session({
    clock,
    viewer: VIEWER,
    events: recorder,
    connect: (events) => {
      const socket = new FakeSocket(events);
      sockets.push(socket);
      return socket;
    },
    diagnose: () => Promise.resolve(diagnosis),
  });
  session.show(0, display);
  session.resizeArea(0, 100, 30);
  session.start();
  const socket = () => {
    const last = sockets.at(-1);
    if (last === undefined) throw new Error("no socket");
    return last;
  };
  const typed = () =>
    socket()
      .sent.filter(({ type }) => type === INPUT)
      .map(({ payload }) => parseInput(payload))
      .map(({ sequence, data }) => `${sequence}:${new TextDecoder().decode(data)}`);
  const screen = (offset: number, text: string) =>
    socket().receive(...keyframes(0, offset, 80, 24, bytes(text)));
  /** Answers the latest request of `op`. */
  const answer = (op: string, fields = {}) => {
    const request = socket()
      .json(REQUEST)
      .findLast((one) => one.op === op);
    socket().receive(encodeJson(REPLY, CONSOLE, { id: request?.id, ok: true, ...fields }));
    return request;
  };
  return { clock, sockets, recorder, display, session, socket, typed, screen, answer };
}

describe("hello", () => {
  it("says who we are, how large, and which windows from which offset", () => {
    const { socket, recorder } = setUp();
    socket().welcome();
    expect(socket().json(HELLO)).toEqual([
      { version: 1, viewer: "00000000000000ff", cols: 100, rows: 30, via: "browser", windows: { 0: null } },
    ]);
    expect(recorder.stateNames).toBe("connecting attached");
  });

  it("of another version ends it, after some tries, with a reason", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      socket().welcome({ version: 9 });
      await clock.advance(9000);
    }
    expect(recorder.states.at(-1)).toMatchObject({ name: "closed", cause: "protocol" });
    await clock.advance(60_000);
    expect(sockets).toHaveLength(3);
  });

  it("that does not come is not waited for longer than ten seconds", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    socket().events.opened();
    await clock.advance(10_000);
    expect(recorder.stateNames).toBe("connecting waiting");
    await clock.advance(300);
    expect(sockets).toHaveLength(2);
  });
});

describe("a lost connection", () => {
  it("is made anew from the offset the terminal has; nothing is lost or doubled", async () => {
    const { clock, sockets, socket, display, screen, recorder } = setUp();
    socket().welcome();
    screen(1000, "");
    socket().receive(output(0, 1000, bytes("abc")));
    socket().events.closed(1006, "");
    await clock.advance(250);
    expect(sockets).toHaveLength(2);
    socket().welcome();
    expect(socket().json(HELLO)[0]?.windows).toEqual({ 0: 1003 });
    socket().receive(output(0, 1001, bytes("bcdef")));
    expect(display.written).toBe("\x18\x1bcabcdef");
    expect(recorder.stateNames).toBe("connecting attached waiting connecting attached");
  });

  it("sends again what was not accepted, under the same number", async () => {
    const { clock, socket, session, typed } = setUp();
    socket().welcome();
    session.type(0, bytes("abcdef"));
    socket().receive(accepted(0, 1n, 4));
    socket().events.closed(1012, "");
    session.type(0, bytes("gh"));
    await clock.advance(250);
    socket().welcome();
    expect(typed()).toEqual(["4:efgh"]);
    const [input] = socket().sent.filter(({ type }) => type === INPUT);
    expect(input && parseInput(input.payload).viewer).toBe(VIEWER);
  });

  it("is tried again with growing pauses", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      socket().events.closed(1006, "");
      await settle();
      const state = recorder.states.at(-1);
      if (state?.name !== "waiting") throw new Error(`${state?.name}`);
      pauses.push(state.until - clock.now());
      await clock.advance(state.until - clock.now());
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000]);
    expect(sockets).toHaveLength(8);
    expect(backOff(1, 0)).toBe(125);
  });

  it("is tried at once when the person asks", async () => {
    const { clock, sockets, socket, session } = setUp();
    socket().welcome();
    socket().events.closed(1006, "");
    session.retryNow();
    expect(sockets).toHaveLength(2);
    await clock.advance(5000);
    expect(sockets).toHaveLength(2);
  });

  it("is noticed when the server falls silent", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    socket().welcome();
    await clock.advance(13_000);
    expect(recorder.states.at(-1)?.name).toBe("waiting");
    expect(sockets[0]?.closedWith).toBe(3000);
    await clock.advance(250);
    expect(sockets).toHaveLength(2);
  });

  it("fails the requests that wait for an answer", async () => {
    const { socket, session } = setUp();
    socket().welcome();
    const request = session.request("open", CONSOLE);
    socket().events.closed(1006, "");
    await expect(request).rejects.toMatchObject({ code: "not_connected" });
    await expect(session.request("open", CONSOLE)).rejects.toBeInstanceOf(RequestError);
  });

  it("ignores what an old socket still says", async () => {
    const { clock, sockets, socket, display, screen } = setUp();
    socket().welcome();
    screen(0, "");
    socket().events.closed(1006, "");
    await clock.advance(250);
    socket().welcome();
    sockets[0]?.receive(output(0, 0, bytes("ghost")));
    sockets[0]?.events.closed(1006, "");
    expect(display.written).not.toContain("ghost");
    await clock.advance(1000);
    expect(sockets).toHaveLength(2);
  });
});

describe("an end", () => {
  it.each([
    [1008, "not_allowed"],
    [4004, "no_such_console"],
    [1000, "detached"],
  ])("by code %i is final", async (code, cause) => {
    const { clock, sockets, socket, recorder } = setUp();
    socket().welcome();
    socket().events.closed(code, "because");
    await clock.advance(60_000);
    expect(recorder.states.at(-1)).toEqual({ name: "closed", cause, reason: "because" });
    expect(sockets).toHaveLength(1);
  });

  it("of the share that let this page in is final and says so", () => {
    const { socket, recorder } = setUp();
    socket().welcome();
    socket().events.closed(4003, "");
    expect(recorder.states.at(-1)).toMatchObject({ name: "closed", cause: "not_shared" });
  });

  it("by another viewer, who wants to be the only one, is final and says so", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    socket().welcome();
    socket().events.closed(4001, "detached by another viewer");
    await clock.advance(60_000);
    const reason = "Detached by another viewer.";
    expect(recorder.states.at(-1)).toEqual({ name: "closed", cause: "detached_by_other", reason });
    expect(sockets).toHaveLength(1);
  });

  it("is found out over HTTP when no socket can be opened", async () => {
    const { socket, recorder } = setUp("not_logged_in");
    socket().events.closed(1006, "");
    await settle();
    expect(recorder.states.at(-1)).toMatchObject({ name: "closed", cause: "not_logged_in" });
  });

  it("of ours closes the socket and no more is sent", async () => {
    const { clock, sockets, socket, session } = setUp();
    socket().welcome();
    session.stop();
    const sent = socket().sent.length;
    session.type(0, bytes("x"));
    await clock.advance(60_000);
    expect(socket().closedWith).toBe(1000);
    expect(socket().sent).toHaveLength(sent);
    expect(sockets).toHaveLength(1);
  });
});

describe("frames", () => {
  it("of output are acknowledged", () => {
    const { socket, screen } = setUp();
    socket().welcome();
    screen(10, "");
    socket().receive(output(0, 10, bytes("abc")));
    const acks = socket().sent.filter(({ type }) => type === ACK);
    expect(acks.map(({ payload }) => parseAck(payload))).toEqual([10, 13]);
  });

  it("of events, sizes and unknown windows are passed on or ignored", () => {
    const { socket, recorder } = setUp();
    socket().welcome();
    socket().receive(encodeJson(EVENT, 0, { type: "bell" }), resize(0, 90, 20), output(7, 0, bytes("x")));
    expect(recorder.events).toEqual([{ window: 0, type: "bell" }]);
    expect(recorder.sizes).toEqual(["0: 90x20"]);
  });

  it("that are none end the connection, and it is made anew", async () => {
    const { clock, sockets, socket, recorder } = setUp();
    socket().welcome();
    socket().receive(bytes("HTTP/1.1 500 oh no"));
    expect(socket().closedWith).toBe(1002);
    expect(recorder.states.at(-1)?.name).toBe("waiting");
    await clock.advance(300);
    expect(sockets).toHaveLength(2);
  });

  it("of a size that no terminal has are refused", () => {
    const { socket } = setUp();
    socket().welcome();
    socket().receive(resize(0, 0, 0));
    expect(socket().closedWith).toBe(1002);
  });
});

describe("input", () => {
  it("typed before the connection stands is kept and sent", () => {
    const { socket, session, typed } = setUp();
    session.type(0, bytes("early"));
    socket().welcome();
    expect(typed()).toEqual(["0:early"]);
  });

  it("goes back when the console refused a hole", () => {
    const { socket, session, typed } = setUp();
    socket().welcome();
    session.type(0, bytes("abc"));
    session.type(0, bytes("def"));
    socket().receive(accepted(0, 1n, 3), accepted(0, 1n, 3));
    expect(typed()).toEqual(["0:abc", "3:def", "3:def"]);
    expect(session.unacceptedBytes(0)).toBe(3);
  });

  it("of an observer is not sent: it would end the connection", () => {
    const { socket, session, typed } = setUp();
    session.type(0, bytes("x"));
    socket().welcome({ role: "observer" });
    expect(typed()).toEqual([]);
  });

  it("that somebody else's control refuses is dropped; what is typed later is written once", () => {
    const { socket, session, typed } = setUp();
    socket().welcome();
    session.type(0, bytes("ab"));
    session.type(0, bytes("cd"));
    socket().receive(encodeJson(EVENT, 0, { type: "refused", sequence: 2, refusal: 7 }));
    socket().receive(accepted(0, 1n, 2));
    expect(session.unacceptedBytes(0)).toBe(0);
    session.type(0, bytes("later"));
    expect(typed()).toEqual(["0:ab", "2:cd", "2:", "2:later"]);
  });

  it("that was refused is not dropped again when the hub, after a reconnect, says so again", async () => {
    const { clock, socket, session, typed } = setUp();
    socket().welcome();
    session.type(0, bytes("no"));
    const refused = encodeJson(EVENT, 0, { type: "refused", sequence: 0, refusal: 3 });
    socket().receive(refused);
    session.type(0, bytes("yes"));
    socket().events.closed(1006, "");
    await clock.advance(250);
    socket().welcome();
    socket().receive(refused);
    expect(typed()).toEqual(["0:yes", "0:", "0:yes"]);
    expect(session.unacceptedBytes(0)).toBe(3);
  });

  it("ends when the page is made an observer, and goes on when it is a writer again", () => {
    const { socket, session, typed, recorder } = setUp();
    socket().welcome();
    session.type(0, bytes("ab"));
    socket().receive(accepted(0, 1n, 2), encodeJson(EVENT, CONSOLE, { type: "role", role: "observer" }));
    session.type(0, bytes("no"));
    expect(typed()).toEqual(["0:ab"]);
    expect(recorder.events).toContainEqual({ window: CONSOLE, type: "role", role: "observer" });
    socket().receive(encodeJson(EVENT, CONSOLE, { type: "role", role: "writer" }));
    session.type(0, bytes("cd"));
    expect(typed()).toEqual(["0:ab", "2:cd"]);
  });

  it("of which an observer cannot know whether it was written is forgotten, numbers and all", async () => {
    const { clock, sockets, socket, session, typed } = setUp();
    socket().welcome();
    session.type(0, bytes("perhaps"));
    socket().events.closed(1006, "");
    await clock.advance(250);
    socket().welcome({ role: "observer" });
    expect(sockets).toHaveLength(3);
    socket().welcome({ role: "observer" });
    expect(socket().json(HELLO)[0]?.viewer).toBe("0000000000000100");
    socket().receive(encodeJson(EVENT, CONSOLE, { type: "role", role: "writer" }));
    session.type(0, bytes("now"));
    expect(typed()).toEqual(["0:now"]);
    expect(session.unacceptedBytes(0)).toBe(3);
  });

  it("of five megabytes goes through a window of 64 KiB, whole and once", () => {
    const { socket, session } = setUp();
    socket().welcome();
    const paste = new Uint8Array(5 * 1024 * 1024).map((_, at) => at % 251);
    expect(session.type(0, paste)).toBe(true);
    let next = 0;
    while (session.unacceptedBytes(0) > 0) {
      const sent = socket().sent.splice(0);
      for (const { type, payload } of sent) {
        if (type !== INPUT) continue;
        const { sequence, data } = parseInput(payload);
        expect(sequence).toBe(next);
        expect(Buffer.compare(data, paste.subarray(next, next + data.length))).toBe(0);
        next += data.length;
      }
      expect(sent.length).toBeLessThan(10);
      socket().receive(accepted(0, 1n, next));
    }
    expect(next).toBe(paste.length);
  });
});

describe("requests", () => {
  it("resolve with the reply of the same id, whatever the order", async () => {
    const { socket, session } = setUp();
    socket().welcome();
    const first = session.request("open", CONSOLE, { program: "bash" });
    const second = session.request("close", 3);
    const [open, close] = socket()
      .json(REQUEST)
      .filter(({ op }) => op !== "ping");
    expect(open).toEqual({ id: open?.id, op: "open", program: "bash" });
    expect(close).toEqual({ id: close?.id, op: "close", window: 3 });
    socket().receive(encodeJson(REPLY, CONSOLE, { id: close?.id, ok: true }));
    socket().receive(encodeJson(REPLY, CONSOLE, { id: open?.id, ok: true, window: 4 }));
    await expect(first).resolves.toMatchObject({ window: 4 });
    await expect(second).resolves.toMatchObject({ ok: true });
  });

  it("that are refused say why", async () => {
    const { socket, session } = setUp();
    socket().welcome();
    const request = session.request("open", CONSOLE);
    const id = socket().json(REQUEST).at(-1)?.id;
    socket().receive(
      encodeJson(REPLY, CONSOLE, { id, ok: false, code: "bad_program", error: "No such program." }),
    );
    await expect(request).rejects.toMatchObject({ code: "bad_program", message: "No such program." });
  });

  it("that nobody answers end after a while", async () => {
    const { clock, socket, session, answer } = setUp();
    socket().welcome();
    const request = session.request("open", CONSOLE);
    const failed = expect(request).rejects.toMatchObject({ code: "timeout" });
    for (let second = 0; second < 21; second += 1) {
      answer("ping");
      await clock.advance(1000);
    }
    await failed;
  });

  it("for history mark the keyframe that follows, and only that", async () => {
    const { socket, session, recorder, screen, answer } = setUp();
    socket().welcome();
    screen(5, "");
    const history = session.requestHistory(0);
    screen(6, "resized meanwhile");
    expect(answer("keyframe", { offset: 7 })).toMatchObject({ window: 0, scrollback: null });
    screen(7, "all of it");
    await history;
    expect(recorder.drawings).toEqual(["0@5", "0@6", "0@7 with history"]);
  });
});

describe("the latency", () => {
  it("is the time a ping takes", async () => {
    const { clock, socket, recorder, answer } = setUp();
    socket().welcome();
    await clock.advance(12);
    answer("ping");
    await settle();
    expect(recorder.latencies).toEqual([12]);
  });
});

describe("windows", () => {
  it("out of view are not subscribed to, and go on from their offset", () => {
    const { socket, session, screen } = setUp();
    socket().welcome();
    screen(10, "");
    session.hide(0);
    session.show(1, new FakeDisplay());
    session.show(0, new FakeDisplay());
    const requests = socket()
      .json(REQUEST)
      .filter(({ op }) => op !== "ping")
      .map(({ op, window, since }) => ({ op, window, since }));
    expect(requests).toEqual([
      { op: "unsubscribe", window: 0, since: undefined },
      { op: "subscribe", window: 1, since: null },
      { op: "subscribe", window: 0, since: 10 },
    ]);
  });

  it("tell the hub how large they may be", () => {
    const { socket, session } = setUp();
    socket().welcome();
    session.resizeArea(0, 132, 43);
    const sizes = socket().sent.filter(({ type }) => type === RESIZE);
    expect(sizes.map(({ payload }) => parseResize(payload))).toEqual([{ cols: 132, rows: 43 }]);
  });

  it("whose terminal stopped working get another, drawn by a keyframe", async () => {
    const { clock, socket, session, recorder, answer } = setUp();
    const dead = new FakeDisplay(false);
    session.show(1, dead);
    socket().welcome();
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        answer("ping");
        await clock.advance(1000);
      }
    };
    await pass(15);
    expect(recorder.stuckWindows).toEqual([]);
    socket().receive(...keyframes(1, 0, 80, 24, bytes("first")));
    await pass(15);
    expect(recorder.stuckWindows).toEqual([1]);
    const fresh = new FakeDisplay();
    session.replace(1, fresh);
    expect(socket().json(REQUEST).at(-1)).toMatchObject({ op: "keyframe", window: 1, scrollback: 0 });
    socket().receive(...keyframes(1, 5, 80, 24, bytes("again")));
    await pass(15);
    expect(fresh.written).toBe("\x18\x1bcagain");
    expect(recorder.stuckWindows).toEqual([1]);
  });

  it("that stay out of date are mended by a keyframe we ask for", async () => {
    const { clock, socket, screen, answer } = setUp();
    socket().welcome();
    screen(0, "");
    socket().receive(output(0, 500, bytes("far ahead")));
    for (let second = 0; second < 5; second += 1) {
      answer("ping");
      await clock.advance(1000);
    }
    const asked = socket()
      .json(REQUEST)
      .filter(({ op }) => op === "keyframe");
    expect(asked).toEqual([{ id: asked[0]?.id, op: "keyframe", window: 0, scrollback: 0 }]);
  });
});

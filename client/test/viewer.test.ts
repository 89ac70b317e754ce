import { describe, expect, it } from "vitest";
import { Decoder, type Frame, keyframes, MAX_PAYLOAD, output } from "../src/frames.ts";
import { BACKLOG_BYTES, type DrawnKeyframe, QUEUE_BYTES, SLICE_BYTES, Viewer } from "../src/viewer.ts";
import { bytes, FakeDisplay } from "./support/fakes.ts";

const RESET = "\x18\x1bc";

function setUp(immediate = true) {
  const display = new FakeDisplay(immediate);
  const acks: number[] = [];
  const drawn: DrawnKeyframe[] = [];
  const lost = { count: 0 };
  const viewer = new Viewer(display, {
    ack: (offset) => acks.push(offset),
    lost: () => {
      lost.count += 1;
    },
    drawn: (keyframe) => drawn.push(keyframe),
  });
  const only = (data: Uint8Array): Frame => {
    const [frame] = new Decoder().feed(data);
    if (frame === undefined) throw new Error("no frame");
    return frame;
  };
  return {
    display,
    acks,
    drawn,
    lost,
    viewer,
    output: (offset: number, text: string) => viewer.output(only(output(0, offset, bytes(text)))),
    keyframe: (offset: number, text: string, cols = 80, rows = 24) => {
      for (const part of keyframes(0, offset, cols, rows, bytes(text))) viewer.keyframe(only(part));
    },
  };
}

describe("output", () => {
  it("follows a keyframe", () => {
    const { viewer, display, acks, output, keyframe } = setUp();
    keyframe(100, "screen", 90, 30);
    output(100, "more");
    expect(display.written).toBe(`${RESET}screenmore`);
    expect(display.size).toEqual(["90x30@0"]);
    expect(viewer.resumeOffset).toBe(104);
    expect(acks).toEqual([100, 104]);
  });

  it("that overlaps is trimmed, and what was there before is left out", () => {
    const { display, viewer, output, keyframe } = setUp();
    keyframe(10, "");
    output(10, "abc");
    output(11, "bcde");
    output(10, "ab");
    expect(display.written).toBe(`${RESET}abcde`);
    expect(viewer.offset).toBe(15);
  });

  it("beyond the end is a skip: nothing is drawn until a keyframe, but it is acknowledged", () => {
    const { display, viewer, acks, output, keyframe } = setUp();
    keyframe(0, "");
    output(0, "abc");
    output(50, "lost");
    output(54, "also");
    expect(display.written).toBe(`${RESET}abc`);
    expect(viewer.stale).toBe(true);
    expect(viewer.resumeOffset).toBeNull();
    expect(acks.at(-1)).toBe(58);
    keyframe(58, "new");
    output(58, "!");
    expect(display.written).toBe(`${RESET}abc${RESET}new!`);
    expect(viewer.stale).toBe(false);
  });

  it("is acknowledged when the terminal has processed it, not before", () => {
    const { display, acks, output, keyframe } = setUp(false);
    keyframe(0, "");
    display.process();
    expect(acks).toEqual([0]);
    output(0, "abc");
    expect(acks).toEqual([0]);
    display.process();
    expect(acks).toEqual([0, 3]);
  });

  it("is handed to the terminal in slices, with a bounded amount waiting there", () => {
    const { display, viewer, acks, output, keyframe } = setUp(false);
    keyframe(0, "");
    display.process();
    const piece = "x".repeat(500_000);
    output(0, piece);
    output(500_000, piece);
    expect(display.waitingWrites).toBe(Math.ceil(QUEUE_BYTES / SLICE_BYTES));
    display.process();
    expect(display.written.length).toBe(RESET.length + 1_000_000);
    expect(acks.at(-1)).toBe(1_000_000);
    expect(acks.length).toBeLessThan(40);
    expect(viewer.pendingBytes).toBe(0);
  });

  it("that nobody processes is given up beyond a bound, and a keyframe asked for", () => {
    const { display, viewer, lost, output, keyframe } = setUp(false);
    keyframe(0, "");
    display.process();
    const piece = "x".repeat(500_000);
    for (let offset = 0; offset < 10_000_000; offset += piece.length) output(offset, piece);
    expect(lost.count).toBe(1);
    expect(viewer.stale).toBe(true);
    expect(viewer.pendingBytes).toBeLessThanOrEqual(BACKLOG_BYTES + QUEUE_BYTES);
  });
});

describe("a keyframe", () => {
  it("waits until the terminal has processed what came before, so that the size is right for both", () => {
    const { display, output, keyframe } = setUp(false);
    keyframe(0, "a", 80, 24);
    display.process();
    output(0, "old");
    keyframe(3, "b", 100, 30);
    output(3, "new");
    expect(display.size).toEqual(["80x24@0"]);
    display.process();
    expect(display.written).toBe(`${RESET}aold${RESET}bnew`);
    expect(display.size).toEqual(["80x24@0", "100x30@7"]);
  });

  it("replaces queued output and an older keyframe", () => {
    const { display, acks, output, keyframe } = setUp(false);
    keyframe(0, "");
    display.process();
    output(0, "first");
    keyframe(5, "one");
    output(5, "never drawn");
    keyframe(16, "two");
    display.process();
    expect(display.written).toBe(`${RESET}first${RESET}two`);
    expect(acks.at(-1)).toBe(16);
  });

  it("may lie before what was received: the output in between comes again", () => {
    const { display, viewer, acks, output, keyframe } = setUp();
    keyframe(0, "");
    output(0, "abcdef");
    keyframe(4, "abcd");
    expect(viewer.offset).toBe(4);
    output(4, "ef");
    expect(display.written).toBe(`${RESET}abcdef${RESET}abcdef`);
    expect(acks.slice(-2)).toEqual([4, 6]);
  });

  it("in several frames is drawn as one", () => {
    const { display, drawn, keyframe } = setUp();
    keyframe(7, "k".repeat(MAX_PAYLOAD + 10));
    expect(display.written.length).toBe(RESET.length + MAX_PAYLOAD + 10);
    expect(drawn).toHaveLength(1);
  });

  it("half received is forgotten when the connection breaks, and the old screen goes on", () => {
    const { display, viewer, keyframe, output } = setUp();
    keyframe(0, "old");
    const [first] = keyframes(0, 90, 80, 24, new Uint8Array(MAX_PAYLOAD));
    if (first === undefined) throw new Error("no frame");
    viewer.keyframe({ type: 7, window: 0, payload: first.slice(7) });
    viewer.disconnected();
    expect(viewer.resumeOffset).toBe(0);
    output(0, "!");
    expect(display.written).toBe(`${RESET}old!`);
    keyframe(90, "new");
    expect(display.written).toBe(`${RESET}old!${RESET}new`);
  });

  it("says whether it brought the history that was asked for", () => {
    const { viewer, drawn, keyframe } = setUp();
    keyframe(0, "screen");
    viewer.expectHistory();
    keyframe(0, "everything");
    keyframe(0, "screen");
    expect(drawn.map(({ history }) => history)).toEqual([false, true, false]);
  });

  it("of an impossible size is refused", () => {
    const { keyframe } = setUp();
    expect(() => keyframe(0, "", 0, 24)).toThrow("size");
  });
});

it("goes on with another terminal, and ignores callbacks of the old one", () => {
  const { display, viewer, acks, output, keyframe } = setUp(false);
  keyframe(0, "");
  display.process();
  output(0, "abc");
  const fresh = new FakeDisplay();
  viewer.replaceDisplay(fresh);
  display.process();
  expect(acks).toEqual([0]);
  expect(viewer.resumeOffset).toBeNull();
  keyframe(3, "abc");
  output(3, "d");
  expect(fresh.written).toBe(`${RESET}abcd`);
  expect(acks).toEqual([0, 3, 4]);
});

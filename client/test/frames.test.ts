import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as frames from "../src/frames.ts";
import { bytes, seeded } from "./support/fakes.ts";

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly frame?: { readonly type: string; readonly window: number } & Record<string, unknown>;
  readonly error?: "decode" | "payload";
  readonly incomplete?: boolean;
}

const FILE = new URL("../../tests/vectors/frames.json", import.meta.url);
const VECTORS = JSON.parse(readFileSync(FILE, "utf8")) as Vector[];
const KINDS = Object.fromEntries(Object.entries(frames.NAMES).map(([kind, name]) => [name, Number(kind)]));
const JSON_KINDS = ["HELLO", "EVENT", "REQUEST", "REPLY"];

const fromHex = (text: string): frames.Bytes => {
  const result = new Uint8Array(text.length / 2);
  for (let at = 0; at < result.length; at += 1)
    result[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return result;
};
const toHex = (data: Uint8Array) => Buffer.from(data).toString("hex");

/** The frame as the vectors write it. */
function parse({ type, window, payload }: frames.Frame): Record<string, unknown> {
  const name = frames.NAMES[type] ?? "";
  const head = { type: name, window };
  if (JSON_KINDS.includes(name)) return { ...head, json: frames.parseJson(payload) };
  if (name === "OUTPUT") {
    const { offset, data } = frames.parseOutput(payload);
    return { ...head, offset: String(offset), data: toHex(data) };
  }
  if (name === "ACK") return { ...head, offset: String(frames.parseAck(payload)) };
  if (name === "INPUT") {
    const { viewer, sequence, data } = frames.parseInput(payload);
    return { ...head, viewer: String(viewer), sequence: String(sequence), data: toHex(data) };
  }
  if (name === "ACCEPTED") {
    const { viewer, sequence } = frames.parseAccepted(payload);
    return { ...head, viewer: String(viewer), sequence: String(sequence) };
  }
  if (name === "RESIZE") return { ...head, ...frames.parseResize(payload) };
  if (name === "KEYFRAME") {
    const { offset, cols, rows, data } = frames.parseKeyframe(payload);
    return { ...head, offset: String(offset), cols, rows, data: toHex(data) };
  }
  if (name === "STREAM") {
    const { number, data } = frames.parseStream(payload);
    return { ...head, stream: number, data: toHex(data) };
  }
  if (name === "CREDIT") {
    const { number, count } = frames.parseCredit(payload);
    return { ...head, stream: number, bytes: count };
  }
  return { ...head, data: toHex(payload) };
}

/** The bytes of a frame as the vectors write it. */
function build(value: NonNullable<Vector["frame"]>): Uint8Array {
  const { type, window } = value;
  const data = fromHex(String(value.data ?? ""));
  const offset = Number(value.offset);
  if (type === "OUTPUT") return frames.output(window, offset, data);
  if (type === "ACK") return frames.ack(window, offset);
  if (type === "INPUT")
    return frames.input(window, BigInt(String(value.viewer)), Number(value.sequence), data);
  if (type === "ACCEPTED") {
    return frames.accepted(window, BigInt(String(value.viewer)), Number(value.sequence));
  }
  if (type === "RESIZE") return frames.resize(window, Number(value.cols), Number(value.rows));
  if (type === "KEYFRAME") {
    const [only] = frames.keyframes(window, offset, Number(value.cols), Number(value.rows), data);
    return only ?? new Uint8Array(0);
  }
  if (type === "STREAM") return frames.stream(window, Number(value.stream), data);
  if (type === "CREDIT") return frames.credit(window, Number(value.stream), Number(value.bytes));
  return frames.encode(KINDS[type] ?? 0, window, data);
}

/** Whether a vector's offset is one that no stream here reaches. */
function isBeyond({ frame }: Vector): boolean {
  const numbers = [frame?.offset, frame?.sequence].filter((value) => value !== undefined);
  return numbers.some((value) => BigInt(String(value)) > BigInt(Number.MAX_SAFE_INTEGER));
}

describe("shared vectors", () => {
  const valid = VECTORS.filter(({ frame }) => frame !== undefined);
  it.each(valid.filter((vector) => !isBeyond(vector)))("$name", ({ hex, frame }) => {
    const [decoded, ...more] = new frames.Decoder().feed(fromHex(hex));
    if (decoded === undefined || frame === undefined) throw new Error("no frame");
    expect(more).toEqual([]);
    expect(parse(decoded)).toEqual(frame);
    if (frame.json === undefined) expect(toHex(build(frame))).toBe(hex);
  });

  it.each(valid.filter(isBeyond))("$name is refused, not rounded", ({ hex }) => {
    const [decoded] = new frames.Decoder().feed(fromHex(hex));
    expect(() => decoded && parse(decoded)).toThrow(frames.FrameError);
  });

  it.each(VECTORS.filter(({ error }) => error === "decode"))("$name cannot be decoded", ({ hex }) => {
    expect(() => new frames.Decoder().feed(fromHex(hex))).toThrow(frames.FrameError);
  });

  it.each(VECTORS.filter(({ error }) => error === "payload"))("$name cannot be parsed", ({ hex }) => {
    const [decoded] = new frames.Decoder().feed(fromHex(hex));
    expect(decoded).toBeDefined();
    expect(() => decoded && parse(decoded)).toThrow(frames.FrameError);
  });

  it.each(VECTORS.filter(({ incomplete }) => incomplete === true))("$name is waited for", ({ hex }) => {
    const decoder = new frames.Decoder();
    expect(decoder.feed(fromHex(hex))).toEqual([]);
    expect(decoder.pendingBytes).toBe(hex.length / 2);
  });
});

describe("decoder", () => {
  const stream = Buffer.concat([
    frames.output(3, 1000, bytes("hello")),
    frames.ack(0, 2 ** 40 + 7),
    frames.encodeJson(frames.EVENT, frames.CONSOLE, { type: "title", title: "漢字" }),
    ...frames.keyframes(0, 5, 80, 24, new Uint8Array(70_000).fill(65)),
    frames.input(1, 2n ** 64n - 1n, 12, bytes("x")),
  ]);
  const whole = new frames.Decoder().feed(stream).map(parse);

  it("gives the same frames however the bytes are split", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seeded(seed);
      const decoder = new frames.Decoder();
      const found: frames.Frame[] = [];
      for (let at = 0; at < stream.length; ) {
        const step = 1 + Math.floor(random() ** 4 * 20_000);
        found.push(...decoder.feed(stream.subarray(at, at + step)));
        at += step;
      }
      expect(found.map(parse)).toEqual(whole);
      expect(decoder.pendingBytes).toBe(0);
    }
  });

  it("answers any garbage with frames or an error, and never grows without bound", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seeded(seed);
      const decoder = new frames.Decoder(4096);
      const mutated = Uint8Array.from(stream.subarray(0, 3000), (byte) =>
        random() < 0.02 ? Math.floor(random() * 256) : byte,
      );
      try {
        for (let at = 0; at < mutated.length; at += 100) {
          decoder.feed(mutated.subarray(at, at + 100));
          expect(decoder.pendingBytes).toBeLessThan(4096 + 7 + 100);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(frames.FrameError);
      }
    }
  });

  it("does not keep the memory of a large frame", () => {
    const decoder = new frames.Decoder();
    const large = frames.output(0, 0, new Uint8Array(1 << 19));
    decoder.feed(large.subarray(0, 1000));
    expect(decoder.feed(large.subarray(1000))).toHaveLength(1);
    expect(decoder.pendingBytes).toBe(0);
  });
});

describe("keyframes", () => {
  it("longer than a frame are continued by the next", () => {
    const data = new Uint8Array(frames.MAX_PAYLOAD + 5).fill(7);
    const parts = frames.keyframes(2, 99, 80, 24, data);
    const decoded = new frames.Decoder().feed(Buffer.concat(parts));
    expect(decoded.map(({ payload }) => frames.keyframeContinues(payload))).toEqual([true, false]);
    const joined = decoded.flatMap(({ payload }) => [frames.parseKeyframe(payload).data]);
    expect(Buffer.concat(joined).equals(data)).toBe(true);
  });

  it("that fill a frame exactly are followed by an empty one", () => {
    expect(frames.keyframes(0, 0, 80, 24, new Uint8Array(frames.MAX_PAYLOAD - 12))).toHaveLength(2);
  });
});

it("refuses to encode more than a frame holds", () => {
  expect(() => frames.output(0, 0, new Uint8Array(frames.MAX_PAYLOAD))).toThrow(frames.FrameError);
});

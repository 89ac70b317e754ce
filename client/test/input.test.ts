import { describe, expect, it } from "vitest";
import { InputBuffer, PIECE_BYTES, WINDOW_BYTES } from "../src/input.ts";
import { bytes, seeded } from "./support/fakes.ts";

const text = (data: Uint8Array) => new TextDecoder("latin1").decode(data);

function takeAll(buffer: InputBuffer): { sequence: number; text: string }[] {
  const taken: { sequence: number; text: string }[] = [];
  for (let piece = buffer.take(); piece !== undefined; piece = buffer.take()) {
    taken.push({ sequence: piece.sequence, text: text(piece.data) });
  }
  return taken;
}

describe("input", () => {
  it("is numbered by bytes", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("ab"));
    expect(takeAll(buffer)).toEqual([{ sequence: 0, text: "ab" }]);
    buffer.push(bytes("c"));
    buffer.push(bytes("de"));
    expect(takeAll(buffer)).toEqual([{ sequence: 2, text: "cde" }]);
    buffer.accept(2, 0);
    expect(buffer.unacceptedBytes).toBe(3);
    expect(buffer.acceptedSequence).toBe(2);
  });

  it("has at most a window under way, and goes on when some is accepted", () => {
    const buffer = new InputBuffer();
    buffer.push(new Uint8Array(WINDOW_BYTES + 100).fill(65));
    const sent = takeAll(buffer).reduce((sum, piece) => sum + piece.text.length, 0);
    expect(sent).toBe(WINDOW_BYTES);
    buffer.accept(10, 0);
    expect(takeAll(buffer)).toEqual([{ sequence: WINDOW_BYTES, text: "A".repeat(10) }]);
  });

  it("goes back when the same ACCEPTED comes twice, once for a burst of them", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(2, 1000);
    expect(takeAll(buffer)).toEqual([]);
    buffer.accept(2, 1001);
    expect(takeAll(buffer)).toEqual([{ sequence: 2, text: "cdef" }]);
    buffer.accept(2, 1002);
    expect(takeAll(buffer)).toEqual([]);
    // The burst did not help: the tick goes back again.
    buffer.tick(1200);
    expect(takeAll(buffer)).toEqual([]);
    buffer.tick(1600);
    expect(takeAll(buffer)).toEqual([{ sequence: 2, text: "cdef" }]);
  });

  it("ignores an ACCEPTED of what it never sent, and one from before", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(4, 0);
    buffer.accept(99, 0);
    buffer.accept(1, 0);
    expect(buffer.acceptedSequence).toBe(4);
    expect(buffer.unacceptedBytes).toBe(2);
  });

  it("sends everything unaccepted again to a new peer", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(4, 0);
    buffer.restart();
    expect(takeAll(buffer)).toEqual([{ sequence: 4, text: "ef" }]);
    // The new peer's first answer is not a repetition.
    buffer.accept(4, 0);
    expect(takeAll(buffer)).toEqual([]);
  });

  it("forgets what the hub refused, and numbers what follows from there", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(2, 0);
    expect(buffer.refuse(4)).toBe(2);
    expect(buffer.unacceptedBytes).toBe(2);
    buffer.push(bytes("XY"));
    expect(takeAll(buffer)).toEqual([{ sequence: 4, text: "XY" }]);
    buffer.restart();
    expect(takeAll(buffer)).toEqual([{ sequence: 2, text: "cdXY" }]);
  });

  it("forgets at most what is not accepted, and nothing that a refusal from before is about", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(4, 0);
    expect(buffer.refuse(99)).toBe(0);
    expect(buffer.refuse(1)).toBe(2);
    expect(buffer.acceptedSequence).toBe(4);
    expect(buffer.unacceptedBytes).toBe(0);
    buffer.push(bytes("g"));
    expect(takeAll(buffer)).toEqual([{ sequence: 4, text: "g" }]);
  });

  it("is sent again from where the hub says", () => {
    const buffer = new InputBuffer();
    buffer.push(bytes("abcdef"));
    takeAll(buffer);
    buffer.accept(2, 0);
    buffer.goBack(4);
    expect(takeAll(buffer)).toEqual([{ sequence: 4, text: "ef" }]);
    buffer.goBack(99);
    expect(takeAll(buffer)).toEqual([]);
  });

  it("drops what was not sent yet, and keeps what was", () => {
    const buffer = new InputBuffer();
    buffer.push(new Uint8Array(WINDOW_BYTES + 100));
    takeAll(buffer);
    buffer.dropUnsent();
    expect(buffer.unacceptedBytes).toBe(WINDOW_BYTES);
    expect(buffer.underWayBytes).toBe(WINDOW_BYTES);
  });

  it("refuses whole what is too much, and keeps what it had", () => {
    const buffer = new InputBuffer(10);
    expect(buffer.push(bytes("12345678"))).toBe(true);
    expect(buffer.push(bytes("abc"))).toBe(false);
    expect(takeAll(buffer)).toEqual([{ sequence: 0, text: "12345678" }]);
  });

  it("arrives whole and once over a peer that loses, repeats and restarts", () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = seeded(seed);
      const buffer = new InputBuffer();
      let wanted = "";
      let received = "";
      let now = 0;
      const deliver = () => {
        now += 600;
        for (let piece = buffer.take(); piece !== undefined; piece = buffer.take()) {
          if (random() < 0.3) continue;
          if (piece.sequence <= received.length) {
            const fresh = text(piece.data).slice(received.length - piece.sequence);
            received += fresh.slice(0, Math.ceil(random() * fresh.length));
          }
          if (random() < 0.7) buffer.accept(received.length, now);
        }
        if (random() < 0.1) buffer.restart();
        buffer.tick(now);
      };
      for (let step = 0; step < 20; step += 1) {
        const length = Math.floor(random() ** 3 * 2 * PIECE_BYTES);
        const typed = Array.from({ length }, (_, n) => String.fromCharCode(97 + ((n + step) % 26))).join("");
        wanted += typed;
        buffer.push(bytes(typed));
        deliver();
      }
      for (let turn = 0; buffer.unacceptedBytes > 0 && turn < 2000; turn += 1) {
        if (turn % 5 === 0) buffer.restart();
        deliver();
      }
      expect(received).toBe(wanted);
    }
  });
});

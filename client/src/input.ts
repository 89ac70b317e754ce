/**
 * What a person typed and the console has not accepted yet.
 *
 * Input is numbered by bytes, as TCP does it, and kept until the console says that it is written.  At
 * most {@link WINDOW_BYTES} are under way; a new peer, or the same ACCEPTED twice (the console refused
 * a hole), sends us back to the accepted byte.  What the hub refuses, because somebody else has control,
 * is dropped, and its numbers are used again.  No DOM, no I/O; time is passed in.
 *
 * Invariant: every byte pushed is sent, in order, until it is accepted or refused.
 */

import type { Bytes } from "./frames.ts";

/** Most unaccepted bytes on the way to the console (docs/protocol.md). */
export const WINDOW_BYTES = 64 * 1024;

/** Most input bytes in one frame. */
export const PIECE_BYTES = 16 * 1024;

/** Most bytes kept for a console that does not read. */
export const LIMIT_BYTES = 64 * 1024 * 1024;

/** A repeated ACCEPTED within this time after going back belongs to what was sent before. */
const SETTLE_MS = 500;

/** One stretch of input to send. */
export interface Piece {
  readonly sequence: number;
  readonly data: Bytes;
}

export class InputBuffer {
  private blocks: Bytes[] = [];
  private base = 0;
  private end = 0;
  private sent = 0;
  private lastAccepted: number | null = null;
  private wentBackAt = Number.NEGATIVE_INFINITY;
  private repeated = false;

  constructor(private readonly limitBytes: number = LIMIT_BYTES) {}

  /** Bytes not accepted yet. */
  get unacceptedBytes(): number {
    return this.end - this.base;
  }

  /** Of these, bytes that were sent. */
  get underWayBytes(): number {
    return this.sent - this.base;
  }

  /** The first byte that is not accepted. */
  get acceptedSequence(): number {
    return this.base;
  }

  /** Takes `data`, whole; false (and nothing taken) when it is more than may wait. */
  push(data: Uint8Array): boolean {
    if (this.unacceptedBytes + data.length > this.limitBytes) return false;
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      this.append(data.subarray(start, start + PIECE_BYTES));
    }
    this.end += data.length;
    return true;
  }

  /** The next piece to send, or undefined while the window is full or nothing is left. */
  take(): Piece | undefined {
    const room = Math.min(this.end, this.base + WINDOW_BYTES) - this.sent;
    if (room <= 0) return undefined;
    const data = this.read(this.sent, Math.min(room, PIECE_BYTES));
    const piece = { sequence: this.sent, data };
    this.sent += data.length;
    return piece;
  }

  /** The console has written everything before `sequence`. */
  accept(sequence: number, now: number): void {
    if (sequence > this.base && sequence <= this.end) {
      this.forget(sequence);
      this.lastAccepted = sequence;
      this.repeated = false;
      return;
    }
    if (sequence !== this.base) return;
    if (this.lastAccepted === sequence && this.sent > this.base) {
      this.repeated = true;
      this.tick(now);
    }
    this.lastAccepted = sequence;
  }

  /** The hub has thrown away everything from `sequence` on; returns how many bytes that was. */
  refuse(sequence: number): number {
    const end = Math.max(this.base, Math.min(this.end, sequence));
    return this.cut(end);
  }

  /** Sends everything from `sequence` on again. */
  goBack(sequence: number): void {
    this.sent = Math.max(this.base, Math.min(this.sent, sequence));
  }

  /** Drops what was not sent: it may not be sent any more. */
  dropUnsent(): void {
    this.cut(this.sent);
  }

  /** Goes back when a repeated ACCEPTED is waiting for it; call it about once a second. */
  tick(now: number): void {
    if (!this.repeated || now - this.wentBackAt < SETTLE_MS) return;
    this.repeated = false;
    this.wentBackAt = now;
    this.sent = this.base;
  }

  /** A new peer: what is not accepted is sent again. */
  restart(): void {
    this.sent = this.base;
    this.lastAccepted = null;
    this.repeated = false;
    this.wentBackAt = Number.NEGATIVE_INFINITY;
  }

  private append(data: Uint8Array): void {
    const last = this.blocks.at(-1);
    if (last !== undefined && last.length + data.length <= PIECE_BYTES) {
      const joined = new Uint8Array(last.length + data.length);
      joined.set(last);
      joined.set(data, last.length);
      this.blocks[this.blocks.length - 1] = joined;
    } else {
      this.blocks.push(data.slice() as Bytes);
    }
  }

  private read(from: number, length: number): Bytes {
    const result = new Uint8Array(length);
    let filled = 0;
    let start = this.base;
    for (const block of this.blocks) {
      const end = start + block.length;
      if (end > from + filled) {
        const part = block.subarray(from + filled - start, from + length - start);
        result.set(part, filled);
        filled += part.length;
        if (filled === length) break;
      }
      start = end;
    }
    return result;
  }

  private cut(end: number): number {
    const dropped = this.end - end;
    const kept = this.read(this.base, end - this.base);
    this.blocks = [];
    for (let start = 0; start < kept.length; start += PIECE_BYTES) {
      this.append(kept.subarray(start, start + PIECE_BYTES));
    }
    this.end = end;
    this.sent = Math.min(this.sent, end);
    return dropped;
  }

  private forget(sequence: number): void {
    let drop = sequence - this.base;
    let whole = 0;
    for (const block of this.blocks) {
      if (block.length > drop) break;
      drop -= block.length;
      whole += 1;
    }
    this.blocks.splice(0, whole);
    const first = this.blocks[0];
    if (first !== undefined && drop > 0) this.blocks[0] = first.slice(drop);
    this.base = sequence;
    this.sent = Math.max(this.sent, sequence);
  }
}

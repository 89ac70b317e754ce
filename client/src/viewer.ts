/**
 * One window's stream as this client sees it: offsets in, terminal writes out.
 *
 * The viewer trims what overlaps, notices a skip (then it waits for a keyframe), puts keyframes
 * together, and hands the terminal at most {@link QUEUE_BYTES} at a time, because xterm.js grows
 * unresponsive beyond.  It acknowledges from the terminal's own callback, so the hub knows what has
 * been drawn, not what has been sent.  No DOM, no I/O.
 *
 * Invariant: the terminal has been given exactly the bytes of the stream up to {@link Viewer.offset},
 * or a keyframe and the bytes since, or {@link Viewer.stale} is true.
 */

import {
  type Bytes,
  checkSize,
  type Frame,
  keyframeContinues,
  parseKeyframe,
  parseOutput,
} from "./frames.ts";

/** Most bytes handed to the terminal and not yet processed. */
export const QUEUE_BYTES = 384 * 1024;

/** The terminal parses a slice without a pause; this keeps one under a few milliseconds. */
export const SLICE_BYTES = 16 * 1024;

/** Most bytes that wait for the terminal; a hub that keeps to its window never sends so much. */
export const BACKLOG_BYTES = 8 * 1024 * 1024;

/** An ACK is sent after so many bytes, and whenever the terminal has caught up. */
const ACK_BYTES = 32 * 1024;

/** Largest keyframe put together from parts. */
const KEYFRAME_BYTES = 64 * 1024 * 1024;

/** CAN and `ESC c`: whatever the terminal was in the middle of, it starts from nothing. */
const RESET: readonly number[] = [0x18, 0x1b, 0x63];

/** The terminal, as the viewer needs it. */
export interface Display {
  /** Takes this size at once. */
  resize(cols: number, rows: number): void;
  /** Processes `data` in order with what was written before; calls `done` afterwards. */
  write(data: Uint8Array, done: () => void): void;
}

/** What the viewer tells. */
export interface ViewerEvents {
  /** Everything before `offset` has been processed. */
  ack(offset: number): void;
  /** The terminal is out of date and nothing will mend it but a keyframe we ask for. */
  lost(): void;
  /** A keyframe has been drawn; `history` says whether it brought all scrollback. */
  drawn(keyframe: DrawnKeyframe): void;
}

/** A keyframe that the terminal now shows. */
export interface DrawnKeyframe {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
  readonly history: boolean;
}

interface Keyframe {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
  readonly parts: Bytes[];
  readonly history: boolean;
  bytes: number;
}

export class Viewer {
  /** The byte of the stream that comes next, or null before the first. */
  offset: number | null = null;
  /** A skip happened, and the keyframe that ends it has not come yet. */
  stale = false;

  private queue: { data: Uint8Array; end: number }[] = [];
  private queuedBytes = 0;
  private outstandingBytes = 0;
  private outstandingWrites = 0;
  private partial: Keyframe | null = null;
  private complete: Keyframe | null = null;
  private expectsHistory = false;
  private acked = -1;
  private generation = 0;
  private processed = 0;

  constructor(
    private display: Display,
    private readonly events: ViewerEvents,
  ) {}

  /** The offset to come back with after a lost connection; null asks for a keyframe. */
  get resumeOffset(): number | null {
    return this.stale ? null : this.offset;
  }

  /** Bytes received that the terminal has not processed. */
  get pendingBytes(): number {
    return this.queuedBytes + this.outstandingBytes + (this.complete?.bytes ?? 0);
  }

  /** The connection is gone: a keyframe that was half received will not be finished. */
  disconnected(): void {
    this.partial = null;
    this.expectsHistory = false;
    this.acked = -1;
  }

  /** The next keyframe answers our request for all scrollback. */
  expectHistory(): void {
    this.expectsHistory = true;
  }

  /** An OUTPUT frame. */
  output(frame: Frame): void {
    const { offset, data } = parseOutput(frame.payload);
    const end = offset + data.length;
    if (this.stale || this.offset === null || offset > this.offset) {
      this.stale = true;
      this.offset = end;
      this.acknowledge(end);
      return;
    }
    if (end <= this.offset) return;
    const fresh = data.subarray(this.offset - offset);
    this.offset = end;
    if (this.queuedBytes + fresh.length > BACKLOG_BYTES) {
      this.drop();
      this.stale = true;
      this.acknowledge(end);
      this.events.lost();
      return;
    }
    for (let start = 0; start < fresh.length; start += SLICE_BYTES) {
      const slice = fresh.subarray(start, start + SLICE_BYTES);
      this.queue.push({ data: slice, end: end - fresh.length + start + slice.length });
    }
    this.queuedBytes += fresh.length;
    this.pump();
  }

  /** A KEYFRAME frame, or one part of it. */
  keyframe(frame: Frame): void {
    const { offset, cols, rows, data } = parseKeyframe(frame.payload);
    checkSize(cols, rows);
    if (this.partial === null) {
      this.partial = { offset, cols, rows, parts: [], bytes: 0, history: this.expectsHistory };
      this.expectsHistory = false;
    }
    this.partial.parts.push(data);
    this.partial.bytes += data.length;
    if (this.partial.bytes > KEYFRAME_BYTES) {
      this.partial = null;
      this.stale = true;
      this.events.lost();
      return;
    }
    if (keyframeContinues(frame.payload)) return;
    this.drop();
    this.complete = this.partial;
    this.partial = null;
    this.offset = this.complete.offset;
    this.stale = false;
    this.pump();
  }

  /** Writes that the terminal has processed; while it stands still and some wait, the terminal is stuck. */
  get processedWrites(): number {
    return this.processed;
  }

  /** Writes that the terminal was given and has not processed. */
  get waitingWrites(): number {
    return this.outstandingWrites;
  }

  /** Goes on with an empty terminal; callbacks of the old one are ignored. */
  replaceDisplay(display: Display): void {
    this.display = display;
    this.generation += 1;
    this.outstandingBytes = 0;
    this.outstandingWrites = 0;
    this.drop();
    this.stale = true;
  }

  private drop(): void {
    this.queue = [];
    this.queuedBytes = 0;
    this.complete = null;
  }

  private pump(): void {
    if (this.complete !== null) {
      // What was written before may still be parsed; it must not meet the new size.
      if (this.outstandingWrites > 0) return;
      this.draw(this.complete);
    }
    while (this.queue.length > 0 && this.outstandingBytes < QUEUE_BYTES) {
      const next = this.queue.shift();
      if (next === undefined) break;
      this.queuedBytes -= next.data.length;
      this.write(next.data, () => this.done(next.end));
    }
  }

  private draw(keyframe: Keyframe): void {
    this.complete = null;
    const { offset, cols, rows, history } = keyframe;
    // One write: the terminal draws nothing in between, so nothing flickers.
    const data = new Uint8Array(RESET.length + keyframe.bytes);
    data.set(RESET);
    let position = RESET.length;
    for (const part of keyframe.parts) {
      data.set(part, position);
      position += part.length;
    }
    this.display.resize(cols, rows);
    this.write(data, () => {
      this.events.drawn({ offset, cols, rows, history });
      this.acked = -1;
      this.done(offset);
    });
  }

  private write(data: Uint8Array, done: () => void): void {
    const generation = this.generation;
    this.outstandingBytes += data.length;
    this.outstandingWrites += 1;
    this.display.write(data, () => {
      if (generation !== this.generation) return;
      this.outstandingBytes -= data.length;
      this.outstandingWrites -= 1;
      this.processed += 1;
      done();
      this.pump();
    });
  }

  private done(end: number): void {
    const caughtUp = this.outstandingWrites === 0 && this.queue.length === 0;
    if (caughtUp || end - this.acked >= ACK_BYTES) this.acknowledge(end);
  }

  private acknowledge(end: number): void {
    if (end <= this.acked) return;
    this.acked = end;
    this.events.ack(end);
  }
}

/**
 * The stream protocol: one frame format for every link.
 *
 * A frame is `u8 type, u16 window, u32 length, payload`, big-endian, payload at most 1 MiB.
 * This is the twin of `sandbox/guest/frames.py`; `tests/vectors/frames.json` holds both to the
 * same bytes, and `docs/protocol.md` says what each link does with them.  No DOM, no I/O.
 *
 * Offsets and sequences are u64 on the wire and safe integers here (2^53 bytes are nine petabytes);
 * a larger one is an error.  Viewer numbers use all 64 bits, so they are `bigint`.
 *
 * Invariant: whatever bytes arrive, in whatever pieces, a {@link Decoder} either returns whole frames
 * or throws {@link FrameError}; it never holds more than one unfinished frame.
 */

export const VERSION = 1;

export const HELLO = 1;
export const OUTPUT = 2;
export const ACK = 3;
export const INPUT = 4;
export const ACCEPTED = 5;
export const RESIZE = 6;
export const KEYFRAME = 7;
export const ROWS = 8;
export const EVENT = 9;
export const REQUEST = 10;
export const REPLY = 11;
export const STREAM = 12;
export const CREDIT = 13;

export const NAMES: Readonly<Record<number, string>> = {
  [HELLO]: "HELLO",
  [OUTPUT]: "OUTPUT",
  [ACK]: "ACK",
  [INPUT]: "INPUT",
  [ACCEPTED]: "ACCEPTED",
  [RESIZE]: "RESIZE",
  [KEYFRAME]: "KEYFRAME",
  [ROWS]: "ROWS",
  [EVENT]: "EVENT",
  [REQUEST]: "REQUEST",
  [REPLY]: "REPLY",
  [STREAM]: "STREAM",
  [CREDIT]: "CREDIT",
};

/** Largest payload of a frame, in bytes. */
export const MAX_PAYLOAD = 1 << 20;

/** The window number of a frame that is about the whole console. */
export const CONSOLE = 0xffff;

export const MIN_COLS = 2;
export const MAX_COLS = 1000;
export const MIN_ROWS = 1;
export const MAX_ROWS = 500;

const HEADER_BYTES = 7;
const KEYFRAME_HEAD_BYTES = 12;

/** Bytes that own their memory, as sockets want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A JSON object, as HELLO, EVENT, REQUEST and REPLY carry it. */
export type JsonObject = { readonly [key: string]: unknown };

/** The peer sent bytes that are not a frame of this protocol. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** One decoded frame; `payload` is still packed. */
export interface Frame {
  readonly type: number;
  readonly window: number;
  readonly payload: Bytes;
}

/** Cuts a byte stream into frames, however the bytes are split. */
export class Decoder {
  private buffer: Bytes = new Uint8Array(0);
  private used = 0;

  /** @param maxPayload refuse frames with a longer payload (bytes) */
  constructor(private readonly maxPayload: number = MAX_PAYLOAD) {}

  /** Bytes of the unfinished frame held so far. */
  get pendingBytes(): number {
    return this.used;
  }

  /**
   * Frames completed by `data`.
   *
   * @throws FrameError on an unknown type or a payload that is too long; the stream cannot be followed
   *   after that
   */
  feed(data: Uint8Array): Frame[] {
    const bytes = this.append(data);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: Frame[] = [];
    let position = 0;
    while (bytes.length - position >= HEADER_BYTES) {
      const type = view.getUint8(position);
      const length = view.getUint32(position + 3);
      const name = NAMES[type];
      if (name === undefined) throw new FrameError(`unknown frame type ${type}`);
      if (length > this.maxPayload) {
        throw new FrameError(`${name} frame of ${length} bytes; the limit is ${this.maxPayload}`);
      }
      const start = position + HEADER_BYTES;
      if (bytes.length - start < length) break;
      position = start + length;
      frames.push({ type, window: view.getUint16(start - 6), payload: bytes.slice(start, position) });
    }
    this.keep(bytes.subarray(position));
    return frames;
  }

  private append(data: Uint8Array): Uint8Array {
    if (this.used === 0) return data;
    const needed = this.used + data.length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    this.buffer.set(data, this.used);
    this.used = needed;
    return this.buffer.subarray(0, needed);
  }

  private keep(rest: Uint8Array): void {
    if (rest.length === 0) {
      this.buffer = new Uint8Array(0);
    } else if (rest.buffer === this.buffer.buffer) {
      this.buffer.copyWithin(0, rest.byteOffset, rest.byteOffset + rest.length);
    } else {
      this.buffer = rest.slice();
    }
    this.used = rest.length;
  }
}

// -- values to bytes -------------------------------------------------------------------------------

/**
 * One frame.
 *
 * @throws FrameError when the payload is longer than {@link MAX_PAYLOAD}
 */
export function encode(type: number, window: number, payload: Uint8Array): Bytes {
  const [frame] = allocate(type, window, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** A HELLO, EVENT, REQUEST or REPLY frame with `value` as compact JSON. */
export function encodeJson(type: number, window: number, value: JsonObject): Bytes {
  return encode(type, window, new TextEncoder().encode(JSON.stringify(value)));
}

/** An OUTPUT frame: `data` starts at `offset` of the window's stream. */
export function output(window: number, offset: number, data: Uint8Array): Bytes {
  const [frame, view] = allocate(OUTPUT, window, 8 + data.length);
  setU64(view, HEADER_BYTES, offset);
  frame.set(data, HEADER_BYTES + 8);
  return frame;
}

/** An ACK frame: everything before `offset` has been processed. */
export function ack(window: number, offset: number): Bytes {
  const [frame, view] = allocate(ACK, window, 8);
  setU64(view, HEADER_BYTES, offset);
  return frame;
}

/** An INPUT frame: `data` starts at byte `sequence` of this viewer's input. */
export function input(window: number, viewer: bigint, sequence: number, data: Uint8Array): Bytes {
  const [frame, view] = allocate(INPUT, window, 16 + data.length);
  view.setBigUint64(HEADER_BYTES, viewer);
  setU64(view, HEADER_BYTES + 8, sequence);
  frame.set(data, HEADER_BYTES + 16);
  return frame;
}

/** An ACCEPTED frame: the viewer's input before byte `sequence` is written. */
export function accepted(window: number, viewer: bigint, sequence: number): Bytes {
  const [frame, view] = allocate(ACCEPTED, window, 16);
  view.setBigUint64(HEADER_BYTES, viewer);
  setU64(view, HEADER_BYTES + 8, sequence);
  return frame;
}

/** A RESIZE frame. */
export function resize(window: number, cols: number, rows: number): Bytes {
  const [frame, view] = allocate(RESIZE, window, 4);
  view.setUint16(HEADER_BYTES, cols);
  view.setUint16(HEADER_BYTES + 2, rows);
  return frame;
}

/**
 * A keyframe as one frame, or several when it is longer than a frame.
 *
 * A KEYFRAME whose payload fills its frame is continued by the next one.
 */
export function keyframes(
  window: number,
  offset: number,
  cols: number,
  rows: number,
  data: Uint8Array,
): Bytes[] {
  const room = MAX_PAYLOAD - KEYFRAME_HEAD_BYTES;
  const frames: Bytes[] = [];
  for (let start = 0; start <= data.length; start += room) {
    const part = data.subarray(start, start + room);
    const [frame, view] = allocate(KEYFRAME, window, KEYFRAME_HEAD_BYTES + part.length);
    setU64(view, HEADER_BYTES, offset);
    view.setUint16(HEADER_BYTES + 8, cols);
    view.setUint16(HEADER_BYTES + 10, rows);
    frame.set(part, HEADER_BYTES + KEYFRAME_HEAD_BYTES);
    frames.push(frame);
  }
  return frames;
}

/** A STREAM frame: `data` of the multiplexed byte stream `number`; empty: its end. */
export function stream(window: number, number: number, data: Uint8Array): Bytes {
  const [frame, view] = allocate(STREAM, window, 4 + data.length);
  view.setUint32(HEADER_BYTES, number);
  frame.set(data, HEADER_BYTES + 4);
  return frame;
}

/** A CREDIT frame: `count` more bytes of stream `number` may be sent. */
export function credit(window: number, number: number, count: number): Bytes {
  const [frame, view] = allocate(CREDIT, window, 8);
  view.setUint32(HEADER_BYTES, number);
  view.setUint32(HEADER_BYTES + 4, count);
  return frame;
}

// -- bytes to values -------------------------------------------------------------------------------

/** Offset and data of an OUTPUT payload. */
export function parseOutput(payload: Bytes): { offset: number; data: Bytes } {
  const view = atLeast(payload, 8, "OUTPUT");
  return { offset: getU64(view, 0), data: payload.subarray(8) };
}

/** The offset of an ACK payload. */
export function parseAck(payload: Bytes): number {
  return getU64(exactly(payload, 8, "ACK"), 0);
}

/** Viewer, sequence and data of an INPUT payload. */
export function parseInput(payload: Bytes): { viewer: bigint; sequence: number; data: Bytes } {
  const view = atLeast(payload, 16, "INPUT");
  return { viewer: view.getBigUint64(0), sequence: getU64(view, 8), data: payload.subarray(16) };
}

/** Viewer and sequence of an ACCEPTED payload. */
export function parseAccepted(payload: Bytes): { viewer: bigint; sequence: number } {
  const view = exactly(payload, 16, "ACCEPTED");
  return { viewer: view.getBigUint64(0), sequence: getU64(view, 8) };
}

/** The size in a RESIZE payload; refused when out of range. */
export function parseResize(payload: Bytes): { cols: number; rows: number } {
  const view = exactly(payload, 4, "RESIZE");
  const cols = view.getUint16(0);
  const rows = view.getUint16(2);
  checkSize(cols, rows);
  return { cols, rows };
}

/** Throws {@link FrameError} for a size that no terminal has. */
export function checkSize(cols: number, rows: number): void {
  if (cols < MIN_COLS || cols > MAX_COLS || rows < MIN_ROWS || rows > MAX_ROWS) {
    throw new FrameError(
      `size ${cols}x${rows}; columns go from ${MIN_COLS} to ${MAX_COLS}, rows from ${MIN_ROWS} to ${MAX_ROWS}`,
    );
  }
}

/** Offset, size and data of a KEYFRAME payload. */
export function parseKeyframe(payload: Bytes): { offset: number; cols: number; rows: number; data: Bytes } {
  const view = atLeast(payload, KEYFRAME_HEAD_BYTES, "KEYFRAME");
  return {
    offset: getU64(view, 0),
    cols: view.getUint16(8),
    rows: view.getUint16(10),
    data: payload.subarray(KEYFRAME_HEAD_BYTES),
  };
}

/** Whether the next KEYFRAME of the window continues this payload. */
export function keyframeContinues(payload: Uint8Array): boolean {
  return payload.length === MAX_PAYLOAD;
}

/** Number and data of a STREAM payload. */
export function parseStream(payload: Bytes): { number: number; data: Bytes } {
  const view = atLeast(payload, 4, "STREAM");
  return { number: view.getUint32(0), data: payload.subarray(4) };
}

/**
 * Number and bytes of a CREDIT payload.
 *
 * @throws FrameError when it is for no bytes
 */
export function parseCredit(payload: Bytes): { number: number; count: number } {
  const view = exactly(payload, 8, "CREDIT");
  const count = view.getUint32(4);
  if (count === 0) throw new FrameError("CREDIT for no bytes");
  return { number: view.getUint32(0), count };
}

/** The object in a HELLO, EVENT, REQUEST or REPLY payload. */
export function parseJson(payload: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
  } catch (error) {
    throw new FrameError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    throw new FrameError(`JSON ${kind} where an object is expected`);
  }
  return value as JsonObject;
}

// -- bytes -----------------------------------------------------------------------------------------

function allocate(type: number, window: number, length: number): [Bytes, DataView] {
  if (length > MAX_PAYLOAD) {
    throw new FrameError(`${NAMES[type]} payload of ${length} bytes; the limit is ${MAX_PAYLOAD}`);
  }
  const frame = new Uint8Array(HEADER_BYTES + length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, type);
  view.setUint16(1, window);
  view.setUint32(3, length);
  return [frame, view];
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

function atLeast(payload: Uint8Array, bytes: number, name: string): DataView {
  if (payload.length < bytes) {
    throw new FrameError(`${name} payload of ${payload.length} bytes; it has at least ${bytes}`);
  }
  return viewOf(payload);
}

function exactly(payload: Uint8Array, bytes: number, name: string): DataView {
  if (payload.length !== bytes) {
    throw new FrameError(`${name} payload of ${payload.length} bytes; it has exactly ${bytes}`);
  }
  return viewOf(payload);
}

function setU64(view: DataView, position: number, value: number): void {
  view.setUint32(position, Math.floor(value / 2 ** 32));
  view.setUint32(position + 4, value % 2 ** 32);
}

function getU64(view: DataView, position: number): number {
  const value = view.getUint32(position) * 2 ** 32 + view.getUint32(position + 4);
  if (!Number.isSafeInteger(value)) throw new FrameError(`offset ${value} is beyond 2^53`);
  return value;
}

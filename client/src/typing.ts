/**
 * What a person types into the windows of a console, on its way to the programs.
 *
 * One {@link InputBuffer} a window, numbered for one viewer; whether this page may type at all; and what
 * "Input that is refused" of docs/protocol.md asks for.  No DOM, no I/O; time is passed in.
 *
 * Invariant: nothing is sent while there is no connection, or while the page is an observer's.
 */

import { type Bytes, input, type JsonObject } from "./frames.ts";
import { InputBuffer } from "./input.ts";

interface Window {
  readonly buffer: InputBuffer;
  /** The last refusal that was heard of. */
  refusal: number | null;
}

export class Typing {
  private readonly windows = new Map<number, Window>();
  private isAttached = false;
  /** An observer's input would end the connection. */
  private mayType = false;

  /**
   * @param viewer our viewer number
   * @param send sends a frame
   */
  constructor(
    private number: bigint,
    private readonly send: (frame: Bytes) => void,
  ) {}

  /** Our viewer number, for HELLO. */
  get viewer(): bigint {
    return this.number;
  }

  add(window: number): void {
    this.windows.set(window, { buffer: new InputBuffer(), refusal: null });
  }

  forget(window: number): void {
    this.windows.delete(window);
  }

  unacceptedBytes(window: number): number {
    return this.windows.get(window)?.buffer.unacceptedBytes ?? 0;
  }

  /** Takes `data`; false when too much waits already.  An attached observer's is dropped. */
  push(window: number, data: Uint8Array): boolean {
    if (this.isAttached && !this.mayType) return true;
    if (this.windows.get(window)?.buffer.push(data) !== true) return false;
    this.pump(window);
    return true;
  }

  /** The connection is gone. */
  lost(): void {
    this.isAttached = false;
  }

  /**
   * The hub let us in with `role`.
   *
   * @returns false when it is an observer's, and the console may have had some of what was typed before:
   *   then {@link renumber} and connect again, so that what is typed later cannot be taken for that
   */
  welcome(role: string): boolean {
    this.mayType = role !== "observer";
    if (this.mayType) return true;
    let isUncertain = false;
    for (const { buffer } of this.windows.values()) {
      isUncertain ||= buffer.underWayBytes > 0;
      buffer.refuse(buffer.acceptedSequence);
    }
    return !isUncertain;
  }

  /** Goes on as another viewer. */
  renumber(): void {
    this.number = BigInt.asUintN(64, this.number + 1n);
  }

  /** The connection stands: what is not accepted is sent again. */
  attached(): void {
    this.isAttached = true;
    for (const [window, { buffer }] of this.windows) {
      buffer.restart();
      this.pump(window);
    }
  }

  /** The role changed while attached. */
  role(role: unknown): void {
    this.mayType = role !== "observer";
    for (const [window, { buffer }] of this.windows) {
      if (this.mayType) this.pump(window);
      else buffer.dropUnsent();
    }
  }

  accepted(window: number, sequence: number, now: number): void {
    this.windows.get(window)?.buffer.accept(sequence, now);
    this.pump(window);
  }

  /** Somebody else has control: an EVENT `refused`. */
  refused(window: number, { sequence, refusal }: JsonObject): void {
    const known = this.windows.get(window);
    if (known === undefined || typeof sequence !== "number" || !Number.isSafeInteger(sequence)) return;
    if (typeof refusal === "number" && refusal === known.refusal) known.buffer.goBack(sequence);
    else known.buffer.refuse(sequence);
    if (typeof refusal === "number") known.refusal = refusal;
    // The empty frame says that we have heard.
    if (this.isAttached && sequence >= 0) this.send(input(window, this.number, sequence, new Uint8Array(0)));
    this.pump(window);
  }

  /** Call it about once a second. */
  tick(now: number): void {
    for (const [window, { buffer }] of this.windows) {
      buffer.tick(now);
      this.pump(window);
    }
  }

  private pump(window: number): void {
    const buffer = this.windows.get(window)?.buffer;
    if (!this.isAttached || !this.mayType || buffer === undefined) return;
    for (let piece = buffer.take(); piece !== undefined; piece = buffer.take()) {
      this.send(input(window, this.number, piece.sequence, piece.data));
    }
  }
}

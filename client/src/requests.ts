/**
 * Requests to the hub that wait for their replies.  No DOM, no I/O.
 *
 * Invariant: every request is settled once: by its reply, by time, or by the loss of the connection.
 */

import type { JsonObject } from "./frames.ts";
import type { Clock } from "./session-types.ts";

const REQUEST_MS = 20_000;

/** The console, or the way to it, said no. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

interface Pending {
  readonly resolve: (reply: JsonObject) => void;
  readonly reject: (error: RequestError) => void;
  readonly cancel: () => void;
  readonly accepted: () => void;
}

export class Requests {
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;

  constructor(private readonly clock: Clock) {}

  /**
   * Waits for the reply to a request that `send` sends under the number it is given.
   *
   * @param accepted called at once when the reply comes and is not a refusal, before anything that
   *   follows it is looked at
   */
  ask(send: (id: number) => void, accepted: () => void = () => {}): Promise<JsonObject> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const cancel = this.clock.later(REQUEST_MS, () => {
        this.pending.delete(id);
        reject(new RequestError("The server did not answer in time.", "timeout"));
      });
      this.pending.set(id, { resolve, reject, cancel, accepted });
      send(id);
    });
  }

  /** A REPLY came. */
  reply(reply: JsonObject): void {
    const id = typeof reply.id === "number" ? reply.id : -1;
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    pending.cancel();
    if (reply.ok === true) {
      pending.accepted();
      pending.resolve(reply);
      return;
    }
    const code = typeof reply.code === "string" ? reply.code : "error";
    const message = typeof reply.error === "string" ? reply.error : "The server refused.";
    pending.reject(new RequestError(message, code));
  }

  /** The connection is gone, and with it all answers. */
  lost(): void {
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const pending of waiting) {
      pending.cancel();
      pending.reject(new RequestError("The connection to the server was lost.", "not_connected"));
    }
  }
}

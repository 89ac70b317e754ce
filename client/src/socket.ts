/** The session's socket in a browser: a WebSocket to a console, and the browser's clock. */

import type { Clock, Socket, SocketEvents } from "./session-types.ts";

const SUBPROTOCOL = "termhub.v1";

/** Opens the attach socket of console `id`. */
export function openSocket(id: string, events: SocketEvents): Socket {
  const address = new URL(`/api/v1/consoles/${encodeURIComponent(id)}/attach`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => events.opened());
  socket.addEventListener("close", (event) => events.closed(event.code, event.reason));
  socket.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) events.received(new Uint8Array(event.data));
    else socket.close(3001, "text where frames are expected");
  });
  return {
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close: (code, reason) => {
      // A page may close with 1000 or 3000 and up only.
      socket.close(code === 1000 || code >= 3000 ? code : 3002, reason);
    },
  };
}

export const browserClock: Clock = {
  now: () => performance.now(),
  later: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** A viewer number nobody else has. */
export function newViewer(): bigint {
  const [number = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return number;
}

// Connections over WebSockets: each leads to one server, and its messages are stretches of the
// stream of bytes, wherever they end.

import { Failure } from "./failure.js";

/**
 * Makes a function that opens connections.
 * @param {string} url of the socket, ws: or wss:
 * @param {typeof WebSocket} [Socket]
 * @returns {import("./link.js").Open}
 */
export function overWebSocket(url, Socket = WebSocket) {
  return ({ server, address = "" }) => new Promise((resolve, reject) => {
    const to = new URL(url);
    to.searchParams.set("server", server);
    if (address !== "") to.searchParams.set("address", address);
    const socket = new Socket(to.href);
    socket.binaryType = "arraybuffer";
    /** @type {import("./link.js").Wire} */
    const wire = {
      onbytes: null,
      onclose: null,
      send(bytes) {
        if (socket.readyState !== Socket.OPEN) throw new Failure("lost", "the socket is closed");
        socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
      },
      close: () => socket.close(),
    };
    socket.onopen = () => resolve(wire);
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) wire.onbytes?.(new Uint8Array(data));
      else socket.close();
    };
    const refused = () => reject(new Failure("lost", "no connection"));
    socket.onerror = refused; // what is open closes as well
    socket.onclose = () => {
      refused();
      wire.onclose?.();
    };
  });
}

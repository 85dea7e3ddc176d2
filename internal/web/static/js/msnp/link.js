// A connection to a server: it numbers and writes commands, reads frames, and knows who waits
// for which answer.

import { Failure, refusal } from "./failure.js";
import { Splitter, line, withPayload } from "./frame.js";

/**
 * An open stream of bytes. Whoever opens one sets onbytes and onclose at once.
 * @typedef {object} Wire
 * @property {(bytes: Uint8Array) => void} send
 * @property {() => void} close onclose is called after it, or has been
 * @property {((bytes: Uint8Array) => void)|null} onbytes
 * @property {(() => void)|null} onclose called once, when no more bytes come
 */

/**
 * Where a stream is to lead. The notification server has an address only when another one has
 * sent us there.
 * @typedef {{server: "notification"|"switchboard", address?: string}} Target
 */

/**
 * Opens a stream, or rejects.
 * @typedef {(target: Target) => Promise<Wire>} Open
 */

/** The verbs that answer a command by its TrID; error lines do as well. */
const answers = new Set([
  "VER", "CVR", "USR", "XFR", "SYN", "CHG", "ADD", "REM", "REA", "ADG", "REG", "RMG", "GTC", "BLP", "PRP", "URL", "QRY",
  "IMS", "ANS", "CAL", "ACK", "NAK",
]);

/** How long a server may take to hang up after OUT. */
const byeTime = 2000;

/**
 * What became of a command.
 * @typedef {{verb: string, resolve: (frame: import("./frame.js").Frame) => void, reject: (failure: Failure) => void,
 *   timer: ReturnType<typeof setTimeout>|undefined}} Waiting
 */

/** A connection to a server. */
export class Link {
  #wire;
  #onframe;
  #onend;
  #splitter = new Splitter();
  #last = 0;
  /** @type {Map<string, Waiting>} by TrID */
  #waiting = new Map();
  /** @type {Failure|null} why the link is ending */
  #reason = null;
  #over = false;

  /** When the last bytes came, in milliseconds. */
  heard = Date.now();

  /**
   * @param {Wire} wire
   * @param {(frame: import("./frame.js").Frame) => void} onframe called with each frame, before whoever waits for it; what it throws ends the link
   * @param {(failure: Failure) => void} onend called once
   */
  constructor(wire, onframe, onend) {
    this.#wire = wire;
    this.#onframe = onframe;
    this.#onend = onend;
    wire.onbytes = (bytes) => this.#take(bytes);
    wire.onclose = () => this.#finish(new Failure("lost", "connection lost"));
  }

  /** Whether commands can be sent. */
  get alive() {
    return this.#reason === null;
  }

  /**
   * Reports whether somebody waits for the answer to a command.
   * @param {string} id its TrID
   */
  awaits(id) {
    return this.#waiting.has(id);
  }

  /**
   * Sends a command of words and waits for its answer.
   * @param {string} verb
   * @param {...(string|number)} params
   * @returns {Promise<import("./frame.js").Frame>}
   */
  ask(verb, ...params) {
    return this.#post(verb, 0, (id) => line(verb, id, ...params));
  }

  /**
   * Sends a message that is to be acknowledged.
   * @param {string} letter A or D. docs/protocol/switchboard.md#acknowledgements
   * @param {Uint8Array} payload
   * @param {number} patience milliseconds, after which the connection counts as lost
   * @returns {Promise<import("./frame.js").Frame>} rejects on NAK
   */
  async deliver(letter, payload, patience) {
    const frame = await this.#post("MSG", patience, (id) => withPayload(payload, "MSG", id, letter));
    if (frame.verb === "NAK") throw new Failure("undelivered");
    return frame;
  }

  /**
   * Sends a command whose answer nobody waits for.
   * @param {string} verb
   * @param {...(string|number)} params
   */
  tell(verb, ...params) {
    this.#write(line(verb, ++this.#last, ...params));
  }

  /**
   * The same with a payload.
   * @param {Uint8Array} payload
   * @param {string} verb
   * @param {...(string|number)} params
   */
  tellPayload(payload, verb, ...params) {
    this.#write(withPayload(payload, verb, ++this.#last, ...params));
  }

  /** Sends a PNG, which has no TrID. */
  ping() {
    this.#write(line("PNG"));
  }

  /**
   * Says OUT, and reads on for a moment: what the server passed on before must not be lost.
   * @param {Failure} reason
   */
  bye(reason) {
    if (!this.alive) return;
    this.#write(line("OUT"));
    this.#reason = reason;
    setTimeout(() => this.#finish(reason), byeTime);
  }

  /**
   * Ends the link at once.
   * @param {Failure} reason
   */
  fail(reason) {
    this.#finish(reason);
  }

  /**
   * @param {string} verb
   * @param {number} patience
   * @param {(id: string) => Uint8Array} write
   * @returns {Promise<import("./frame.js").Frame>}
   */
  #post(verb, patience, write) {
    return new Promise((resolve, reject) => {
      if (this.#reason) throw this.#reason;
      const id = String(this.#last + 1);
      const bytes = write(id); // which refuses what is no parameter
      this.#last++;
      const timer = patience > 0
        ? setTimeout(() => this.#finish(new Failure("timeout", `no answer to ${verb}`)), patience)
        : undefined;
      this.#waiting.set(id, { verb, resolve, reject, timer });
      this.#write(bytes);
    });
  }

  /** @param {Uint8Array} bytes */
  #write(bytes) {
    if (this.#reason) throw this.#reason;
    try {
      this.#wire.send(bytes);
    } catch (thrown) {
      this.#finish(Failure.of(thrown));
    }
  }

  /** @param {Uint8Array} bytes */
  #take(bytes) {
    this.heard = Date.now();
    try {
      this.#splitter.push(bytes);
      for (let frame = this.#splitter.next(); frame && !this.#over; frame = this.#splitter.next()) {
        this.#onframe(frame);
        this.settle(frame);
      }
    } catch (thrown) {
      this.#finish(Failure.of(thrown, "protocol"));
    }
  }

  /**
   * Passes a frame to whoever waits for it.
   * @param {import("./frame.js").Frame} frame
   */
  settle(frame) {
    if (frame.code === 0 && !answers.has(frame.verb)) return;
    const waiting = this.#waiting.get(frame.arg(0));
    if (!waiting || frame.deferred) return;
    this.#waiting.delete(frame.arg(0));
    clearTimeout(waiting.timer);
    if (frame.code) waiting.reject(refusal(frame.code, waiting.verb));
    else waiting.resolve(frame);
  }

  /** @param {Failure} reason */
  #finish(reason) {
    if (this.#over) return;
    this.#over = true;
    this.#reason ??= reason;
    this.#wire.close();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(this.#reason);
    }
    this.#onend(this.#reason);
  }
}

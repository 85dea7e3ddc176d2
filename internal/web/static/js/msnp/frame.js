// Lines and payloads: cutting the byte stream into frames, and writing them.
// docs/protocol/wire.md

import { concat, fromLatin1, latin1, unescape } from "./bytes.js";
import { Failure } from "./failure.js";

const maxLine = 65536;
const maxPayload = 1 << 20;
const LF = 10;

/**
 * The verbs whose lines from a server are followed by a payload, with the number of their
 * parameters, the last of which is its length.
 */
const payloads = new Map([["MSG", 3], ["NOT", 1], ["IPG", 1]]);

/** One command of a server. */
export class Frame {
  /**
   * @param {string} verb
   * @param {string[]} args parameters; each character is a byte
   * @param {Uint8Array|null} payload
   */
  constructor(verb, args, payload = null) {
    this.verb = verb;
    this.args = args;
    this.payload = payload;
    /** Whether it is the beginning of an answer of many lines, which is given with the last. */
    this.deferred = false;
  }

  /**
   * The number of an error line, or 0.
   * @returns {number}
   */
  get code() {
    return /^[1-9][0-9]{2}$/.test(this.verb) ? Number(this.verb) : 0;
  }

  /**
   * A parameter, or "".
   * @param {number} i
   */
  arg(i) {
    return this.args[i] ?? "";
  }

  /**
   * A parameter as decoded text, or "".
   * @param {number} i
   */
  text(i) {
    return unescape(this.arg(i));
  }

  /**
   * A parameter that must be an unsigned number.
   * @param {number} i
   */
  number(i) {
    const word = this.arg(i);
    if (!/^[0-9]{1,15}$/.test(word)) throw new Failure("protocol", `${this.verb}: parameter ${i} is not a number`);
    return Number(word);
  }

  /**
   * Throws unless there are so many parameters.
   * @param {number} n
   */
  need(n) {
    if (this.args.length < n) throw new Failure("protocol", `${this.verb}: too few parameters`);
    return this;
  }
}

/** Cuts what comes from a server into frames, wherever its pieces end. */
export class Splitter {
  /** @type {Uint8Array} */
  #buffer = new Uint8Array(0);
  #start = 0; // of what was not yet used
  #seen = 0; // how far there is no end of a line

  /**
   * Adds bytes, which it copies.
   * @param {Uint8Array} bytes
   */
  push(bytes) {
    this.#buffer = concat(this.#buffer.subarray(this.#start), bytes);
    this.#seen -= this.#start;
    this.#start = 0;
  }

  /**
   * Takes the next whole frame.
   * @returns {Frame|null} null until more bytes come
   * @throws {Failure} when the stream cannot be understood any more
   */
  next() {
    for (;;) {
      const end = this.#buffer.indexOf(LF, Math.max(this.#seen, this.#start));
      if (end < 0) {
        this.#seen = this.#buffer.length;
        if (this.#seen - this.#start > maxLine) throw new Failure("protocol", "line too long");
        return null;
      }
      this.#seen = end;
      if (end - this.#start > maxLine) throw new Failure("protocol", "line too long");
      const words = latin1(this.#buffer.subarray(this.#start, end)).replace(/\r$/, "").split(/[ \t]+/).filter(Boolean);
      if (words.length === 0) {
        this.#start = end + 1;
        continue;
      }
      const frame = new Frame(words[0], words.slice(1));
      const size = payloadSize(frame);
      if (size < 0) {
        this.#start = end + 1;
        return frame;
      }
      const until = end + 1 + size;
      if (this.#buffer.length < until) return null;
      frame.payload = this.#buffer.slice(end + 1, until);
      this.#start = until;
      this.#seen = until;
      return frame;
    }
  }
}

/**
 * Returns how many bytes follow a line, or -1 for no payload.
 * @param {Frame} frame
 */
function payloadSize(frame) {
  const args = payloads.get(frame.verb);
  if (args === undefined || frame.args.length < args) return -1;
  if (frame.args.length > args) throw new Failure("protocol", `${frame.verb}: too many parameters`);
  const size = frame.number(args - 1);
  if (size > maxPayload) throw new Failure("protocol", `${frame.verb}: payload too long`);
  return size;
}

/**
 * Writes a line. A parameter is one word of printable ASCII: what is not is the caller's
 * mistake, and must not become a command of its own.
 * @param {string} verb
 * @param {...(string|number)} params
 * @returns {Uint8Array}
 */
export function line(verb, ...params) {
  for (const p of params) {
    if (!/^[\x21-\x7e]+$/.test(String(p))) throw new Failure("invalid", `${verb}: not a parameter`);
  }
  return fromLatin1([verb, ...params].join(" ") + "\r\n");
}

/**
 * Writes a line with a payload.
 * @param {Uint8Array} payload
 * @param {string} verb
 * @param {...(string|number)} params without the length
 * @returns {Uint8Array}
 */
export function withPayload(payload, verb, ...params) {
  return concat(line(verb, ...params, payload.length), payload);
}

// The header of a message, in the manner of MIME. docs/protocol/payloads.md#envelope

import { concat, fromUTF8, utf8 } from "./bytes.js";

/** Header lines in their order. */
export class Header {
  /** @param {[string, string][]} fields */
  constructor(fields = []) {
    this.fields = fields;
  }

  /**
   * The value of the first field of a name, in any letter case, or "".
   * @param {string} name
   */
  get(name) {
    const wanted = name.toLowerCase();
    return this.fields.find(([n]) => n.toLowerCase() === wanted)?.[1] ?? "";
  }

  /** The content type in lower case, without its parameters. */
  get type() {
    return this.get("Content-Type").split(";")[0].trim().toLowerCase();
  }

  /** Whether the content type names UTF-8. */
  get isUTF8() {
    return /;.*utf-8/i.test(this.get("Content-Type"));
  }
}

/**
 * Cuts a payload into its header and what follows the empty line. It never fails: a line
 * without a colon is left out, and a payload without an empty line is all header.
 * @param {Uint8Array} payload
 * @returns {{header: Header, body: Uint8Array}}
 */
export function parseMessage(payload) {
  /** @type {[string, string][]} */
  const fields = [];
  for (let at = 0; at < payload.length;) {
    const end = payload.indexOf(10, at);
    const line = fromUTF8(payload.subarray(at, end < 0 ? payload.length : end)).replace(/\r$/, "");
    at = end < 0 ? payload.length : end + 1;
    if (line === "") return { header: new Header(fields), body: payload.subarray(at) };
    const colon = line.indexOf(":");
    if (colon >= 0) fields.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return { header: new Header(fields), body: new Uint8Array(0) };
}

/**
 * Writes a message: its version, its type, more fields, an empty line, a body.
 * @param {string} type
 * @param {[string, string][]} fields
 * @param {Uint8Array} body
 * @returns {Uint8Array}
 */
export function message(type, fields, body) {
  const lines = [["MIME-Version", "1.0"], ["Content-Type", type], ...fields].map(([n, v]) => `${n}: ${v}\r\n`);
  return concat(utf8(lines.join("") + "\r\n"), body);
}

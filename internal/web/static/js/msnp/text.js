// Instant messages: their looks, and how a long one is cut. docs/protocol/payloads.md#types

import { escape, fromUTF8, latin1, unescape, utf8 } from "./bytes.js";
import { message } from "./header.js";

/** The most bytes of a payload on a switchboard. docs/protocol/limits.md#sizes */
export const maxMessage = 1664;

const formatField = "X-MMS-IM-Format";

/**
 * The looks of a text.
 * @typedef {object} Format
 * @property {string} [font]
 * @property {string} [effects] any of B bold, I italic, S strike-through, U underline
 * @property {number} [color] 24 bits: red, green, blue
 * @property {boolean} [rightToLeft]
 */

/** Exchanges red and blue. */
const swapped = (/** @type {number} */ c) => ((c & 0xff) << 16) | (c & 0xff00) | ((c >> 16) & 0xff);

/**
 * Writes the looks of a text. Colours go blue first.
 * @param {Format} format
 * @returns {string}
 */
export function writeFormat({ font = "", effects = "", color = 0, rightToLeft = false }) {
  const name = escape([...(font || "Arial")].slice(0, 31).join("")).replaceAll(";", "%3B");
  const effect = [..."BISU"].filter((e) => effects.includes(e)).join("");
  return `FN=${name}; EF=${effect}; CO=${swapped(color & 0xffffff).toString(16)}; CS=0; PF=22${rightToLeft ? "; RL=1" : ""}`;
}

/**
 * Reads the looks of a text. What it cannot read it leaves out.
 * @param {string} value
 * @returns {Required<Format>}
 */
export function readFormat(value) {
  const format = { font: "", effects: "", color: 0, rightToLeft: false };
  for (const field of value.split(";")) {
    const [key, ...rest] = field.trim().split("=");
    const v = rest.join("=");
    switch (key.toUpperCase()) {
      case "FN":
        format.font = unescape(latin1(utf8(v)));
        break;
      case "EF":
        format.effects = [..."BISU"].filter((e) => v.toUpperCase().includes(e)).join("");
        break;
      case "CO":
        if (/^[0-9a-f]{1,6}$/i.test(v)) format.color = swapped(parseInt(v, 16));
        break;
      case "RL":
        format.rightToLeft = v === "1";
    }
  }
  return format;
}

/**
 * Writes a text as the payloads that carry it, one after the other.
 * @param {string} text lines end in LF
 * @param {Format} [format]
 * @returns {Uint8Array[]}
 */
export function textPayloads(text, format = {}) {
  const wrap = (/** @type {Uint8Array} */ body) =>
    message("text/plain; charset=UTF-8", [[formatField, writeFormat(format)]], body);
  const room = maxMessage - wrap(new Uint8Array(0)).length;
  let rest = utf8(text.replace(/\r\n?|\n/g, "\r\n"));
  const all = [];
  do {
    const n = cut(rest, room);
    let piece = rest.subarray(0, n);
    rest = rest.subarray(n);
    // The end of a message is the end of its last line.
    if (rest.length > 0 && piece.at(-1) === 10) piece = piece.subarray(0, -2);
    all.push(wrap(piece));
  } while (rest.length > 0);
  return all;
}

/**
 * Returns how many bytes of a text to send first: all if there is room, else up to the end of
 * a line or a word that is not too far back, else up to the end of a character.
 * @param {Uint8Array} text with lines that end in CR LF
 * @param {number} room
 */
function cut(text, room) {
  if (text.length <= room) return text.length;
  const first = text.subarray(0, room);
  for (const end of [10, 32]) {
    const i = first.lastIndexOf(end);
    if (i > room / 2) return i + 1;
  }
  let n = room;
  while (n > 1 && ((text[n] & 0xc0) === 0x80 || text[n] === 10)) n--;
  return n;
}

/**
 * Reads the body of an instant message. Without a word about the character set it is ISO
 * 8859-1.
 * @param {import("./header.js").Header} header
 * @param {Uint8Array} body
 * @returns {{text: string, format: Required<Format>}}
 */
export function readText(header, body) {
  const text = header.isUTF8 ? fromUTF8(body) : latin1(body);
  return { text: text.replace(/\r\n?/g, "\n"), format: readFormat(header.get(formatField)) };
}

// MD5 of RFC 1321, for challenges alone: browsers have none.

import { hex } from "./bytes.js";

const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const sines = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/**
 * Pads a message to whole blocks of 64 bytes, as MD5 and SHA-1 do.
 * @param {Uint8Array} message
 * @param {boolean} littleEndian how the length is written
 * @returns {DataView}
 */
export function padded(message, littleEndian) {
  const view = new DataView(new ArrayBuffer(((message.length + 72) >>> 6) << 6));
  new Uint8Array(view.buffer).set(message);
  view.setUint8(message.length, 0x80);
  view.setBigUint64(view.byteLength - 8, BigInt(message.length) * 8n, littleEndian);
  return view;
}

/**
 * Digests a message.
 * @param {Uint8Array} message
 * @returns {Uint8Array} 16 bytes
 */
export function md5(message) {
  const view = padded(message, true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < view.byteLength; block += 64) {
    let [a, b, c, d] = state;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      let f, word;
      if (round === 0) [f, word] = [(b & c) | (~b & d), i];
      else if (round === 1) [f, word] = [(d & b) | (~d & c), (5 * i + 1) & 15];
      else if (round === 2) [f, word] = [b ^ c ^ d, (3 * i + 5) & 15];
      else [f, word] = [c ^ (b | ~d), (7 * i) & 15];
      const sum = (a + f + sines[i] + view.getInt32(block + 4 * word, true)) | 0;
      const by = shifts[4 * round + (i & 3)];
      [a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) | 0];
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => out.setInt32(4 * i, word, true));
  return new Uint8Array(out.buffer);
}

/**
 * Digests a message to 32 hexadecimal digits.
 * @param {Uint8Array} message
 * @returns {string}
 */
export const md5Hex = (message) => hex(md5(message));

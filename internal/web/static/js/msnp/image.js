// What kind of image something is, and how large it says it is. What strangers send may be
// anything: a few bytes can stand for more pixels than a machine has memory for.

const maxSide = 1024; // pixels; what clients exchange has 96 by 96 at most

/**
 * Finds the sizes that an image says it, and each picture in it, has.
 * @typedef {(view: DataView) => [number, number][]} Measure
 */

/** @type {Measure} */
const png = (view) => [[view.getUint32(16), view.getUint32(20)]];

/** @type {Measure} */
const bmp = (view) => view.getUint32(14, true) === 12
  ? [[view.getUint16(18, true), view.getUint16(20, true)]]
  : [[view.getInt32(18, true), Math.abs(view.getInt32(22, true))]]; // upside down when negative

/** @type {Measure} */
function gif(view) {
  const table = (/** @type {number} */ flags) => (flags & 0x80 ? 3 * (2 << (flags & 7)) : 0);
  /** @type {[number, number][]} */
  const sizes = [[view.getUint16(6, true), view.getUint16(8, true)]];
  for (let at = 13 + table(view.getUint8(10)); at < view.byteLength && view.getUint8(at) !== 0x3b;) {
    if (view.getUint8(at) === 0x2c) {
      const [left, top, width, height] = [1, 3, 5, 7].map((i) => view.getUint16(at + i, true));
      sizes.push([left + width, top + height]);
      at += 11 + table(view.getUint8(at + 9));
    } else {
      at += 2; // an extension
    }
    while (at < view.byteLength && view.getUint8(at) > 0) at += 1 + view.getUint8(at);
    at++;
  }
  return sizes.length > 1 ? sizes : [];
}

/** @type {Measure} */
function jpeg(view) {
  for (let at = 2; view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return [[view.getUint16(at + 7), view.getUint16(at + 5)]];
    if (marker === 0xda) break; // data, of nothing that was described
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return [];
}

const kinds = [
  { type: "image/png", bytes: [0x89, 0x50, 0x4e, 0x47], measure: png },
  { type: "image/gif", bytes: [0x47, 0x49, 0x46, 0x38], measure: gif },
  { type: "image/jpeg", bytes: [0xff, 0xd8, 0xff], measure: jpeg },
  { type: "image/bmp", bytes: [0x42, 0x4d], measure: bmp },
];

/**
 * Tells what kind of image something is, by its first bytes. Nothing else is to be shown.
 * @param {Uint8Array} data
 * @returns {string} a media type, or "" for what is no image or too large a one
 */
export function imageType(data) {
  const kind = kinds.find(({ bytes }) => bytes.every((b, i) => data[i] === b));
  if (!kind) return "";
  try {
    const sizes = kind.measure(new DataView(data.buffer, data.byteOffset, data.length));
    const fit = sizes.every((size) => size.every((side) => side > 0 && side <= maxSide));
    return fit && sizes.length > 0 ? kind.type : "";
  } catch {
    return ""; // it ends too early
  }
}

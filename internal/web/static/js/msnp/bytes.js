// Bytes and the ways in which MSNP writes them as text.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Encodes text as UTF-8. Half a surrogate pair becomes U+FFFD.
 * @param {string} text
 * @returns {Uint8Array}
 */
export const utf8 = (text) => encoder.encode(text);

/**
 * Decodes UTF-8. What is none becomes U+FFFD.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export const fromUTF8 = (bytes) => decoder.decode(bytes);

/**
 * Makes one character of each byte.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function latin1(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return text;
}

/**
 * Makes one byte of each character, of which it takes the lowest eight bits.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function fromLatin1(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Joins pieces into an array of its own.
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Writes bytes as hexadecimal digits in lower case.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/**
 * Writes bytes in base64.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export const base64 = (bytes) => btoa(latin1(bytes));

/**
 * Reads base64.
 * @param {string} text
 * @returns {Uint8Array|null} null when it is none
 */
export function fromBase64(text) {
  try {
    return fromLatin1(atob(text));
  } catch {
    return null;
  }
}

/**
 * Writes text as a parameter: bytes 0x21 to 0x7E but % as they are, the others as % and two
 * digits. docs/protocol/wire.md#text
 * @param {string} text
 * @returns {string}
 */
export function escape(text) {
  let out = "";
  for (const b of utf8(text)) {
    out += b > 0x20 && b < 0x7f && b !== 0x25
      ? String.fromCharCode(b)
      : "%" + b.toString(16).toUpperCase().padStart(2, "0");
  }
  return out;
}

/**
 * Reads a parameter, of which each character is a byte. A percent sign without two digits
 * stands for itself, and a plus sign is a plus sign.
 * @param {string} param
 * @returns {string}
 */
export function unescape(param) {
  const raw = param.replace(/%([0-9A-Fa-f]{2})/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  return fromUTF8(fromLatin1(raw));
}

// MSNObjects, which name pictures that can be fetched. docs/protocol/payloads.md#msnobject

import { base64, fromBase64, hex, utf8 } from "./bytes.js";
import { sha1 } from "./sha1.js";

/** The types of objects. */
export const emoticonType = 2;
export const pictureType = 3;

/** The most bytes of an object that we fetch or give. */
export const maxObject = 1 << 20;

/** The most characters of a description. Others are longer only to keep us busy. */
const maxText = 4096;

/**
 * The description of a picture or an emoticon.
 * @typedef {object} MSNObject
 * @property {string} creator handle
 * @property {number} size bytes
 * @property {number} type
 * @property {string} location the owner's name for it
 * @property {string} friendly base64 of a name in UTF-16
 * @property {string} sha1d base64 of the SHA-1 of the data
 * @property {string} text as its owner wrote it
 */

/** @type {Record<string, string>} */
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;" };
const named = new Map([["amp", "&"], ["lt", "<"], ["gt", ">"], ["quot", '"'], ["apos", "'"]]);

const quote = (/** @type {string} */ text) => text.replace(/[&<>"'\t\n\r]/g, (c) => entities[c]);

/**
 * Resolves what XML escapes. What it does not know it leaves as it is.
 * @param {string} text
 * @returns {string}
 */
export function unquote(text) {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi, (whole, sixteen, ten, name) => {
    if (name) return named.get(name) ?? whole;
    const point = sixteen ? parseInt(sixteen, 16) : Number(ten);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/**
 * Describes data that somebody offers.
 * @param {string} creator handle
 * @param {number} type
 * @param {Uint8Array} data
 * @param {string} [location] made of the data when missing
 * @returns {MSNObject}
 */
export function newObject(creator, type, data, location = "") {
  const digest = sha1(data);
  const sha1d = base64(digest);
  location ||= `TFR${hex(digest.subarray(0, 4))}.dat`;
  const friendly = "AAA=";
  const checksum = base64(sha1(utf8(
    `Creator${creator}Size${data.length}Type${type}Location${location}Friendly${friendly}SHA1D${sha1d}`)));
  const text = `<msnobj Creator="${quote(creator)}" Size="${data.length}" Type="${type}" Location="${quote(location)}" ` +
    `Friendly="${friendly}" SHA1D="${sha1d}" SHA1C="${checksum}"/>`;
  return { creator, size: data.length, type, location, friendly, sha1d, text };
}

/**
 * Reads the text of an object. Attributes it does not know are ignored, and SHA1C is not
 * verified: later clients add the one and leave out the other.
 * @param {string} text
 * @returns {MSNObject|null} null when it is none
 */
export function parseObject(text) {
  if (text.length > maxText) return null;
  const element = /^\s*<msnobj\s+([^<>]*?)\/?>/.exec(text.replace(/\0+$/, ""));
  if (!element) return null;
  /** @type {Map<string, string>} */
  const attributes = new Map();
  for (const [, name, value] of element[1].matchAll(/([A-Za-z0-9]+)\s*=\s*"([^"]*)"/g)) attributes.set(name, unquote(value));
  const creator = attributes.get("Creator") ?? "";
  const size = attributes.get("Size") ?? "";
  const digest = fromBase64(attributes.get("SHA1D") ?? "");
  if (creator === "" || !/^[0-9]{1,10}$/.test(size) || digest?.length !== 20) return null;
  return {
    creator: creator.toLowerCase(), size: Number(size), type: Number(attributes.get("Type")) || 0,
    location: attributes.get("Location") ?? "", friendly: attributes.get("Friendly") ?? "", sha1d: base64(digest), text,
  };
}

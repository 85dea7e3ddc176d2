// Custom emoticons: which pictures the shortcuts in a text stand for.

import { fromUTF8, latin1, unescape, utf8 } from "./bytes.js";
import { message } from "./header.js";
import { emoticonType, newObject, parseObject } from "./object.js";
import { maxMessage } from "./text.js";

/**
 * An emoticon of ours.
 * @typedef {object} Emoticon
 * @property {Uint8Array} data an image, best a PNG or GIF of 19 by 19 pixels up to 50 by 50
 * @property {string} [location] our name for it
 */

const type = "text/x-mms-emoticon";
const perMessage = 5;
/** The most emoticons that are read from one message, and that are shown in one. */
const maxRead = 64;
const maxPieces = 200;
/** The most characters of a shortcut of others. Some clients have longer ones than ours. */
const maxShortcut = 32;

/**
 * Reports whether something can be a shortcut.
 * @param {string} shortcut
 */
export const isShortcut = (shortcut) => shortcut.trim() !== "" && [...shortcut].length <= 7 && !/[\t\r\n]/.test(shortcut);

/**
 * Writes the messages that say which pictures the shortcuts of a text are.
 * @param {string} text
 * @param {Map<string, Emoticon>} emoticons by shortcut
 * @param {string} creator our handle
 * @returns {{payloads: Uint8Array[], objects: Map<string, import("./object.js").MSNObject>}} objects by shortcut
 */
export function announce(text, emoticons, creator) {
  /** @type {Map<string, import("./object.js").MSNObject>} */
  const objects = new Map();
  /** @type {Uint8Array[]} */
  const payloads = [];
  let entries = "";
  let count = 0;
  const flush = () => {
    if (count > 0) payloads.push(message(type, [], utf8(entries)));
    entries = "";
    count = 0;
  };
  for (const [shortcut, { data, location }] of emoticons) {
    if (!text.includes(shortcut) || !isShortcut(shortcut)) continue;
    const object = newObject(creator, emoticonType, data, location);
    const entry = `${shortcut}\t${object.text}\t`;
    if (message(type, [], utf8(entry)).length > maxMessage) continue;
    if (count === perMessage || message(type, [], utf8(entries + entry)).length > maxMessage) flush();
    entries += entry;
    count++;
    objects.set(shortcut, object);
  }
  flush();
  return { payloads, objects };
}

/**
 * Reads an announcement: shortcuts and objects, each followed by a tab.
 * @param {Uint8Array} body
 * @returns {Map<string, import("./object.js").MSNObject>} by shortcut
 */
export function readAnnouncement(body) {
  const objects = new Map();
  const words = fromUTF8(body).split("\t");
  for (let i = 0; i + 1 < words.length && objects.size < maxRead; i += 2) {
    const text = /^%3c/i.test(words[i + 1]) ? unescape(latin1(utf8(words[i + 1]))) : words[i + 1];
    const object = parseObject(text);
    if (object && words[i].trim() !== "" && words[i].length <= maxShortcut) objects.set(words[i], object);
  }
  return objects;
}

/**
 * Cuts a text at its shortcuts, the longest first. After very many of them the rest is text.
 * @param {string} text
 * @param {Map<string, import("./object.js").MSNObject>} objects by shortcut
 * @returns {(string|{shortcut: string, object: import("./object.js").MSNObject})[]}
 */
export function pieces(text, objects) {
  const shortcuts = [...objects.keys()].sort((a, b) => b.length - a.length);
  /** @type {(string|{shortcut: string, object: import("./object.js").MSNObject})[]} */
  const out = [];
  let plain = "";
  let found = 0;
  for (let at = 0; at < text.length;) {
    const shortcut = found < maxPieces ? shortcuts.find((s) => text.startsWith(s, at)) : undefined;
    const object = shortcut && objects.get(shortcut);
    if (!shortcut || !object) {
      plain += text[at++];
      continue;
    }
    if (plain !== "") out.push(plain);
    plain = "";
    found++;
    out.push({ shortcut, object });
    at += shortcut.length;
  }
  if (plain !== "") out.push(plain);
  return out;
}

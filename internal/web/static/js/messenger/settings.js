// What this browser keeps for one account: picture, emoticons, looks, and what was being typed.

import { base64, fromBase64 } from "../msnp/bytes.js";

/**
 * @typedef {object} Kept
 * @property {string} [picture] base64
 * @property {[string, string][]} [emoticons] shortcut and base64
 * @property {boolean} [sounds]
 * @property {boolean} [notify]
 * @property {boolean} [byStatus] whether contacts are sorted by status instead of groups
 * @property {string[]} [closed] keys of groups that are folded
 * @property {import("../msnp/text.js").Format} [format]
 * @property {string} [status]
 */

/** The settings of one account in this browser. */
export class Settings {
  #key;
  /** @type {Kept} */
  #kept = {};

  /** @param {string} handle */
  constructor(handle) {
    this.#key = "messenger " + handle;
    this.#kept = read(localStorage, this.#key) ?? {};
  }

  /**
   * @template {keyof Kept} K
   * @param {K} name
   * @returns {Kept[K]}
   */
  get(name) {
    return this.#kept[name];
  }

  /**
   * Keeps something, if the browser has room.
   * @template {keyof Kept} K
   * @param {K} name
   * @param {Kept[K]} value
   * @returns {boolean}
   */
  set(name, value) {
    this.#kept[name] = value;
    return write(localStorage, this.#key, this.#kept);
  }

  get picture() {
    return this.#kept.picture ? fromBase64(this.#kept.picture) : null;
  }

  set picture(data) {
    this.set("picture", data ? base64(data) : undefined);
  }

  /** @returns {Map<string, import("../msnp/emoticons.js").Emoticon>} */
  get emoticons() {
    const all = new Map();
    for (const [shortcut, text] of this.#kept.emoticons ?? []) {
      const data = fromBase64(text);
      if (data) all.set(shortcut, { data });
    }
    return all;
  }

  set emoticons(all) {
    this.set("emoticons", [...all].map(([shortcut, { data }]) => [shortcut, base64(data)]));
  }

  /** What was typed and not sent, by handle, for when the page is loaded again. */
  drafts() {
    return new Map(Object.entries(read(sessionStorage, this.#key) ?? {}));
  }

  /**
   * @param {string} handle
   * @param {string} text
   */
  draft(handle, text) {
    const all = read(sessionStorage, this.#key) ?? {};
    if (text === "") delete all[handle];
    else all[handle] = text;
    write(sessionStorage, this.#key, all);
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    const value = JSON.parse(storage.getItem(key) ?? "null");
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {unknown} value
 */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // no room, or none allowed
  }
}

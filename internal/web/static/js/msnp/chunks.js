// Messages that other clients have cut into several: the first has a header and says how many
// there are, the others have a number. docs/protocol/payloads.md#envelope

import { concat } from "./bytes.js";
import { Header, parseMessage } from "./header.js";

const maxChunks = 64;
const maxPartial = 4; // messages of one person that are not whole

/** Joins the pieces of one conversation. */
export class Chunks {
  /** @type {Map<string, {header: Header, parts: Uint8Array[], count: number}>} */
  #partial = new Map();

  /**
   * Takes a payload, and returns the message that is whole with it.
   * @param {string} from handle
   * @param {Uint8Array} payload
   * @returns {{header: Header, body: Uint8Array}|null}
   */
  take(from, payload) {
    const { header, body } = parseMessage(payload);
    const id = header.get("Message-ID");
    const count = Number(header.get("Chunks")) || 0;
    const number = Number(header.get("Chunk")) || 0;
    if (id === "" || (count <= 1 && number === 0)) return { header, body };
    const key = `${from} ${id.slice(0, 100)}`;
    if (count > 1) {
      if (count <= maxChunks) this.#begin(from, key, { header, parts: [body], count });
      return null;
    }
    const whole = this.#partial.get(key);
    if (!whole) return null;
    if (number !== whole.parts.length) {
      this.#partial.delete(key);
      return null;
    }
    whole.parts.push(body);
    if (whole.parts.length < whole.count) return null;
    this.#partial.delete(key);
    return { header: whole.header, body: concat(...whole.parts) };
  }

  /**
   * @param {string} from
   * @param {string} key
   * @param {{header: Header, parts: Uint8Array[], count: number}} message
   */
  #begin(from, key, message) {
    const his = [...this.#partial.keys()].filter((k) => k.startsWith(from + " "));
    if (his.length >= maxPartial) this.#partial.delete(his[0]);
    this.#partial.set(key, message);
  }

  /**
   * Forgets what somebody has not finished.
   * @param {string} from handle
   */
  forget(from) {
    for (const key of this.#partial.keys()) {
      if (key.startsWith(from + " ")) this.#partial.delete(key);
    }
  }
}

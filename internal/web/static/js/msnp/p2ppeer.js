// Somebody with whom there are transfers, and what of them is kept.

import { Identifiers, isLast } from "./p2pmessage.js";

// What he, who may be anybody, can make us keep.
const maxText = 64 << 10; // bytes of an MSNSLP message
const maxPartial = 4; // unfinished ones

/** A number to count from, or to name something with. libpurple reads an int. */
export const random = () => 256 + Math.floor(Math.random() * (2 ** 31 - 512));

/**
 * One transfer.
 * @typedef {object} Session
 * @property {Peer} peer
 * @property {"fetch"|"serve"} kind
 * @property {number} id
 * @property {string} callID
 * @property {string} branch of the invitation
 * @property {number} size
 * @property {Uint8Array|null} data what we serve
 * @property {"invited"|"agreed"|"preparing"|"moving"|"over"} step
 * @property {number} awaits the message whose acknowledgement leads on, or 0
 * @property {Uint8Array|null} whole what is received, as far as it has come
 * @property {number} got bytes received
 * @property {number} message identifier of the data
 * @property {ReturnType<typeof setTimeout>|undefined} timer
 * @property {(failure: import("./failure.js").Failure|null) => void} done
 */

/** Somebody in the conversation, as long as he is there. */
export class Peer {
  /** @type {Map<number, Session>} */
  sessions = new Map();
  /** @type {Map<number, {whole: Uint8Array, have: number}>} MSNSLP messages as far as they have come, by identifier, oldest first */
  partial = new Map();
  ids = new Identifiers(random());

  /** @param {string} handle */
  constructor(handle) {
    this.handle = handle;
  }

  /** @param {string} callID */
  call(callID) {
    return [...this.sessions.values()].find((s) => s.callID === callID);
  }

  /**
   * Adds a part of an MSNSLP message and returns the whole after the last. Parts of one come in
   * order; what does not fit is forgotten together with its message.
   * @param {import("./p2pmessage.js").P2PMessage} m
   * @returns {Uint8Array|null}
   */
  assemble(m) {
    if (m.total > maxText) return null;
    if (m.offset === 0 && isLast(m)) return m.data;
    const text = this.partial.get(m.id) ?? { whole: new Uint8Array(m.total), have: 0 };
    if (text.have > 0 && m.offset + m.data.length <= text.have) return null; // came twice
    if (m.data.length === 0 || m.offset !== text.have || m.total !== text.whole.length) {
      this.partial.delete(m.id);
      return null;
    }
    if (text.have === 0 && this.partial.size >= maxPartial) this.partial.delete([...this.partial.keys()][0]);
    text.whole.set(m.data, text.have);
    text.have += m.data.length;
    this.partial.set(m.id, text);
    if (!isLast(m)) return null;
    this.partial.delete(m.id);
    return text.whole;
  }
}

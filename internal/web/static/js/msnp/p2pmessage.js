// The binary messages of transfers between clients. docs/protocol/payloads.md#p2p

const headerSize = 48;

/** The most data that one message carries. */
export const maxData = 1202;

/** The flags. */
export const flags = {
  text: 0x00,
  ack: 0x02,
  object: 0x20,
  /** set by later clients on anything */
  later: 0x01000000,
  dataBits: 0x30,
  failureBits: 0x01 | 0x08 | 0x40 | 0x80,
};

/** The footer of objects; texts and acknowledgements have 0. */
export const objectFooter = 1;

/**
 * A part of something longer, all of something short, or an acknowledgement.
 * @typedef {object} P2PMessage
 * @property {number} session 0 while negotiating
 * @property {number} id the same in all parts
 * @property {number} offset of the data in the whole
 * @property {number} total bytes of the whole
 * @property {number} flags
 * @property {number} ackID in an acknowledgement the id of what is acknowledged, else random
 * @property {number} ackUID in an acknowledgement the ackID of what is acknowledged
 * @property {number} ackSize in an acknowledgement the total of what is acknowledged
 * @property {Uint8Array} data
 * @property {number} footer
 */

/**
 * Fills in what is not given.
 * @param {Partial<P2PMessage>} fields
 * @returns {P2PMessage}
 */
export function newMessage(fields) {
  return {
    session: 0, id: 0, offset: 0, total: 0, flags: 0, ackID: 0, ackUID: 0, ackSize: 0, data: new Uint8Array(0), footer: 0,
    ...fields,
  };
}

/**
 * Makes the acknowledgement of the whole that m is the last part of.
 * @param {P2PMessage} m
 * @param {number} id
 * @returns {P2PMessage}
 */
export function acknowledgement(m, id) {
  return newMessage({
    session: m.session, id, total: m.total, flags: flags.ack, ackID: m.id, ackUID: m.ackID, ackSize: m.total,
  });
}

/**
 * Reports whether the whole ends with this part.
 * @param {P2PMessage} m
 */
export const isLast = (m) => m.offset + m.data.length >= m.total;

/**
 * Writes a message: header, data, footer.
 * @param {P2PMessage} m
 * @returns {Uint8Array}
 */
export function writeP2P(m) {
  const out = new Uint8Array(headerSize + m.data.length + 4);
  const view = new DataView(out.buffer);
  view.setUint32(0, m.session, true);
  view.setUint32(4, m.id, true);
  view.setBigUint64(8, BigInt(m.offset), true);
  view.setBigUint64(16, BigInt(m.total), true);
  view.setUint32(24, m.data.length, true);
  view.setUint32(28, m.flags, true);
  view.setUint32(32, m.ackID, true);
  view.setUint32(36, m.ackUID, true);
  view.setBigUint64(40, BigInt(m.ackSize), true);
  out.set(m.data, headerSize);
  view.setUint32(headerSize + m.data.length, m.footer);
  return out;
}

/**
 * Reads a message. A part that does not lie inside its whole is refused; a footer that is
 * missing counts as 0, because nothing depends on it.
 * @param {Uint8Array} body
 * @returns {P2PMessage|null} null when it is none
 */
export function readP2P(body) {
  if (body.length < headerSize) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const long = (/** @type {number} */ at) => Number(view.getBigUint64(at, true));
  const length = view.getUint32(24, true);
  const offset = long(8);
  const total = long(16);
  if (length > body.length - headerSize || total > Number.MAX_SAFE_INTEGER || offset + length > total) return null;
  const after = headerSize + length;
  return {
    session: view.getUint32(0, true), id: view.getUint32(4, true), offset, total, flags: view.getUint32(28, true),
    ackID: view.getUint32(32, true), ackUID: view.getUint32(36, true), ackSize: long(40),
    data: body.subarray(headerSize, after),
    footer: body.length >= after + 4 ? view.getUint32(after) : 0,
  };
}

/**
 * Counts identifiers of messages. Who is invited begins as the official client does: his first
 * acknowledgement, then three before it, then on after it.
 * docs/protocol/payloads.md#object-transfer
 */
export class Identifiers {
  #base;
  #count = 0;
  #invited = false;

  /** @param {number} base */
  constructor(base) {
    this.#base = base;
  }

  /** @param {boolean} ack whether it is for an acknowledgement */
  next(ack = false) {
    if (this.#count === 0) this.#invited = ack;
    const i = this.#count++;
    if (!this.#invited || i === 0) return this.#base + i;
    return this.#base + (i <= 3 ? i - 4 : i - 3);
  }
}

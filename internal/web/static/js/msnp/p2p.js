// Transfers of pictures and emoticons with the others of one conversation: agreeing in MSNSLP,
// cutting and joining, acknowledging, giving up. Files and webcams are declined.
// docs/protocol/payloads.md#object-transfer

import { base64, fromBase64, fromUTF8, utf8 } from "./bytes.js";
import { Failure } from "./failure.js";
import { maxObject, parseObject } from "./object.js";
import { acknowledgement, flags, isLast, maxData, newMessage, objectFooter, readP2P, writeP2P } from "./p2pmessage.js";
import { Peer, random } from "./p2ppeer.js";
import { sha1 } from "./sha1.js";
import { OK, declined, internalError, newGUID, objectAppID, objectGUID, readSLP, types, value, writeSLP } from "./slp.js";

// What the others, who may be anybody, can make us keep.
const maxServed = 16; // objects that one person fetches at a time
const maxFlying = 256; // messages that the server has not answered; then requests are ignored
const maxToken = 100; // characters of a Call-ID or branch
const window = 8; // parts of one object on the way to the server

/**
 * What the engine needs of its conversation.
 * @typedef {object} P2PHost
 * @property {string} self our handle
 * @property {(to: string, body: Uint8Array) => Promise<unknown>} post sends a body, after those before; it settles when the server knows its fate
 * @property {(sha1d: string) => Uint8Array|undefined} object the data of something we have announced
 * @property {number} [patience] milliseconds without progress; a minute
 */

/** The transfers of one conversation. */
export class P2P {
  #host;
  #patience;
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  #flying = 0;
  /** @type {Failure|null} */
  #closed = null;

  /** @param {P2PHost} host */
  constructor(host) {
    this.#host = host;
    this.#patience = host.patience ?? 60_000;
  }

  /** Whether somebody is fetching something from us. */
  get serving() {
    return [...this.#peers.values()].some((p) => [...p.sessions.values()].some((s) => s.kind === "serve"));
  }

  /**
   * Takes a body that somebody sent to us. Bodies come in the order they were sent.
   * @param {string} from handle
   * @param {Uint8Array} body
   */
  receive(from, body) {
    const m = readP2P(body);
    if (!m || this.#closed) return;
    const peer = this.#peer(from);
    const kind = m.flags & ~flags.later;
    const session = m.session === 0 ? undefined : peer.sessions.get(m.session);
    if (kind === flags.ack) this.#acknowledged(peer, m);
    else if (m.flags & flags.failureBits) session && this.#end(session, new Failure("closed", `flags ${m.flags}`));
    else if (m.flags & flags.dataBits) session && this.#part(session, m);
    else if (kind !== flags.text || this.#flying >= maxFlying) return;
    else if (m.session === 0) this.#text(peer, m);
    else if (session?.kind === "fetch" && isLast(m)) this.#send(peer, acknowledgement(m, peer.ids.next(true)), null);
  }

  /**
   * Gets an object that somebody has announced.
   * @param {string} from handle
   * @param {import("./object.js").MSNObject} object
   * @returns {Promise<Uint8Array>} data of the size and the hash that the object says
   */
  fetch(from, object) {
    if (this.#closed) return Promise.reject(this.#closed);
    if (object.size > maxObject || object.size === 0) return Promise.reject(new Failure("toolarge"));
    return new Promise((resolve, reject) => {
      const s = this.#session(this.#peer(from), "fetch", random(), newGUID(), newGUID(), object.size);
      s.done = (failure) => {
        if (failure) return reject(failure);
        const data = s.whole ?? new Uint8Array(0);
        if (base64(sha1(data)) !== object.sha1d) return reject(new Failure("damaged", `hash of what ${from} sent`));
        resolve(data);
      };
      this.#say(s, {
        method: "INVITE", branch: s.branch, type: types.session, body: [
          ["EUF-GUID", objectGUID],
          ["SessionID", String(s.id)],
          ["AppID", String(objectAppID)],
          // The official client ends the text with a NUL; nobody minds it.
          ["Context", base64(utf8(object.text + "\0"))],
        ],
      });
    });
  }

  /**
   * Ends what goes on with somebody who is no longer there.
   * @param {string} handle
   */
  left(handle) {
    const peer = this.#peers.get(handle);
    this.#peers.delete(handle);
    for (const s of peer?.sessions.values() ?? []) this.#end(s, new Failure("closed", `${handle} has left`));
  }

  /**
   * Ends everything, because the conversation has ended.
   * @param {Failure} failure
   */
  close(failure) {
    this.#closed ??= failure;
    for (const handle of [...this.#peers.keys()]) this.left(handle);
  }

  /** @param {string} handle */
  #peer(handle) {
    let peer = this.#peers.get(handle);
    if (!peer) this.#peers.set(handle, (peer = new Peer(handle)));
    return peer;
  }

  /**
   * @param {Peer} peer
   * @param {"fetch"|"serve"} kind
   * @param {number} id
   * @param {string} callID
   * @param {string} branch
   * @param {number} size
   * @returns {import("./p2ppeer.js").Session}
   */
  #session(peer, kind, id, callID, branch, size) {
    while (kind === "fetch" && peer.sessions.has(id)) id = random();
    /** @type {import("./p2ppeer.js").Session} */
    const s = {
      peer, kind, id, callID, branch, size, data: null, step: "invited", awaits: 0, whole: null, got: 0, message: 0,
      timer: undefined, done: () => {},
    };
    peer.sessions.set(id, s);
    this.#moved(s);
    return s;
  }

  /**
   * Gives a session more time, because it goes on.
   * @param {import("./p2ppeer.js").Session} s
   */
  #moved(s) {
    if (s.step === "over") return;
    clearTimeout(s.timer);
    // Who waits for data knows better that none comes.
    const patience = s.kind === "serve" ? 2 * this.#patience : this.#patience;
    s.timer = setTimeout(() => this.#bye(s, new Failure("timeout", `transfer with ${s.peer.handle}`)), patience);
  }

  /**
   * @param {import("./p2ppeer.js").Session} s
   * @param {Failure|null} failure
   */
  #end(s, failure) {
    if (s.step === "over") return;
    s.step = "over";
    s.awaits = 0;
    clearTimeout(s.timer);
    if (s.peer.sessions.get(s.id) === s) s.peer.sessions.delete(s.id);
    s.done(failure);
  }

  /**
   * Says that a session is over, and ends it.
   * @param {import("./p2ppeer.js").Session} s
   * @param {Failure|null} failure
   */
  #bye(s, failure) {
    if (s.step === "over") return;
    this.#say(s, { method: "BYE", branch: newGUID(), type: types.close, body: [] });
    this.#end(s, failure);
  }

  /**
   * Sends an MSNSLP message about a session and returns its identifier.
   * @param {import("./p2ppeer.js").Session} s
   * @param {Partial<import("./slp.js").SLP>} m
   */
  #say(s, m) {
    const data = writeSLP({
      method: "", status: 0, cseq: 0, branch: "", type: "", body: [],
      to: s.peer.handle, from: this.#host.self, callID: s.callID, ...m,
    });
    const id = s.peer.ids.next();
    this.#send(s.peer, newMessage({ id, total: data.length, ackID: random(), data }), s);
    return id;
  }

  /**
   * Sends a message in as many parts as it needs. A session whose message cannot be sent is over.
   * @param {Peer} peer
   * @param {import("./p2pmessage.js").P2PMessage} m
   * @param {import("./p2ppeer.js").Session|null} s
   */
  #send(peer, m, s) {
    const whole = m.data;
    let offset = 0;
    do {
      const data = whole.subarray(offset, offset + maxData);
      this.#post(peer, { ...m, offset, data }).catch((thrown) => s && this.#end(s, Failure.of(thrown)));
      offset += maxData;
    } while (offset < whole.length);
  }

  /**
   * @param {Peer} peer
   * @param {import("./p2pmessage.js").P2PMessage} m
   */
  async #post(peer, m) {
    this.#flying++;
    try {
      await this.#host.post(peer.handle, writeP2P(m));
    } finally {
      this.#flying--;
    }
  }

  /**
   * Takes a part of an MSNSLP message.
   * @param {Peer} peer
   * @param {import("./p2pmessage.js").P2PMessage} m
   */
  #text(peer, m) {
    const text = peer.assemble(m);
    if (!text) return;
    this.#send(peer, acknowledgement(m, peer.ids.next(true)), null);
    const slp = readSLP(text);
    if (!slp || slp.callID.length > maxToken || slp.branch.length > maxToken) return;
    const s = peer.call(slp.callID);
    if (slp.method === "INVITE" && slp.type === types.session) this.#invited(peer, slp);
    else if (slp.method === "INVITE" && slp.type === types.transport && s) this.#noBridge(s, slp);
    else if (slp.method === "BYE" && s) this.#end(s, new Failure("closed", "ended by the other side"));
    else if (slp.method === "" && s) this.#answered(s, slp);
  }

  /**
   * Takes the answer to an invitation of ours.
   * @param {import("./p2ppeer.js").Session} s
   * @param {import("./slp.js").SLP} m
   */
  #answered(s, m) {
    if (s.step !== "invited" || s.kind !== "fetch" || m.type === types.transportAnswer) return;
    if (m.status === OK) {
      s.step = "agreed";
      this.#moved(s);
    } else {
      this.#end(s, new Failure(m.status === declined ? "declined" : "missing", `answer ${m.status}`));
    }
  }

  /**
   * Takes an invitation to a session.
   * @param {Peer} peer
   * @param {import("./slp.js").SLP} m
   */
  #invited(peer, m) {
    const id = /^[0-9]{1,10}$/.test(value(m, "SessionID")) ? Number(value(m, "SessionID")) : 0;
    const context = fromBase64(value(m, "Context"));
    const answer = (/** @type {number} */ status) => ({
      status, branch: m.branch, cseq: 1, type: types.session,
      body: /** @type {[string, string][]} */ ([["SessionID", String(id)]]),
    });
    const refuse = (/** @type {number} */ status) => {
      const nobody = /** @type {import("./p2ppeer.js").Session} */ ({ peer, callID: m.callID, step: "over" });
      this.#say(nobody, answer(status));
    };
    if (value(m, "EUF-GUID").toUpperCase() !== objectGUID) return refuse(declined); // a file, a webcam, a game
    const object = context && parseObject(fromUTF8(context));
    const data = object && this.#host.object(object.sha1d);
    const known = id === 0 || id > 0xffffffff || m.callID === "" || peer.sessions.has(id) || peer.call(m.callID);
    const served = [...peer.sessions.values()].filter((s) => s.kind === "serve").length;
    if (!data || known || served >= maxServed) return refuse(internalError);
    const s = this.#session(peer, "serve", id, m.callID, m.branch, data.length);
    s.data = data;
    s.step = "agreed";
    s.awaits = this.#say(s, answer(OK));
  }

  /**
   * Answers the proposal of a direct connection as libpurple does, after which all clients use
   * the switchboard.
   * @param {import("./p2ppeer.js").Session} s
   * @param {import("./slp.js").SLP} m
   */
  #noBridge(s, m) {
    this.#say(s, {
      status: OK, branch: m.branch, cseq: 1, type: types.transportAnswer,
      body: [["Bridge", "TCPv1"], ["Listening", "false"], ["Nonce", "{00000000-0000-0000-0000-000000000000}"]],
    });
  }

  /**
   * Leads the session on that waits for this acknowledgement.
   * @param {Peer} peer
   * @param {import("./p2pmessage.js").P2PMessage} m
   */
  #acknowledged(peer, m) {
    const s = [...peer.sessions.values()].find((each) => m.ackID !== 0 && each.awaits === m.ackID);
    if (!s) return;
    s.awaits = 0;
    this.#moved(s);
    if (s.step === "agreed") {
      s.step = "preparing";
      s.awaits = peer.ids.next();
      this.#send(peer, newMessage({
        session: s.id, id: s.awaits, total: 4, ackID: random(), data: new Uint8Array(4), footer: objectFooter,
      }), s);
    } else if (s.step === "preparing") {
      this.#serve(s).catch((thrown) => this.#bye(s, Failure.of(thrown)));
    } else if (s.step === "moving") {
      this.#end(s, null);
    }
  }

  /**
   * Sends the data of an object, so that no more than a few parts are on the way at a time.
   * @param {import("./p2ppeer.js").Session} s
   */
  async #serve(s) {
    const data = s.data ?? new Uint8Array(0);
    s.step = "moving";
    s.awaits = s.peer.ids.next();
    const m = newMessage({
      session: s.id, id: s.awaits, total: s.size, flags: flags.object, ackID: random(), footer: objectFooter,
    });
    /** @type {Promise<void>[]} */
    const flying = [];
    const over = () => s.step === "over";
    for (let offset = 0; offset < s.size && !over(); offset += maxData) {
      const landed = this.#post(s.peer, { ...m, offset, data: data.subarray(offset, offset + maxData) });
      landed.catch(() => {}); // it is met below
      flying.push(landed);
      if (flying.length === window) {
        await flying.shift();
        this.#moved(s);
      }
    }
    await Promise.all(flying);
    this.#moved(s);
  }

  /**
   * Takes a part of an object. One that comes twice is harmless: libpurple repeats what the
   * server has refused. A session that gets anything else is over.
   * @param {import("./p2ppeer.js").Session} s
   * @param {import("./p2pmessage.js").P2PMessage} m
   */
  #part(s, m) {
    if (s.kind !== "fetch") return;
    const first = s.step !== "moving";
    if (!first && m.id === s.message && m.offset + m.data.length <= s.got) return;
    if (m.total !== s.size || (!first && m.id !== s.message) || m.offset !== s.got || m.data.length === 0) {
      return this.#bye(s, new Failure("damaged", `part at ${m.offset} of ${m.total} after ${s.got} of ${s.size}`));
    }
    s.step = "moving";
    s.message = m.id;
    s.whole ??= new Uint8Array(s.size);
    s.whole.set(m.data, s.got);
    s.got += m.data.length;
    this.#moved(s);
    if (!isLast(m)) return;
    this.#send(s.peer, acknowledgement(m, s.peer.ids.next(true)), null);
    this.#bye(s, null);
  }
}

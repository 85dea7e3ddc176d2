// A conversation as people know it: it outlives the connections it is carried over, and keeps
// what was typed until it has arrived.

import { announce } from "./emoticons.js";
import { Failure } from "./failure.js";
import { nudge } from "./switchboard.js";
import { textPayloads } from "./text.js";

const maxMessages = 2000; // that are kept; what has not arrived always is
const typingEvery = 4000; // between notices that we type
const typingTime = 6000; // that somebody counts as typing

/**
 * A line of a conversation.
 * @typedef {object} Message
 * @property {number} id in the order of the conversation
 * @property {"text"|"nudge"|"joined"|"left"} kind
 * @property {boolean} mine
 * @property {string} from handle
 * @property {string} name friendly name then
 * @property {string} text
 * @property {import("./text.js").Format} format
 * @property {Map<string, import("./object.js").MSNObject>} emoticons by shortcut
 * @property {Date} time
 * @property {"pending"|"sent"|"failed"|"received"} state
 * @property {Failure|null} failure why it failed
 * @property {Uint8Array[]} parts payloads that have not arrived
 * @property {boolean} again whether it was tried twice
 */

/**
 * What a conversation needs of its client.
 * @typedef {object} ConversationHost
 * @property {{handle: string, name: string, online: boolean, emoticons: Map<string, import("./emoticons.js").Emoticon>}} client
 * @property {(c: Conversation) => import("./switchboard.js").Board|undefined} board that can be used
 * @property {(c: Conversation) => Promise<import("./switchboard.js").Board>} reach opens one where there is none
 * @property {(failure: Failure) => boolean} later whether to wait, because the others may be coming back
 * @property {(type: string, detail: object) => void} emit
 */

/** A conversation with one person, or with several. */
export class Conversation {
  #host;
  /** @type {Message[]} not yet given to a connection */
  #queue = [];
  #flushing = false;
  #typed = 0;
  #lastID = 0;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #typing = new Map();

  /** @type {Message[]} */
  messages = [];
  /** How many lines nobody has looked at. */
  unread = 0;
  /** @type {Map<string, string>} names by handle of those it is with, also while they are away */
  people = new Map();
  /** @type {import("./switchboard.js").Board|null} of a conversation with several */
  group = null;

  /**
   * @param {ConversationHost} host
   * @param {string} key
   * @param {string|null} direct handle of the other, or null for several
   */
  constructor(host, key, direct) {
    this.#host = host;
    this.key = key;
    this.direct = direct;
    if (direct) this.people.set(direct, direct);
  }

  /** Handles of those who type. */
  get typing() {
    return [...this.#typing.keys()];
  }

  /** Whether something was typed that has not arrived. */
  get unsent() {
    return this.messages.some((m) => m.mine && (m.state === "pending" || m.state === "failed"));
  }

  /**
   * Says something. It is sent as soon as that is possible; the event "message" tells what
   * becomes of it.
   * @param {string} text
   * @param {import("./text.js").Format} [format]
   * @returns {Message|null} null when there is nothing to say
   */
  send(text, format = {}) {
    if (text.trim() === "") return null;
    const { objects } = announce(text, this.#host.client.emoticons, this.#host.client.handle);
    return this.#post({ kind: "text", text, format, emoticons: objects, parts: textPayloads(text, format) });
  }

  /** Asks for attention. */
  nudge() {
    return this.#post({ kind: "nudge", parts: [nudge()] });
  }

  /**
   * Sends what has failed once more: of a long text only what has not arrived.
   * @param {Message} m
   */
  resend(m) {
    if (m.state !== "failed") return;
    m.state = "pending";
    m.failure = null;
    m.again = false;
    this.#queue.push(m);
    this.#changed(m);
    this.flush();
  }

  /** Tells the others that we type, now and then, if they are there anyway. */
  compose() {
    const board = this.#host.board(this);
    if (!board || Date.now() - this.#typed < typingEvery) return;
    this.#typed = Date.now();
    board.typing();
  }

  /** Notes that everything was looked at. */
  read() {
    if (this.unread === 0) return;
    this.unread = 0;
    this.#host.emit("unread", { conversation: this });
  }

  /** Sends what waits, over a connection there is or a new one. */
  async flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.#queue.length > 0 && this.#host.client.online) {
        const board = await this.#host.reach(this);
        if (!board.alive) throw new Failure("closed");
        for (const m of this.#queue.splice(0)) this.#deliver(board, m);
      }
    } catch (thrown) {
      const failure = Failure.of(thrown);
      // Without a connection to the service everything waits until there is one again.
      if (!this.#host.client.online || this.#host.later(failure)) return;
      for (const m of this.#queue.splice(0)) this.#fail(m, failure);
    } finally {
      this.#flushing = false;
    }
  }

  /**
   * Gives up what waits, because the client will not come back by itself.
   * @param {Failure} failure
   */
  abandon(failure) {
    for (const m of this.#queue.splice(0)) this.#fail(m, failure);
  }

  /**
   * Takes what somebody said.
   * @param {string} from
   * @param {import("./switchboard.js").Said} said
   */
  receive(from, said) {
    if (said.kind === "typing") return this.#shows(from);
    this.#rests(from);
    if (this.people.has(from)) this.people.set(from, said.name);
    this.unread++;
    this.#add({
      kind: said.kind, from, name: said.name, state: "received",
      ...(said.kind === "text" ? { text: said.text, format: said.format, emoticons: said.emoticons } : {}),
    });
  }

  /**
   * Notes that somebody has come or gone.
   * @param {"joined"|"left"} kind
   * @param {string} handle
   * @param {string} name
   */
  moved(kind, handle, name) {
    this.#rests(handle);
    if (!this.direct) this.#add({ kind, from: handle, name, state: "received" });
    this.#host.emit("people", { conversation: this });
  }

  /**
   * @param {Partial<Message>} fields
   * @returns {Message}
   */
  #post(fields) {
    const m = this.#add({ ...fields, mine: true, from: this.#host.client.handle, name: this.#host.client.name, state: "pending" });
    this.#queue.push(m);
    this.#typed = 0;
    this.flush();
    return m;
  }

  /**
   * @param {Partial<Message>} fields
   * @returns {Message}
   */
  #add(fields) {
    /** @type {Message} */
    const m = {
      kind: "text", mine: false, from: "", name: "", text: "", format: {}, emoticons: new Map(), state: "received",
      failure: null, parts: [], again: false, ...fields, id: ++this.#lastID, time: new Date(),
    };
    this.messages.push(m);
    if (this.messages.length > maxMessages) {
      const oldest = this.messages.findIndex((each) => each.state === "sent" || each.state === "received");
      if (oldest >= 0) this.messages.splice(oldest, 1);
    }
    this.#changed(m);
    return m;
  }

  /**
   * Gives a message to a connection, and notes what became of it. One that the only other
   * person did not get, because he left at that moment, goes over another connection once.
   * @param {import("./switchboard.js").Board} board
   * @param {Message} m
   */
  async #deliver(board, m) {
    const parts = m.parts;
    const results = await Promise.allSettled(this.#hand(board, m));
    m.parts = parts.filter((_, i) => results[i].status === "rejected");
    const bad = results.find((r) => r.status === "rejected");
    if (!bad) {
      m.state = "sent";
      return this.#changed(m);
    }
    const failure = Failure.of(bad.reason);
    if (failure.reason !== "undelivered" || !this.direct || m.again) return this.#fail(m, failure);
    m.again = true;
    this.#queue.push(m);
    this.flush();
  }

  /**
   * @param {import("./switchboard.js").Board} board
   * @param {Message} m
   */
  #hand(board, m) {
    const announcements = m.kind === "text" ? announce(m.text, this.#host.client.emoticons, this.#host.client.handle).payloads : [];
    for (const payload of announcements) {
      if (board.alive) board.announce(payload);
    }
    return m.parts.map((payload) => board.deliver(payload));
  }

  /**
   * @param {Message} m
   * @param {Failure} failure
   */
  #fail(m, failure) {
    m.state = "failed";
    m.failure = failure;
    this.#changed(m);
  }

  /** @param {Message} message */
  #changed(message) {
    this.#host.emit("message", { conversation: this, message });
  }

  /** @param {string} from */
  #shows(from) {
    const known = this.#typing.get(from);
    clearTimeout(known);
    this.#typing.set(from, setTimeout(() => this.#rests(from), typingTime));
    if (known === undefined) this.#host.emit("typing", { conversation: this });
  }

  /** @param {string} from */
  #rests(from) {
    clearTimeout(this.#typing.get(from));
    if (this.#typing.delete(from)) this.#host.emit("typing", { conversation: this });
  }
}

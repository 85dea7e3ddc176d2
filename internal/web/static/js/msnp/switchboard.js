// A connection to a switchboard: entering, calling, members, messages.
// docs/protocol/switchboard.md

import { utf8 } from "./bytes.js";
import { Chunks } from "./chunks.js";
import { readAnnouncement } from "./emoticons.js";
import { Failure } from "./failure.js";
import { message, parseMessage } from "./header.js";
import { Link } from "./link.js";
import { P2P } from "./p2p.js";
import { readText } from "./text.js";

const answerTime = 30_000; // for ACK or NAK
const ringTime = 60_000; // for somebody to come whom we have called

/**
 * What a board tells its owner. Handles are in lower case.
 * @typedef {object} BoardHost
 * @property {string} self our handle
 * @property {(sha1d: string) => Uint8Array|undefined} object the data of something we have announced
 * @property {(board: Board, handle: string) => void} joined
 * @property {(board: Board, handle: string, idle: boolean) => void} left
 * @property {(board: Board, from: string, said: Said) => void} said
 * @property {(board: Board, failure: Failure) => void} ended
 */

/**
 * Something said on a board.
 * @typedef {{kind: "text", name: string, text: string, format: Required<import("./text.js").Format>,
 *     emoticons: Map<string, import("./object.js").MSNObject>}
 *   |{kind: "nudge", name: string}|{kind: "typing"}} Said
 */

/**
 * A call that nobody has answered yet.
 * @typedef {{answered: Promise<void>, resolve: () => void, reject: (failure: Failure) => void,
 *   timer: ReturnType<typeof setTimeout>|undefined}} Call
 */

/** A connection to a switchboard. */
export class Board {
  #host;
  #link;
  #chunks = new Chunks();
  /** @type {Map<string, Map<string, import("./object.js").MSNObject>>} announced by somebody for his next text */
  #announced = new Map();
  /** @type {Map<string, Call>} under way, by handle */
  #calls = new Map();

  /** @type {Map<string, string>} names of the others by handle, in the order they came */
  members = new Map();
  /** @type {import("./conversation.js").Conversation|null} what it serves, if it is a group or was used */
  conversation = null;
  /** Whether it was opened for a picture, and nobody has said anything. */
  unused = true;
  /** How many transfers of ours go on. */
  holds = 0;
  /** Whether those who were there before are still being told. */
  entering = false;

  /**
   * @param {import("./link.js").Wire} wire
   * @param {BoardHost} host
   */
  constructor(wire, host) {
    this.#host = host;
    this.#link = new Link(wire, (f) => this.#frame(f), (failure) => this.#ended(failure));
    this.p2p = new P2P({
      self: host.self,
      object: host.object,
      post: (to, body) =>
        this.#link.deliver("D", message("application/x-msnmsgrp2p", [["P2P-Dest", to]], body), answerTime),
    });
  }

  /** Whether something can be sent. */
  get alive() {
    return this.#link.alive;
  }

  /** Whether somebody was called who has not come yet. */
  get calling() {
    return this.#calls.size > 0;
  }

  /**
   * Enters as the one who calls.
   * @param {string} cookie
   */
  async enter(cookie) {
    await this.#link.ask("USR", this.#host.self, cookie);
  }

  /**
   * Enters as one who was called.
   * @param {import("./notification.js").Ring} ring
   */
  async answer(ring) {
    this.entering = true;
    await this.#link.ask("ANS", this.#host.self, ring.cookie, ring.session);
    this.entering = false;
    if (this.members.size === 0) this.close();
  }

  /**
   * Calls somebody and waits until he is there.
   * @param {string} handle
   * @returns {Promise<void>}
   */
  call(handle) {
    if (this.members.has(handle)) return Promise.resolve();
    const under = this.#calls.get(handle);
    if (under) return under.answered;
    const timer = setTimeout(() => this.#unanswered(handle, new Failure("noanswer")), ringTime);
    /** @type {Call} */
    const call = { timer, resolve: () => {}, reject: () => {}, answered: Promise.resolve() };
    call.answered = new Promise((resolve, reject) => Object.assign(call, { resolve, reject }));
    this.#calls.set(handle, call);
    this.#link.ask("CAL", handle).catch((thrown) => this.#unanswered(handle, Failure.of(thrown)));
    return call.answered;
  }

  /**
   * Sends a message and waits until everybody has it.
   * @param {Uint8Array} payload
   */
  async deliver(payload) {
    this.unused = false;
    await this.#link.deliver("A", payload, answerTime);
  }

  /**
   * Sends a message that goes before others and matters only with them.
   * @param {Uint8Array} payload
   */
  announce(payload) {
    this.#link.tellPayload(payload, "MSG", "N");
  }

  /** Tells the others that we type. They forget it after some five seconds. */
  typing() {
    this.#link.tellPayload(
      message("text/x-msmsgscontrol", [["TypingUser", this.#host.self]], utf8("\r\n")), "MSG", "U");
  }

  /** Leaves. */
  close() {
    this.#link.bye(new Failure("closed", "closed by us"));
  }

  /**
   * Ends at once.
   * @param {Failure} failure
   */
  fail(failure) {
    this.#link.fail(failure);
  }

  /**
   * @param {string} handle
   * @param {Failure} failure
   */
  #unanswered(handle, failure) {
    const call = this.#calls.get(handle);
    if (!call) return;
    this.#calls.delete(handle);
    clearTimeout(call.timer);
    call.reject(failure);
    this.#closeIfEmpty();
  }

  /** Closes a board on which nobody is left and nobody expected. */
  #closeIfEmpty() {
    if (this.members.size === 0 && this.#calls.size === 0) this.close();
  }

  /** @param {Failure} failure */
  #ended(failure) {
    this.p2p.close(failure);
    for (const handle of [...this.#calls.keys()]) this.#unanswered(handle, failure);
    this.#host.ended(this, failure);
  }

  /** @param {import("./frame.js").Frame} f */
  #frame(f) {
    switch (f.verb) {
      case "IRO":
        this.#come(f.need(4).arg(3), f.text(4));
        break;
      case "JOI":
        this.#come(f.need(1).arg(0), f.text(1));
        break;
      case "BYE":
        this.#go(f.need(1).arg(0).toLowerCase(), f.arg(1) === "1");
        break;
      case "MSG":
        if (f.payload) this.#message(f.arg(0).toLowerCase(), f.text(1), f.payload);
        break;
      case "OUT":
        this.#link.fail(new Failure("shutdown"));
    }
  }

  /**
   * @param {string} handle
   * @param {string} name
   */
  #come(handle, name) {
    handle = handle.toLowerCase();
    if (handle === this.#host.self || this.members.has(handle)) return;
    this.members.set(handle, name || handle);
    this.#host.joined(this, handle);
    const call = this.#calls.get(handle);
    this.#calls.delete(handle);
    clearTimeout(call?.timer);
    call?.resolve();
  }

  /**
   * The end of somebody's presence, and of the board when he was the last.
   * @param {string} handle
   * @param {boolean} idle
   */
  #go(handle, idle) {
    if (!this.members.delete(handle)) return;
    this.p2p.left(handle);
    this.#chunks.forget(handle);
    this.#announced.delete(handle);
    this.#host.left(this, handle, idle);
    this.#closeIfEmpty();
  }

  /**
   * @param {string} from
   * @param {string} name
   * @param {Uint8Array} payload
   */
  #message(from, name, payload) {
    const whole = this.#chunks.take(from, payload);
    if (!whole || !this.members.has(from)) return;
    const { header, body } = whole;
    name ||= from;
    switch (header.type) {
      case "text/plain": {
        const emoticons = this.#announced.get(from) ?? new Map();
        this.#announced.delete(from);
        this.#say(from, { kind: "text", name, ...readText(header, body), emoticons });
        break;
      }
      case "text/x-msmsgscontrol":
        if (header.get("TypingUser") !== "") this.#host.said(this, from, { kind: "typing" });
        break;
      case "text/x-msnmsgr-datacast":
        if (parseMessage(body).header.get("ID") === "1") this.#say(from, { kind: "nudge", name });
        break;
      case "text/x-mms-emoticon":
      case "text/x-mms-animemoticon":
        this.#announced.set(from, new Map([...this.#announced.get(from) ?? [], ...readAnnouncement(body)].slice(-64)));
        break;
      case "application/x-msnmsgrp2p": {
        const to = header.get("P2P-Dest").toLowerCase();
        if (to === "" || to === this.#host.self) this.p2p.receive(from, body);
      }
    }
  }

  /**
   * @param {string} from
   * @param {Said} said
   */
  #say(from, said) {
    this.unused = false;
    this.#host.said(this, from, said);
  }
}

/** The message that asks for attention. */
export const nudge = () => message("text/x-msnmsgr-datacast", [], utf8("ID: 1\r\n\r\n"));

// A session on a notification server: signing in, the roster, presence, calls.
// docs/protocol/signin.md

import { escape, utf8 } from "./bytes.js";
import { answerTo, product } from "./challenge.js";
import { Failure } from "./failure.js";
import { status } from "./handle.js";
import { Link } from "./link.js";
import { notice } from "./notice.js";
import { Roster, set } from "./roster.js";

const defaultInterval = 60_000; // between pings, unless the server says otherwise
const minInterval = 10_000;
const pingPatience = 30_000; // for the answer

/** MSN Messenger 6.0, that takes messages in several packets. docs/protocol/presence.md#flags */
const clientID = 0x10000020;

/**
 * A call into a conversation.
 * @typedef {{session: string, address: string, cookie: string, handle: string, name: string}} Ring
 */

/**
 * What the session tells its client. The types of details stand at {@link import("./client.js").Client}.
 * @typedef {object} SessionHost
 * @property {Roster} roster kept over sessions
 * @property {(type: string, detail: object) => void} emit
 * @property {(ring: Ring) => void} ring
 * @property {(failure: Failure) => void} ended
 */

/** A session on a notification server. */
export class Notification {
  #handle;
  #host;
  #link;
  /** @type {{frame: import("./frame.js").Frame, roster: Roster, contacts: number, groups: number}|null} while the answer to SYN comes in */
  #sync = null;
  /** @type {import("./roster.js").Contact|null} of the last LST */
  #latest = null;
  /** @type {Failure|null} an error line that nobody waited for: perhaps the reason of the end */
  #complaint = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #interval = defaultInterval;
  #pinged = 0; // when, without an answer so far
  #patience = pingPatience;

  /** Our friendly name. */
  name;
  /** Where the server sent us, or "". */
  moved = "";
  /** Whether the first CHG was answered. */
  arrived = false;
  /** @type {Map<string, string>} what the service says of the account */
  profile = new Map();

  /**
   * @param {import("./link.js").Wire} wire
   * @param {string} handle
   * @param {SessionHost} host
   */
  constructor(wire, handle, host) {
    this.#handle = handle;
    this.#host = host;
    this.name = handle;
    this.#link = new Link(wire, (f) => this.#frame(f), (failure) => this.#ended(failure));
  }

  /** Whether commands can be sent. */
  get alive() {
    return this.#link.alive;
  }

  /**
   * Goes through VER, CVR and USR. A server that sends us on is a failure "moved".
   * @param {string} ticket
   */
  async signIn(ticket) {
    const version = await this.#link.ask("VER", "MSNP9", "CVR0");
    if (version.arg(1).toUpperCase() !== "MSNP9") throw new Failure("version", "no MSNP9");
    await this.#link.ask("CVR", "0x0409", "web", "1.0", "browser", "MSNMSGR", "6.0.0602", "MSMSGS", this.#handle);
    const answer = await this.#link.ask("USR", "TWN", "I", this.#handle);
    if (answer.verb === "XFR") {
      this.moved = answer.need(3).arg(2);
      throw new Failure("moved", "sent to another server");
    }
    const ok = await this.#link.ask("USR", "TWN", "S", ticket);
    if (ok.need(4).arg(1) !== "OK") throw new Failure("unavailable", "the server asks again");
    this.name = ok.text(3);
  }

  /**
   * Fetches the roster and sets the status.
   * @param {import("./handle.js").Status} shown
   * @param {import("./object.js").MSNObject|null} picture
   */
  async arrive(shown, picture) {
    await this.#link.ask("SYN", this.#host.roster.version);
    await this.show(shown, picture);
    this.#schedule(this.#interval);
  }

  /**
   * Sends CHG. docs/protocol/presence.md#chg
   * @param {import("./handle.js").Status} shown
   * @param {import("./object.js").MSNObject|null} picture
   */
  async show(shown, picture) {
    const words = picture ? [escape(picture.text)] : [];
    await this.#link.ask("CHG", shown, clientID, ...words);
  }

  /**
   * Sends a command and waits for its answer.
   * @param {string} verb
   * @param {...(string|number)} params
   */
  ask(verb, ...params) {
    return this.#link.ask(verb, ...params);
  }

  /**
   * Asks for a sign of life at once, since there is reason to doubt.
   * @param {number} patience milliseconds
   */
  probe(patience) {
    if (!this.alive) return;
    this.#patience = patience;
    this.#ping();
    this.#schedule(patience);
  }

  /**
   * Says goodbye.
   * @param {Failure} reason
   */
  bye(reason) {
    this.#link.bye(reason);
  }

  /**
   * Ends at once.
   * @param {Failure} reason
   */
  fail(reason) {
    this.#link.fail(reason);
  }

  /** @param {Failure} failure */
  #ended(failure) {
    clearTimeout(this.#timer);
    this.#host.ended(failure.reason === "lost" && this.#complaint ? this.#complaint : failure);
  }

  /** @param {number} after milliseconds */
  #schedule(after) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keepAlive(), after);
  }

  /**
   * Pings as often as the server wants, and ends a session that has gone silent. A browser may
   * have slept in between, or run timers late: what counts is whether bytes came after the ping.
   * docs/protocol/presence.md#ping
   */
  #keepAlive() {
    if (!this.alive) return;
    const since = Date.now() - this.#pinged;
    if (this.#pinged > 0 && this.#link.heard < this.#pinged) {
      if (since >= this.#patience) return this.#link.fail(new Failure("timeout", "the server does not answer"));
      return this.#schedule(this.#patience - since);
    }
    this.#patience = pingPatience;
    this.#ping();
    this.#schedule(Math.min(this.#interval, this.#patience));
  }

  #ping() {
    this.#pinged = Date.now();
    this.#link.ping();
  }

  /** @param {import("./frame.js").Frame} f */
  #frame(f) {
    const handle = handlers.get(f.verb);
    if (handle) handle(this, f);
    else if (f.code && !this.#link.awaits(f.arg(0))) this.#complaint = new Failure("unavailable", `error ${f.code}`, f.code);
  }

  /**
   * Changes the roster: the new one while the answer to SYN comes in.
   * @param {number} version 0 for lines that do not tell it
   * @param {(roster: Roster) => void} change
   */
  #write(version, change) {
    if (this.#sync) return change(this.#sync.roster);
    if (version !== 0) this.#host.roster.version = version;
    change(this.#host.roster);
    this.#host.emit("roster", {});
  }

  /** @param {import("./frame.js").Frame} f */
  syn(f) {
    if (f.need(2).args.length === 2) return;
    f.deferred = true;
    this.#sync = { frame: f, roster: new Roster(), contacts: f.number(2), groups: f.number(3) };
    this.#sync.roster.version = f.number(1);
    this.#settle();
  }

  /** Puts the new roster in the place of the old one when all of it is there. */
  #settle() {
    if (!this.#sync || this.#sync.contacts > 0 || this.#sync.groups > 0) return;
    const { frame, roster } = this.#sync;
    this.#sync = null;
    this.#host.roster.replace(roster);
    frame.deferred = false;
    this.#link.settle(frame);
    this.#host.emit("roster", {});
  }

  /** @param {import("./frame.js").Frame} f */
  setting(f) {
    if (f.args.length === 1) return this.#write(0, (r) => r.setting(f.verb, f.arg(0)));
    this.#write(f.need(3).number(1), (r) => r.setting(f.verb, f.arg(2)));
  }

  /** @param {import("./frame.js").Frame} f */
  own(f) {
    if (!/^[0-9]+$/.test(f.arg(0))) return this.#write(0, (r) => set(r.properties, f.arg(0), f.text(1)));
    this.#write(f.need(3).number(1), (r) => set(r.properties, f.arg(2), f.text(3)));
  }

  /** @param {import("./frame.js").Frame} f */
  listedGroup(f) {
    if (!this.#sync) return;
    this.#sync.roster.groups.set(f.need(2).number(0), f.text(1));
    this.#sync.groups--;
    this.#settle();
  }

  /** @param {import("./frame.js").Frame} f */
  listedContact(f) {
    if (!this.#sync) return;
    this.#latest = this.#sync.roster.list(f);
    this.#sync.contacts--;
    this.#settle();
  }

  /**
   * A property of somebody: of the last LST when it names nobody. docs/protocol/lists.md#bpr
   * @param {import("./frame.js").Frame} f
   */
  property(f) {
    if (/^[0-9]+$/.test(f.need(1).arg(0))) {
      this.#write(f.need(3).number(0), (r) => r.property(f.arg(1), f.arg(2), f.text(3)));
    } else if (this.#latest) {
      set(this.#latest.properties, f.arg(0), f.text(1));
    }
  }

  /** @param {import("./frame.js").Frame} f */
  add(f) {
    this.#write(f.need(4).number(2), (r) => r.add(f));
    if (f.arg(1) === "RL") this.#host.emit("addedby", { handle: f.arg(3).toLowerCase(), name: f.text(4) });
  }

  /** @param {import("./frame.js").Frame} f */
  remove(f) {
    this.#write(f.need(4).number(2), (r) => r.remove(f));
    if (f.arg(1) === "RL") this.#host.emit("removedby", { handle: f.arg(3).toLowerCase() });
  }

  /** @param {import("./frame.js").Frame} f */
  rename(f) {
    const handle = f.need(4).arg(2).toLowerCase();
    this.#write(f.number(1), (r) => {
      const c = r.find(handle);
      if (c) c.stored = f.text(3);
    });
    if (handle !== this.#handle) return;
    this.name = f.text(3);
    this.#host.emit("self", {});
  }

  /** @param {import("./frame.js").Frame} f */
  group(f) {
    const [number, name] = f.verb === "ADG" ? [f.need(4).number(3), f.text(2)] : [f.need(3).number(2), f.text(3)];
    this.#write(f.number(1), (r) => (f.verb === "RMG" ? r.removeGroup(number) : r.groups.set(number, name)));
  }

  /** @param {import("./frame.js").Frame} f */
  changed(f) {
    status(f.need(2).arg(1));
    this.arrived = true;
    this.#host.emit("self", {});
  }

  /** @param {import("./frame.js").Frame} f */
  presence(f) {
    const change = f.verb === "FLN" ? this.#host.roster.gone(f.need(1).arg(0)) : this.#host.roster.presence(f);
    if (change) this.#host.emit("presence", change);
  }

  /** @param {import("./frame.js").Frame} f */
  challenge(f) {
    this.#link.tellPayload(utf8(answerTo(f.need(2).arg(1))), "QRY", product);
  }

  /** @param {import("./frame.js").Frame} f */
  rhythm(f) {
    if (/^[0-9]{1,5}$/.test(f.arg(0)) && f.number(0) > 0) this.#interval = Math.max(f.number(0) * 1000, minInterval);
    if (this.arrived) this.#schedule(this.#interval);
  }

  /** @param {import("./frame.js").Frame} f */
  message(f) {
    if (f.need(3).arg(0) !== "Hotmail" || !f.payload) return;
    const told = notice(f.payload);
    if (told?.type === "profile") this.profile = told.fields;
    else if (told) this.#host.emit(told.type, told.detail);
  }

  /** @param {import("./frame.js").Frame} f */
  alert(f) {
    const told = notice(f.payload ?? new Uint8Array(0), f.verb);
    if (told?.detail) this.#host.emit(told.type, told.detail);
  }

  /**
   * Somebody calls. Before we are there nobody can. docs/protocol/switchboard.md#rng
   * @param {import("./frame.js").Frame} f
   */
  ring(f) {
    if (f.need(6).arg(2) !== "CKI" || !this.arrived) return;
    this.#host.ring({
      session: f.arg(0), address: f.arg(1), cookie: f.arg(3), handle: f.arg(4).toLowerCase(), name: f.text(5),
    });
  }

  /**
   * Moves to another server when nobody asked for the referral.
   * @param {import("./frame.js").Frame} f
   */
  referral(f) {
    if (f.arg(0) !== "0" || f.arg(1) !== "NS") return;
    const moved = new Failure("moved", "sent to another server");
    this.moved = f.arg(2);
    this.#link.fail(moved);
  }

  /**
   * The server's goodbye. docs/protocol/signin.md#elsewhere
   * @param {import("./frame.js").Frame} f
   */
  out(f) {
    this.#link.fail(f.arg(0) === "OTH" ? new Failure("elsewhere") : new Failure(f.arg(0) === "SSD" ? "shutdown" : "lost"));
  }
}

/** @type {Map<string, (s: Notification, f: import("./frame.js").Frame) => void>} */
const handlers = new Map([
  ["SYN", (s, f) => s.syn(f)], ["GTC", (s, f) => s.setting(f)], ["BLP", (s, f) => s.setting(f)],
  ["PRP", (s, f) => s.own(f)], ["LSG", (s, f) => s.listedGroup(f)], ["LST", (s, f) => s.listedContact(f)],
  ["BPR", (s, f) => s.property(f)], ["ADD", (s, f) => s.add(f)], ["REM", (s, f) => s.remove(f)],
  ["REA", (s, f) => s.rename(f)], ["ADG", (s, f) => s.group(f)], ["REG", (s, f) => s.group(f)],
  ["RMG", (s, f) => s.group(f)], ["CHG", (s, f) => s.changed(f)], ["ILN", (s, f) => s.presence(f)],
  ["NLN", (s, f) => s.presence(f)], ["FLN", (s, f) => s.presence(f)], ["CHL", (s, f) => s.challenge(f)],
  ["QNG", (s, f) => s.rhythm(f)], ["MSG", (s, f) => s.message(f)], ["NOT", (s, f) => s.alert(f)],
  ["RNG", (s, f) => s.ring(f)], ["XFR", (s, f) => s.referral(f)], ["OUT", (s, f) => s.out(f)],
]);

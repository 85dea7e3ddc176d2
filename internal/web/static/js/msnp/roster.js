// The roster: contacts, groups and settings, as the service keeps them for an account.
// docs/protocol/lists.md

import { unescape } from "./bytes.js";
import { Failure } from "./failure.js";
import { status } from "./handle.js";
import { parseObject } from "./object.js";

/** The lists, as bits. */
export const lists = { forward: 1, allowed: 2, blocked: 4, reverse: 8 };
const bits = new Map([["FL", lists.forward], ["AL", lists.allowed], ["BL", lists.blocked], ["RL", lists.reverse]]);

/** Somebody on any of the lists. */
export class Contact {
  /** friendly name, his own choice */
  name;
  /** what we call him */
  stored;
  /** @type {import("./handle.js").Status} */
  status = "FLN";
  /** client id: what his client can do */
  flags = 0;
  /** @type {import("./object.js").MSNObject|null} display picture */
  picture = null;
  /** sum of the lists he is on */
  lists = 0;
  /** @type {Set<number>} groups of somebody on the forward list */
  groups = new Set();
  /** @type {Map<string, string>} PHH, PHW, PHM, MOB */
  properties = new Map();

  /** @param {string} handle */
  constructor(handle) {
    this.handle = handle;
    this.name = handle;
    this.stored = handle;
  }

  /** Whether his presence is wanted. */
  get forward() {
    return (this.lists & lists.forward) !== 0;
  }

  get allowed() {
    return (this.lists & lists.allowed) !== 0;
  }

  get blocked() {
    return (this.lists & lists.blocked) !== 0;
  }

  /** Whether he has us on his list. */
  get reverse() {
    return (this.lists & lists.reverse) !== 0;
  }

  /** Whether he has added us and waits for being allowed or blocked. */
  get pending() {
    return this.reverse && !this.allowed && !this.blocked;
  }

  get online() {
    return this.status !== "FLN";
  }

  /** What to show: his own name while he is there, and ours for him otherwise. */
  get shown() {
    return this.online ? this.name : this.stored;
  }

  darken() {
    this.status = "FLN";
    this.flags = 0;
    this.picture = null;
  }
}

/** The roster while it lives. */
export class Roster {
  version = 0;
  /** @type {Map<number, string>} names by number */
  groups = new Map();
  /** @type {Map<string, Contact>} by handle */
  contacts = new Map();
  /** @type {"AL"|"BL"} whether those on neither list may see and call us */
  privacy = "AL";
  /** @type {"A"|"N"} whether to ask when somebody adds us */
  prompt = "A";
  /** @type {Map<string, string>} our own telephone numbers and the like */
  properties = new Map();

  /**
   * Finds or makes the entry of somebody.
   * @param {string} handle
   */
  contact(handle) {
    const key = handle.toLowerCase();
    let c = this.contacts.get(key);
    if (!c) this.contacts.set(key, (c = new Contact(key)));
    return c;
  }

  /** @param {string} handle */
  find(handle) {
    return this.contacts.get(handle.toLowerCase());
  }

  /** Makes everybody off line. */
  darken() {
    for (const c of this.contacts.values()) c.darken();
  }

  /**
   * Takes over what another one says, so that those who know this one need not change.
   * @param {Roster} other
   */
  replace(other) {
    Object.assign(this, other);
  }

  /**
   * Enters GTC or BLP.
   * @param {string} verb
   * @param {string} value
   */
  setting(verb, value) {
    if (verb === "GTC") this.prompt = value === "N" ? "N" : "A";
    else this.privacy = value === "BL" ? "BL" : "AL";
  }

  /**
   * Enters a line of the answer to SYN. docs/protocol/lists.md#syn
   * @param {import("./frame.js").Frame} f
   */
  list(f) {
    const c = this.contact(f.need(3).arg(0));
    c.name = c.stored = f.text(1) || c.handle;
    c.lists = f.number(2) & 15;
    c.groups = new Set(f.arg(3).split(",").filter((n) => /^[0-9]{1,9}$/.test(n)).map(Number));
    return c;
  }

  /**
   * Enters ADD. docs/protocol/lists.md#add
   * @param {import("./frame.js").Frame} f
   */
  add(f) {
    const bit = bits.get(f.need(4).arg(1)) ?? 0;
    const c = this.contact(f.arg(3));
    const name = f.text(4) || c.handle;
    if (bit === lists.reverse) {
      c.name = name;
      if (!c.forward) c.stored = name;
    } else if (c.lists === 0 || (bit === lists.forward && !c.forward)) {
      c.stored = name;
    }
    if (bit === lists.forward) c.groups.add(f.args.length > 5 ? f.number(5) : 0);
    c.lists |= bit;
    return c;
  }

  /**
   * Enters REM. Leaving the last group is leaving the forward list. docs/protocol/lists.md#rem
   * @param {import("./frame.js").Frame} f
   */
  remove(f) {
    const c = this.find(f.need(4).arg(3));
    if (!c) return;
    if (f.args.length > 4) {
      this.#quit(c, f.number(4));
    } else {
      c.lists &= ~(bits.get(f.arg(1)) ?? 0);
      this.#tidy(c);
    }
  }

  /**
   * Enters RMG. docs/protocol/lists.md#rmg
   * @param {number} group
   */
  removeGroup(group) {
    this.groups.delete(group);
    for (const c of [...this.contacts.values()]) this.#quit(c, group);
  }

  /**
   * Enters BPR, and returns whose it is.
   * @param {string} handle
   * @param {string} type
   * @param {string} value
   */
  property(handle, type, value) {
    const c = this.find(handle);
    if (c) set(c.properties, type, value);
    return c;
  }

  /**
   * Enters ILN or NLN, and returns what changed. docs/protocol/presence.md#lines
   * @param {import("./frame.js").Frame} f
   */
  presence(f) {
    const args = f.verb === "ILN" ? f.args.slice(1) : f.args;
    if (args.length < 3) throw new Failure("protocol", `${f.verb}: too few parameters`);
    const shown = status(args[0]);
    const c = this.find(args[1]);
    if (!c) return null;
    const was = c.status;
    c.status = shown;
    c.name = unescape(args[2]) || c.handle;
    c.flags = /^[0-9]{1,15}$/.test(args[3] ?? "") ? Number(args[3]) : 0;
    c.picture = args[4] ? parseObject(unescape(args[4])) : null;
    return { contact: c, was };
  }

  /**
   * Enters FLN, and returns what changed.
   * @param {string} handle
   */
  gone(handle) {
    const c = this.find(handle);
    if (!c) return null;
    const was = c.status;
    c.darken();
    return { contact: c, was };
  }

  /**
   * @param {Contact} c
   * @param {number} group
   */
  #quit(c, group) {
    if (!c.groups.delete(group) || c.groups.size > 0) return;
    c.lists &= ~lists.forward;
    this.#tidy(c);
  }

  /** @param {Contact} c */
  #tidy(c) {
    if (!c.forward) {
      c.darken();
      c.stored = c.name;
      c.groups = new Set();
      c.properties = new Map();
    }
    if (c.lists === 0) this.contacts.delete(c.handle);
  }
}

/**
 * Keeps a property, or forgets it when it has no value.
 * @param {Map<string, string>} properties
 * @param {string} type
 * @param {string} value
 */
export function set(properties, type, value) {
  if (value === "") properties.delete(type);
  else properties.set(type, value);
}

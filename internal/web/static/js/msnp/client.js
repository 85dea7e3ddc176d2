// A messenger without a screen: one user, his roster and his conversations. It stays signed in
// over lost connections, and keeps what was typed until it has arrived.

import { Boards } from "./boards.js";
import { Conversation } from "./conversation.js";
import { isShortcut } from "./emoticons.js";
import { Failure } from "./failure.js";
import { handleOf } from "./handle.js";
import { Keeper } from "./keeper.js";
import { Lists } from "./lists.js";
import { Notification } from "./notification.js";
import { Objects } from "./objects.js";
import { pictureType } from "./object.js";
import { Roster } from "./roster.js";

const signInTime = 60_000; // for one attempt
const returnTime = 60_000; // in which the others may come back after us
const wakePatience = 5000; // for an answer when there is reason to doubt

/** The client. Its events are {@link import("./types.js").Events}. */
export class Client extends EventTarget {
  #config;
  #keeper;
  /** @type {Notification|null} */
  #session = null;
  /** @type {Notification|null} one that is not yet signed in */
  #entering = null;
  #been = false; // whether we have been signed in before
  /** @type {ReturnType<typeof setTimeout>|undefined} runs while others may come back after us */
  #returning;
  #showing = Promise.resolve();
  /** @type {Boards} */
  #boards;
  #first = () => {}; // called when signed in

  /** @type {import("./keeper.js").State} */
  state = "offline";
  /** @type {Failure|null} why the connection was lost last */
  failure = null;
  handle = "";
  name = "";
  /** @type {import("./handle.js").Status} also that of the next sign-in */
  status;
  /** @type {Uint8Array|null} */
  picture = null;
  /** @type {Map<string, import("./emoticons.js").Emoticon>} ours, by shortcut */
  emoticons = new Map();
  roster = new Roster();
  /** @type {Lists} commands on the roster, our name and settings */
  lists;
  /** @type {Objects} */
  objects;

  /** @param {import("./types.js").Config} config */
  constructor(config) {
    super();
    this.#config = config;
    this.#keeper = new Keeper(
      config.pauses ?? { first: 1000, last: 120_000 },
      (address, over) => this.#attempt(address, over),
      (state, failure, retryIn) => this.#become(state, failure, retryIn),
    );
    this.status = config.status ?? "NLN";
    this.picture = config.picture ?? null;
    this.lists = new Lists(this.#ask, this.roster, () => this.handle);
    this.#boards = new Boards({
      handle: () => this.handle,
      open: config.open,
      ask: this.#ask,
      object: (sha1d) => this.objects.own(sha1d),
      emit: this.#emit,
      converse: (key, direct) => this.#converse(key, direct),
    });
    this.objects = new Objects((from, object, mayOpen) => this.#boards.fetch(from, object, mayOpen));
  }

  get online() {
    return this.state === "online" && (this.#session?.alive ?? false);
  }

  /** @type {Map<string, Conversation>} */
  get conversations() {
    return this.#boards.conversations;
  }

  /**
   * Signs in, and stays so until signOut, or until there is no use in coming back.
   * @returns {Promise<void>} settles when signed in for the first time, or not at all
   */
  signIn() {
    if (this.state !== "offline") return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#first = resolve;
      this.#keeper.start().then((failure) => {
        if (this.state === "offline") this.#give(failure);
        reject(failure);
      });
    });
  }

  /** Signs out. What has not arrived stays, as failed. */
  signOut() {
    const over = new Failure("closed", "signed out");
    this.#keeper.stop();
    this.#endReturn();
    this.#session?.bye(over);
    this.#entering?.fail(over);
    this.#session = null;
    this.#boards.closeAll(over);
    this.#give(over);
    this.#become("offline", null);
  }

  /** Tells that the network may have changed, or that the page was asleep. */
  wake() {
    this.#keeper.hurry();
    if (this.online) this.#session?.probe(wakePatience);
  }

  /**
   * Changes the status.
   * @param {import("./handle.js").Status} status
   */
  async setStatus(status) {
    this.status = status;
    await this.#show();
  }

  /**
   * Changes the display picture; null takes it away.
   * @param {Uint8Array|null} data
   */
  async setPicture(data) {
    if (data) this.objects.offer(this.handle, pictureType, data); // which refuses what is too large
    this.picture = data;
    await this.#show();
  }

  /**
   * Sets our emoticons, by shortcut.
   * @param {Map<string, import("./emoticons.js").Emoticon>} emoticons
   */
  setEmoticons(emoticons) {
    if (![...emoticons.keys()].every(isShortcut)) throw new Failure("invalid", "not a shortcut");
    for (const { data, location } of emoticons.values()) this.objects.offer(this.handle, 2, data, location);
    this.emoticons = emoticons;
  }

  /**
   * The conversation with somebody, begun if there is none.
   * @param {string} who
   */
  conversation(who) {
    return this.#boards.direct(handleOf(who));
  }

  /**
   * Calls one more person into a conversation.
   * @param {Conversation} c
   * @param {string} who
   * @returns {Promise<Conversation>} the one with all of them: another one if there was one other person alone
   */
  invite(c, who) {
    return this.#boards.invite(c, handleOf(who));
  }

  /**
   * Leaves a conversation and forgets it.
   * @param {Conversation} c
   */
  leave(c) {
    c.abandon(new Failure("closed"));
    this.#boards.leave(c);
  }

  /**
   * Blocks somebody, and ends what goes on with him alone.
   * @param {string} who
   */
  async block(who) {
    await this.lists.block(who);
    this.#boards.hangUp(handleOf(who));
  }

  /**
   * The display picture of a contact.
   * @param {string} who
   * @returns {Promise<Uint8Array|null>} null when he shows none
   */
  async pictureOf(who) {
    const contact = this.roster.find(who);
    return contact?.picture ? this.objects.get(contact.handle, contact.picture) : null;
  }

  /**
   * The picture of an emoticon in a message.
   * @param {import("./conversation.js").Message} m
   * @param {string} shortcut
   * @returns {Promise<Uint8Array|null>}
   */
  async emoticon(m, shortcut) {
    const object = m.emoticons.get(shortcut);
    return object ? this.objects.get(m.from, object) : null;
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit = (type, detail) => {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  };

  /**
   * @param {import("./keeper.js").State} state
   * @param {Failure|null} failure
   * @param {number} [retryIn]
   */
  #become(state, failure, retryIn = 0) {
    this.state = state;
    this.failure = failure;
    this.#emit("state", { failure, retryIn });
  }

  /**
   * Signs in once, and waits for the end.
   * @param {string} address "" for the usual one
   * @param {() => boolean} over whether it is wanted no longer
   * @returns {Promise<import("./keeper.js").Outcome>}
   */
  async #attempt(address, over) {
    /** @type {Notification|null} */
    let session = null;
    try {
      for (let tries = 0; ; tries++) {
        const credentials = await this.#config.credentials();
        this.#is(handleOf(credentials.handle));
        /** @type {(failure: Failure) => void} */
        let end = () => {};
        const ended = new Promise((/** @type {(f: Failure) => void} */ resolve) => (end = resolve));
        session = await this.#connect(address, end);
        if (over()) throw new Failure("closed");
        try {
          await this.#enter(session, credentials.ticket, over);
        } catch (thrown) {
          // A ticket may have grown old on the way: once more with a new one.
          if (Failure.of(thrown).number !== 911 || tries > 0) throw thrown;
          session.fail(Failure.of(thrown));
          continue;
        }
        const failure = await ended;
        this.#lost(session, failure);
        return { failure, moved: session.moved };
      }
    } catch (thrown) {
      const failure = Failure.of(thrown);
      session?.fail(failure);
      return { failure, moved: session?.moved ?? "" };
    }
  }

  /**
   * Notes who we are. Somebody else has another roster.
   * @param {string} handle
   */
  #is(handle) {
    if (handle !== this.handle) this.roster.replace(new Roster());
    this.handle = handle;
  }

  /**
   * @param {string} address
   * @param {(failure: Failure) => void} end
   */
  async #connect(address, end) {
    const wire = await this.#config.open(address ? { server: "notification", address } : { server: "notification" });
    /** @type {Notification} */
    const session = new Notification(wire, this.handle, {
      roster: this.roster,
      emit: (type, detail) => this.#told(session, type, detail),
      ring: (ring) => this.#boards.answer(ring).catch(() => {}), // who called may call again
      ended: end,
    });
    this.#entering = session;
    return session;
  }

  /**
   * Signs in on a connection.
   * @param {Notification} session
   * @param {string} ticket
   * @param {() => boolean} over
   */
  async #enter(session, ticket, over) {
    const timer = setTimeout(() => session.fail(new Failure("timeout", "signing in takes too long")), signInTime);
    try {
      await session.signIn(ticket);
      this.name = session.name;
      await session.arrive(this.status, this.#shown());
    } finally {
      clearTimeout(timer);
    }
    if (over()) throw new Failure("closed");
    this.#entering = null;
    this.#session = session;
    if (this.#been) this.#returning = setTimeout(() => this.#allBack(), returnTime);
    this.#been = true;
    this.objects.forgive();
    this.#become("online", null);
    this.#first();
    for (const c of this.conversations.values()) c.flush();
  }

  /**
   * @param {Notification} session
   * @param {Failure} failure
   */
  #lost(session, failure) {
    if (this.#session !== session) return;
    this.#session = null;
    this.#endReturn();
    this.roster.darken();
    // What broke it has most likely broken the others, and they may not tell.
    if (failure.reason !== "moved") this.#boards.closeAll(failure);
    this.#emit("roster", {});
  }

  /**
   * Gives up what waits in all conversations.
   * @param {Failure} failure
   */
  #give(failure) {
    this.roster.darken();
    for (const c of this.conversations.values()) c.abandon(failure);
  }

  /**
   * Passes on what a session tells.
   * @param {Notification} session
   * @param {string} type
   * @param {object} detail
   */
  #told(session, type, detail) {
    if (type === "self") this.name = session.name;
    this.#emit(type, detail);
    if (type === "presence" && "contact" in detail) {
      const contact = /** @type {import("./roster.js").Contact} */ (detail.contact);
      if (contact.online) this.conversations.get(contact.handle)?.flush();
    }
  }

  /**
   * @param {string} verb
   * @param {...(string|number)} params
   */
  #ask = async (verb, ...params) => {
    if (!this.#session) throw this.failure ?? new Failure("lost", "not signed in");
    return this.#session.ask(verb, ...params);
  };

  /** Describes our picture, and keeps it for those who ask. */
  #shown = () => (this.picture ? this.objects.offer(this.handle, pictureType, this.picture) : null);

  /** Sends CHG, one after the other, since each repeats what the last one said. */
  #show() {
    const next = this.#showing.then(async () => {
      if (!this.#session) return; // the next sign-in shows it
      await this.#session.show(this.status, this.#shown());
    });
    this.#showing = next.catch(() => {});
    return next;
  }

  /**
   * @param {string} key
   * @param {string|null} direct
   * @returns {Conversation}
   */
  #converse(key, direct) {
    return new Conversation({
      client: this,
      board: (c) => this.#boards.board(c),
      reach: (c) => this.#boards.reach(c),
      later: (failure) => failure.reason === "offline" && this.#returning !== undefined,
      emit: this.#emit,
    }, key, direct);
  }

  #endReturn() {
    clearTimeout(this.#returning);
    this.#returning = undefined;
  }

  /** Whoever is not back by now does not come. */
  #allBack() {
    this.#returning = undefined;
    for (const c of this.conversations.values()) c.flush();
  }
}

// The switchboards of one client: opening them, answering calls, and finding the one over which
// a conversation goes on.

import { Conversation } from "./conversation.js";
import { Failure } from "./failure.js";
import { Board } from "./switchboard.js";

const enterTime = 30_000;
const maxBoards = 40;
const maxOfCaller = 8; // of these, that one person has called us to

/**
 * What the boards need of their client.
 * @typedef {object} BoardsHost
 * @property {() => string} handle ours
 * @property {import("./link.js").Open} open
 * @property {(verb: string, ...params: (string|number)[]) => Promise<import("./frame.js").Frame>} ask
 * @property {(sha1d: string) => Uint8Array|undefined} object
 * @property {(type: string, detail: object) => void} emit
 * @property {(key: string, direct: string|null) => Conversation} converse makes a conversation
 */

/** The switchboards of one client, and the conversations they serve. */
export class Boards {
  #host;
  /** @type {Set<Board>} */
  #all = new Set();
  #groups = 0;
  /** @type {Map<string, number>} calls of somebody that we have answered, and that go on */
  #answered = new Map();

  /** @type {Map<string, Conversation>} by key, which is the handle of the other if there is one */
  conversations = new Map();

  /** @param {BoardsHost} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * The conversation with one person, made if there is none.
   * @param {string} handle
   */
  direct(handle) {
    return this.conversations.get(handle) ?? this.#add(handle, handle);
  }

  /**
   * Ends a conversation, and forgets it.
   * @param {Conversation} c
   */
  leave(c) {
    for (const board of this.#all) {
      if (board.conversation === c) board.close();
    }
    if (c.direct) this.hangUp(c.direct);
    this.conversations.delete(c.key);
    this.#host.emit("conversations", {});
  }

  /**
   * Ends what goes on with somebody alone.
   * @param {string} handle
   */
  hangUp(handle) {
    for (const board of this.#all) {
      if (this.#serves(board, handle) && (!board.conversation || board.conversation.direct)) board.close();
    }
  }

  /**
   * Ends every connection, because they belong to a session that is over.
   * @param {Failure} failure
   */
  closeAll(failure) {
    for (const board of [...this.#all]) board.fail(failure);
  }

  /**
   * The board over which a conversation goes on, if there is one.
   * @param {Conversation} c
   * @returns {Board|undefined}
   */
  board(c) {
    const { direct } = c;
    if (!direct) return c.group?.alive && c.group.members.size > 0 ? c.group : undefined;
    return [...this.#all].find((b) =>
      b.alive && !b.calling && this.#serves(b, direct) && (!b.conversation || b.conversation === c));
  }

  /**
   * Opens a board for a conversation if there is none.
   * @param {Conversation} c
   */
  async reach(c) {
    return this.board(c) ?? await this.#open([...c.people.keys()], c);
  }

  /**
   * Calls one more person into a conversation. One with a single person stays as it is, and
   * another one begins.
   * @param {Conversation} c
   * @param {string} handle
   * @returns {Promise<Conversation>} the one with all of them
   */
  async invite(c, handle) {
    const board = await this.reach(c);
    board.unused = false;
    await board.call(handle);
    return board.conversation ?? c;
  }

  /**
   * Fetches a picture from somebody, over a board with him or one of its own.
   * @param {string} from
   * @param {import("./object.js").MSNObject} object
   * @param {() => Promise<void>} mayOpen
   */
  async fetch(from, object, mayOpen) {
    const there = () => [...this.#all].filter((b) => b.alive && b.members.has(from)).sort((a, b) => a.members.size - b.members.size)[0];
    let board = there();
    if (!board) {
      await mayOpen();
      board = there() ?? await this.#open([from], null);
    }
    board.holds++;
    try {
      return await board.p2p.fetch(from, object);
    } finally {
      board.holds--;
      if (board.unused && board.holds === 0 && !board.p2p.serving) board.close();
    }
  }

  /**
   * Answers a call.
   * @param {import("./notification.js").Ring} ring
   */
  async answer(ring) {
    const { handle } = ring;
    const answered = this.#answered.get(handle) ?? 0;
    if (this.#all.size >= maxBoards || answered >= maxOfCaller) return;
    this.#answered.set(handle, answered + 1);
    const board = await this.#connect(ring.address, () => {
      const left = (this.#answered.get(handle) ?? 1) - 1;
      if (left > 0) this.#answered.set(handle, left);
      else this.#answered.delete(handle);
    });
    await this.#within(board, board.answer(ring));
    if (board.members.size > 1) this.#becomesGroup(board);
  }

  /**
   * @param {string[]} handles
   * @param {Conversation|null} c
   */
  async #open(handles, c) {
    const f = await this.#host.ask("XFR", "SB");
    if (f.need(5).arg(1) !== "SB" || f.arg(3) !== "CKI") throw new Failure("protocol", "no cookie");
    const board = await this.#connect(f.arg(2));
    board.conversation = c;
    if (c && !c.direct) c.group = board;
    await this.#within(board, board.enter(f.arg(4)));
    const calls = await Promise.allSettled(handles.map((h) => board.call(h)));
    const bad = calls.find((r) => r.status === "rejected");
    if (board.members.size > 0 && board.alive) return board;
    board.close();
    throw bad?.status === "rejected" ? bad.reason : new Failure("closed");
  }

  /**
   * @param {string} address
   * @param {() => void} [over] called when it has ended, or could not begin
   */
  async #connect(address, over = () => {}) {
    const wire = await this.#host.open({ server: "switchboard", address }).catch((thrown) => {
      over();
      throw thrown;
    });
    const board = new Board(wire, {
      self: this.#host.handle(),
      object: this.#host.object,
      joined: (b, handle) => this.#joined(b, handle),
      left: (b, handle, idle) => this.#left(b, handle, idle),
      said: (b, from, said) => this.#said(b, from, said),
      ended: (b) => {
        this.#all.delete(b);
        over();
      },
    });
    this.#all.add(board);
    return board;
  }

  /**
   * Waits for an entrance, but not for ever.
   * @param {Board} board
   * @param {Promise<void>} entrance
   */
  async #within(board, entrance) {
    const timer = setTimeout(() => board.fail(new Failure("timeout", "the switchboard does not answer")), enterTime);
    try {
      await entrance;
    } catch (thrown) {
      let failure = Failure.of(thrown);
      // A cookie that is not taken says nothing about who we are.
      if (failure.reason === "refused") failure = new Failure("unavailable", failure.message, failure.number);
      board.fail(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Whether a board has one other member alone.
   * @param {Board} board
   * @param {string} handle
   */
  #serves(board, handle) {
    return board.members.size === 1 && board.members.has(handle);
  }

  /**
   * @param {string} key
   * @param {string|null} direct
   */
  #add(key, direct) {
    const c = this.#host.converse(key, direct);
    this.conversations.set(key, c);
    this.#host.emit("conversations", {});
    return c;
  }

  /**
   * @param {Board} board
   * @param {string} handle
   */
  #joined(board, handle) {
    if (board.entering) return;
    const c = board.conversation;
    if (c && !c.direct) {
      const name = board.members.get(handle) ?? handle;
      const known = c.people.has(handle); // and has come back, as it were
      c.people.set(handle, name);
      if (known) this.#host.emit("people", { conversation: c });
      else c.moved("joined", handle, name);
    } else if (board.members.size > 1) {
      this.#becomesGroup(board);
    }
  }

  /**
   * Finds the conversation of a board with several members: one whose people are all there or
   * perhaps about to come, as when somebody opens it again, or a new one.
   * @param {Board} board
   */
  #becomesGroup(board) {
    const here = [...board.members.keys()];
    const fits = (/** @type {Conversation} */ c) => !c.direct && !c.group?.alive && here.every((h) => c.people.has(h));
    const c = [...this.conversations.values()].filter(fits).sort((a, b) => a.people.size - b.people.size)[0] ??
      this.#add(`group ${++this.#groups}`, null);
    for (const [handle, name] of board.members) c.people.set(handle, name);
    c.group = board;
    board.conversation = c;
    board.unused = false;
    this.#host.emit("people", { conversation: c });
  }

  /**
   * Somebody has left. He stays one of the people of a conversation if it was only cleared for
   * being idle, or if nobody else would be left: then it can go on.
   * @param {Board} board
   * @param {string} handle
   * @param {boolean} idle
   */
  #left(board, handle, idle) {
    const c = board.conversation;
    if (!c || c.direct) return;
    const name = c.people.get(handle) ?? handle;
    if (!idle && c.people.size > 1) c.people.delete(handle);
    if (!idle) c.moved("left", handle, name);
  }

  /**
   * @param {Board} board
   * @param {string} from
   * @param {import("./switchboard.js").Said} said
   */
  #said(board, from, said) {
    if (board.conversation) return board.conversation.receive(from, said);
    // Who types may stop; a conversation begins with what was said.
    if (said.kind === "typing") return this.conversations.get(from)?.receive(from, said);
    this.direct(from).receive(from, said);
  }
}

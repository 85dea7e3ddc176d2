// The desk: the windows of all conversations, one of which is in front, and a tab for each.

import { untoast } from "./attention.js";
import { Chat } from "./chat.js";
import { byID, narrow } from "./dom.js";
import { t } from "./texts.js";

/** The windows of the conversations. */
export class Desk {
  #app;
  #main = byID("main");
  #place = byID("desk");
  #tasks = byID("tasks");
  /** @type {Map<import("../msnp/conversation.js").Conversation, Chat>} in the order of their tabs */
  #chats = new Map();
  /** @type {Chat|null} */
  #front = null;
  #count = 0;

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#tasks.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    window.addEventListener("focus", () => this.#look());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  /** Brings the windows in line with the conversations there are. */
  sync() {
    const now = new Set(this.#app.client.conversations.values());
    for (const [c, chat] of this.#chats) {
      if (!now.has(c)) this.#remove(c, chat);
    }
    for (const c of now) {
      if (!this.#chats.has(c)) this.#add(c);
    }
    this.#tasks.hidden = this.#chats.size === 0;
    byID("empty").hidden = this.#front !== null;
  }

  /**
   * Opens the window of a conversation.
   * @param {string} key
   */
  open(key) {
    this.sync();
    const c = this.#app.client.conversations.get(key);
    const chat = c && this.#chats.get(c);
    if (!chat) return;
    this.#bring(chat);
    this.#main.dataset.view = "chat";
    chat.toEnd();
    chat.focus();
    this.#look();
  }

  /** Puts the window in front away, and leads back to the list. */
  hide() {
    this.#bring(null);
    this.#main.dataset.view = "list";
    this.#app.list.focus();
  }

  /** Leads back to the list. Where there is room the window stays. */
  back() {
    if (narrow()) return this.hide();
    this.#app.list.focus();
  }

  /**
   * Reports whether a conversation is in sight.
   * @param {string} key
   */
  shows(key) {
    const inSight = !narrow() || this.#main.dataset.view === "chat";
    return inSight && this.#front?.conversation.key === key;
  }

  /**
   * Shows a line, or what has become of one.
   * @param {import("../msnp/conversation.js").Conversation} c
   * @param {import("../msnp/conversation.js").Message} m
   * @returns {boolean} whether it is new
   */
  message(c, m) {
    this.sync();
    const chat = this.#chats.get(c);
    if (!chat?.message(m)) return false;
    if (m.kind === "nudge" && !m.mine) chat.shake();
    if (!m.mine) this.#look();
    chat.changed();
    return true;
  }

  /** @param {import("../msnp/conversation.js").Conversation} c */
  typing(c) {
    this.#chats.get(c)?.typing();
  }

  /** @param {import("../msnp/conversation.js").Conversation} [c] all without it */
  changed(c) {
    for (const [each, chat] of this.#chats) {
      if (!c || each === c) chat.changed();
    }
  }

  pictures() {
    for (const chat of this.#chats.values()) chat.picture();
  }

  looks() {
    for (const chat of this.#chats.values()) chat.wear();
  }

  focus() {
    this.#front?.focus();
  }

  /**
   * Brings the next or the previous conversation to the front.
   * @param {number} step
   */
  turn(step) {
    const all = [...this.#chats.values()];
    if (all.length === 0) return;
    const at = this.#front ? all.indexOf(this.#front) + step : 0;
    this.open(all[(at + all.length) % all.length].conversation.key);
  }

  /** Whether something would be lost with the page. */
  get unsent() {
    return [...this.#chats.values()].some((chat) => chat.unsent);
  }

  /** @param {import("../msnp/conversation.js").Conversation} c */
  #add(c) {
    const chat = new Chat(this.#app, c, ++this.#count);
    this.#chats.set(c, chat);
    chat.element.hidden = true;
    chat.tab.addEventListener("click", () => this.open(c.key));
    this.#place.append(chat.element);
    this.#tasks.append(chat.tab);
    if (!this.#front && !narrow()) this.#bring(chat);
    else this.#bring(this.#front);
  }

  /**
   * @param {import("../msnp/conversation.js").Conversation} c
   * @param {Chat} chat
   */
  #remove(c, chat) {
    this.#chats.delete(c);
    const focused = chat.element.contains(document.activeElement) || chat.tab === document.activeElement;
    chat.element.remove();
    chat.tab.remove();
    if (this.#front !== chat) return;
    this.#bring(narrow() ? null : [...this.#chats.values()].at(-1) ?? null);
    if (!this.#front) this.#main.dataset.view = "list";
    if (focused || document.activeElement === document.body) {
      if (this.#front) this.#front.focus();
      else this.#app.list.focus();
    }
    this.#look();
  }

  /** @param {Chat|null} chat to be in front */
  #bring(chat) {
    this.#front = chat;
    const first = [...this.#chats.values()][0];
    for (const each of this.#chats.values()) {
      each.element.hidden = each !== chat;
      each.tab.setAttribute("aria-selected", String(each === chat));
      each.tab.tabIndex = each === (chat ?? first) ? 0 : -1;
    }
    byID("empty").hidden = chat !== null;
    chat?.toEnd();
  }

  /** Notes that what is in front was looked at, if somebody does. */
  #look() {
    const c = this.#front?.conversation;
    if (c && this.#app.attention.watched && this.shows(c.key)) {
      c.read();
      untoast(c.key);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const tabs = [...this.#chats.values()];
    const here = tabs.findIndex((c) => c.tab === document.activeElement);
    if (here < 0) return;
    if (event.key === "Delete") return tabs[here].close();
    const to = new Map([["ArrowRight", here + 1], ["ArrowLeft", here - 1], ["Home", 0], ["End", tabs.length - 1]]).get(event.key);
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    if (!narrow()) this.#bring(next);
    next.tab.focus();
    this.#look();
    this.#app.say(t("messenger.window_of", { name: next.tab.textContent ?? "" }));
  }
}

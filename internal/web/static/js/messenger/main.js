// The messenger on the page: it makes the client and the views, and passes on what happens.

import { Client } from "../msnp/client.js";
import { Failure } from "../msnp/failure.js";
import { overWebSocket } from "../msnp/websocket.js";
import { Attention } from "./attention.js";
import { Desk } from "./desk.js";
import { byID } from "./dom.js";
import { ContactList } from "./list.js";
import { addContact, nameGroup } from "./manage.js";
import { Me } from "./me.js";
import { openOptions } from "./options.js";
import { statusText } from "./people.js";
import { Pictures } from "./pictures.js";
import { Settings } from "./settings.js";
import { StateLine } from "./state.js";
import { t } from "./texts.js";

const settling = 8000; // after signing in, when nobody has come who was not there before

/** Everything that belongs together. */
export class App {
  #page = byID("main");
  handle = this.#page.dataset.handle;
  settings = new Settings(this.handle);
  pictures = new Pictures();
  client = new Client({
    open: overWebSocket(new URL("/messenger/socket", location.href.replace(/^http/, "ws")).href),
    credentials: () => this.#credentials(),
    picture: this.settings.picture,
    status: /** @type {import("../msnp/handle.js").Status} */ (this.settings.get("status") ?? "NLN"),
  });
  attention = new Attention(this);
  me = new Me(this);
  list = new ContactList(this);
  desk = new Desk(this);
  #state = new StateLine(this);
  #since = Infinity; // when we have signed in

  start() {
    this.#listen();
    this.#page.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    byID("add").addEventListener("click", () => addContact(this));
    byID("new-group").addEventListener("click", () => nameGroup(this));
    byID("options").addEventListener("click", () => openOptions(this));
    window.addEventListener("online", () => this.client.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.client.wake();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.desk.unsent) event.preventDefault();
    });
    this.me.changed();
    this.comeBack();
  }

  /** Signs in, or tries again at once. */
  comeBack() {
    if (this.client.state === "offline") this.client.signIn().catch(() => {}); // the event "state" tells
    else this.client.wake();
  }

  /**
   * Opens the conversation with somebody.
   * @param {string} handle
   */
  talk(handle) {
    this.desk.open(this.client.conversation(handle).key);
  }

  /**
   * Tells something to those who listen.
   * @param {string} text
   */
  say(text) {
    byID("spoken").textContent = text;
  }

  /** Asks for a ticket. Whoever is signed out, or whose page is from another session, gets none. */
  async #credentials() {
    const answer = await fetch("/messenger/ticket", { method: "POST", headers: { "X-Csrf-Token": this.#page.dataset.token } });
    if (answer.status === 401 || answer.status === 403) throw new Failure("refused", "signed out");
    if (!answer.ok) throw new Failure("unavailable", `the website says ${answer.status}`);
    return answer.json();
  }

  #listen() {
    const { client } = this;
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ act) =>
      client.addEventListener(type, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("state", (detail) => {
      if (client.state === "online") {
        this.#since = Date.now();
        this.#own();
      }
      this.#state.changed(detail);
      this.me.changed();
      this.list.changed();
      this.desk.changed();
    });
    on("self", () => {
      this.me.changed();
      this.desk.changed();
    });
    on("roster", () => {
      this.list.changed();
      this.desk.changed();
    });
    on("presence", ({ contact, was }) => this.#presence(contact, was));
    on("addedby", ({ name }) => this.say(t("messenger.added_you", { name })));
    on("conversations", () => this.#conversations());
    on("message", ({ conversation, message }) => this.#message(conversation, message));
    on("typing", ({ conversation }) => this.desk.typing(conversation));
    on("people", ({ conversation }) => this.desk.changed(conversation));
    on("unread", ({ conversation }) => this.#unread(conversation));
    on("notice", ({ minutes }) => this.#state.stopping(minutes));
    on("alert", (alert) => this.attention.alert(alert));
  }

  /** Sets what belongs to us, now that it is known who we are; and opens what was being written. */
  #own() {
    if (this.client.emoticons.size === 0) this.client.setEmoticons(this.settings.emoticons);
    for (const handle of this.settings.drafts().keys()) {
      if (!this.client.conversations.has(handle)) this.client.conversation(handle);
    }
  }

  /**
   * @param {import("../msnp/roster.js").Contact} contact
   * @param {import("../msnp/handle.js").Status} was
   */
  #presence(contact, was) {
    this.list.changed();
    for (const c of this.client.conversations.values()) {
      if (c.people.has(contact.handle)) this.desk.changed(c);
    }
    if (Date.now() - this.#since < settling || !contact.forward) return;
    if (was === "FLN" && contact.online) {
      this.attention.sounds.play("online");
      this.attention.toast(t("messenger.came", { name: contact.shown }), () => this.talk(contact.handle));
    } else if (!contact.online) {
      this.say(t("messenger.went", { name: contact.shown }));
    } else if (was !== contact.status) {
      this.say(t("messenger.is_now", { name: contact.shown, status: statusText(contact.status) }));
    }
  }

  #conversations() {
    this.desk.sync();
    this.list.changed();
    this.attention.count();
  }

  /**
   * @param {import("../msnp/conversation.js").Conversation} c
   * @param {import("../msnp/conversation.js").Message} m
   */
  #message(c, m) {
    const fresh = this.desk.message(c, m);
    if (!fresh || m.mine) return;
    this.attention.count();
    this.list.changed();
    if (m.kind === "text" || m.kind === "nudge") {
      this.attention.heard(this.client.roster.find(m.from)?.shown ?? m.name, m, c.key, () => this.desk.open(c.key));
    }
  }

  /** @param {import("../msnp/conversation.js").Conversation} c */
  #unread(c) {
    this.attention.count();
    this.list.changed();
    this.desk.changed(c);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "F6") {
      event.preventDefault();
      const inList = byID("list").contains(document.activeElement);
      if (inList) this.desk.turn(0);
      else this.list.focus();
    } else if (event.altKey && !event.ctrlKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      this.desk.turn(event.key === "ArrowDown" ? 1 : -1);
    }
  }
}

new App().start();
document.documentElement.dataset.messenger = "ready"; // for loading.js

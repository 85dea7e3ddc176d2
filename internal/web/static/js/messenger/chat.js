// The window of one conversation.

import { confirm } from "./dialog.js";
import { byID, icon, make } from "./dom.js";
import { pickEmoticon } from "./emoticons.js";
import { fate, line } from "./lines.js";
import { colours, fonts, looks } from "./looks.js";
import { blockChoice, invite } from "./manage.js";
import { arrows, popUp } from "./menu.js";
import { manageEmoticons } from "./options.js";
import { dotClass, nameOf, statusText, titleOf } from "./people.js";
import { nobody } from "./pictures.js";
import { t } from "./texts.js";

/** @typedef {import("../msnp/conversation.js").Message} Message */

const nudgeEvery = 5000; // milliseconds, both ways
const maxText = 8000; // characters of one line; it goes in several messages
const nearEnd = 40; // pixels from the end of the log, where it follows what comes

/** A conversation on the screen. */
export class Chat {
  #app;
  /** @type {Map<number, HTMLElement>} lines by number */
  #lines = new Map();
  /** @type {Message|undefined} */
  #last;
  #shaken = 0;
  #nudged = 0;
  #log;
  #text;
  /** @type {HTMLButtonElement} */
  tab;

  /**
   * @param {import("./main.js").App} app
   * @param {import("../msnp/conversation.js").Conversation} conversation
   * @param {number} number of the window
   */
  constructor(app, conversation, number) {
    this.#app = app;
    this.conversation = conversation;
    this.element = byID("chat").content.firstElementChild.cloneNode(true);
    this.element.id = `chat-${number}`;
    this.element.setAttribute("aria-labelledby", `tab-${number}`);
    this.tab = make("button", { class: "task", type: "button", role: "tab", id: `tab-${number}`, "aria-controls": this.element.id, tabindex: -1 });
    this.#log = this.#part(".log");
    this.#text = this.#part("textarea");
    for (const e of this.element.querySelectorAll("[data-icon]")) e.prepend(icon(e.dataset.icon));
    this.#part(".face").append(...fonts.map(([name]) => make("option", {}, name)));
    this.#text.value = conversation.direct ? app.settings.drafts().get(conversation.direct) ?? "" : "";
    this.#listen();
    this.#format(app.settings.get("format") ?? {});
    for (const m of conversation.messages) this.message(m);
    this.changed();
  }

  /**
   * @param {string} selector
   * @returns {any}
   */
  #part(selector) {
    return this.element.querySelector(selector);
  }

  get visible() {
    return this.#app.desk.shows(this.conversation.key);
  }

  focus() {
    this.#text.focus();
  }

  /** Shows who is here and what they are doing. */
  changed() {
    const { client } = this.#app;
    const c = this.conversation;
    const title = titleOf(client, c);
    const other = c.direct ? client.roster.find(c.direct) : undefined;
    const dot = c.direct ? dotClass(other?.status ?? "FLN") : "dot online";
    this.#part(".title").textContent = title;
    this.#part(".titlebar .dot").className = dot;
    this.tab.replaceChildren(make("span", { class: dot }), make("bdi", {}, title),
      ...(c.unread > 0 ? [make("span", { class: "badge unread" }, make("span", { "aria-hidden": "true" }, String(c.unread)),
        make("span", { class: "out-of-sight" }, t("messenger.unread", { n: c.unread })))] : []));
    this.tab.classList.toggle("fresh", c.unread > 0);
    this.#part(".to").replaceChildren(t("messenger.to"), " ", ...(c.direct
      ? [make("bdi", {}, title), ` <${c.direct}>`, ...(other ? [` (${statusText(other.status)})`] : [])]
      : [make("bdi", {}, title)]));
    this.#warn();
    this.#part("[data-do=block]").hidden = !c.direct;
    this.#part("[data-do=block]").lastChild.textContent = c.direct ? blockChoice(this.#app, c.direct).text : "";
    this.picture();
    this.typing();
  }

  /** Tells what is in the way of what is typed, or will be. */
  #warn() {
    const other = this.conversation.direct ? this.#app.client.roster.find(this.conversation.direct) : undefined;
    const warn = this.#part(".warn");
    const name = this.#part(".title").textContent;
    const length = this.#text.value.length;
    let text = "";
    if (length > maxText) text = t("messenger.warn_long", { length, most: maxText });
    else if (!this.#app.client.online) text = t("messenger.warn_lost");
    else if (other?.blocked) text = t("messenger.warn_blocked", { name });
    else if (this.#app.client.status === "HDN") text = t("messenger.warn_hidden");
    else if (other?.forward && !other.online) text = t("messenger.warn_offline", { name });
    else if (other && ["AWY", "BRB", "LUN", "PHN", "BSY", "IDL"].includes(other.status)) {
      text = t("messenger.warn_away", { name, status: statusText(other.status) });
    }
    if (warn.textContent !== text) warn.textContent = text;
    warn.hidden = text === "";
  }

  /** Shows the pictures: theirs, or everybody's names. */
  picture() {
    const { client, me, pictures } = this.#app;
    const side = this.#part(".side");
    const mine = make("img", { class: "mine", src: me.address, alt: t("messenger.my_picture"), width: 96, height: 96 });
    const { direct } = this.conversation;
    if (!direct) {
      side.replaceChildren(make("ul", { role: "list", "aria-label": t("messenger.people") }, ...[...this.conversation.people].map(([handle, name]) =>
        make("li", { title: handle }, make("span", { class: dotClass(client.roster.find(handle)?.status ?? "NLN") }), " ", make("bdi", {}, nameOf(client, handle, name))))), mine);
      return;
    }
    const name = nameOf(client, direct);
    const old = side.querySelector(".other");
    const img = old ?? pictures.image({ class: "other", src: nobody, width: 96, height: 96 }, (shown) => (shown.src = nobody));
    const wanted = client.roster.find(direct)?.picture;
    const show = (/** @type {Uint8Array|null} */ data) => {
      if (client.roster.find(direct)?.picture !== wanted) return; // there is another one by now
      const address = (data && pictures.address(data)) || nobody;
      if (img.src !== address) img.src = address;
    };
    img.alt = t("messenger.their_picture", { name });
    if (!wanted) show(null);
    side.replaceChildren(img, mine);
    client.pictureOf(direct).then(show, () => show(null)); // there is none to be had now
  }

  typing() {
    const names = this.conversation.typing.map((handle) => nameOf(this.#app.client, handle, this.conversation.people.get(handle)));
    const text = names.length === 0 ? "" : t("messenger.typing", { n: names.length, names: names.join(", ") });
    const p = this.#part(".typing");
    if (p.textContent !== text) p.textContent = text;
  }

  /**
   * Shows a line, or what has become of one.
   * @param {Message} m
   * @returns {boolean} whether it is a new one
   */
  message(m) {
    const again = (/** @type {Message} */ failed) => {
      this.conversation.resend(failed);
      this.focus();
    };
    const known = this.#lines.get(m.id);
    if (known) {
      fate(known, m, again);
      return false;
    }
    const follow = m.mine || this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < nearEnd;
    const e = line(this.#app, m, this.#last, again);
    this.#last = m;
    this.#lines.set(m.id, e);
    this.#log.append(e);
    this.#trim();
    if (follow) this.toEnd();
    return true;
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Forgets lines that the conversation has forgotten. */
  #trim() {
    if (this.#lines.size <= this.conversation.messages.length + 50) return;
    const kept = new Set(this.conversation.messages.map((m) => m.id));
    for (const [id, e] of this.#lines) {
      if (kept.has(id)) continue;
      e.remove();
      this.#lines.delete(id);
    }
  }

  /** Shakes the window, unless it was shaken just now. */
  shake() {
    if (Date.now() - this.#shaken < nudgeEvery) return;
    this.#shaken = Date.now();
    this.element.classList.remove("shaking");
    void this.element.offsetWidth; // begins anew
    this.element.classList.add("shaking");
  }

  /** Whether something would be lost with the page. What is typed to one person is kept. */
  get unsent() {
    return this.conversation.unsent || (!this.conversation.direct && this.#text.value.trim() !== "");
  }

  async close() {
    if (this.unsent || this.#text.value.trim() !== "") {
      if (!await confirm(t("messenger.close"), t("messenger.close_ask"), t("messenger.close"), () => {})) return;
    }
    if (this.conversation.direct) this.#app.settings.draft(this.conversation.direct, "");
    this.#app.client.leave(this.conversation);
  }

  #listen() {
    const doing = new Map(Object.entries({
      invite: () => invite(this.#app, this.conversation),
      nudge: () => this.#nudge(),
      block: () => this.conversation.direct && blockChoice(this.#app, this.conversation.direct).act(),
      emoticons: (/** @type {HTMLElement} */ anchor) => this.#emoticons(anchor),
      colour: (/** @type {HTMLElement} */ anchor) => this.#colour(anchor),
    }));
    for (const [name, act] of doing) {
      const e = this.#part(`[data-do=${name}]`);
      e.addEventListener("click", () => act(e));
    }
    for (const e of this.element.querySelectorAll("[data-effect]")) {
      e.addEventListener("click", () => this.#effect(e.dataset.effect));
    }
    this.#part(".face").addEventListener("change", () => this.#format({ ...this.#app.settings.get("format"), font: this.#part(".face").value }));
    this.#part(".back").addEventListener("click", () => this.#app.desk.back());
    this.#part(".hide").addEventListener("click", () => this.#app.desk.hide());
    this.#part(".close").addEventListener("click", () => this.close());
    this.#part(".compose").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("input", () => {
      this.#warn();
      if (this.#text.value !== "") this.conversation.compose();
      if (this.conversation.direct) this.#app.settings.draft(this.conversation.direct, this.#text.value);
    });
    this.#text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "b" || event.key === "i" || event.key === "u") {
        if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
        event.preventDefault();
        this.#effect(event.key.toUpperCase());
      }
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#app.desk.back();
    });
  }

  #send() {
    if (this.#text.value.length > maxText) return this.#warn(); // which has told, and tells still
    if (!this.conversation.send(this.#text.value, this.#app.settings.get("format"))) return;
    this.#text.value = "";
    if (this.conversation.direct) this.#app.settings.draft(this.conversation.direct, "");
    this.focus();
  }

  #nudge() {
    if (Date.now() - this.#nudged < nudgeEvery) {
      this.#app.say(t("messenger.nudge_later"));
      return;
    }
    this.#nudged = Date.now();
    this.conversation.nudge();
    this.shake();
    this.focus();
  }

  /** @param {HTMLElement} anchor */
  #emoticons(anchor) {
    const { client, pictures } = this.#app;
    const own = new Map([...client.emoticons].map(([shortcut, { data }]) =>
      [shortcut, make("img", { src: pictures.address(data), alt: "" })]));
    pickEmoticon(anchor, own, (code) => this.#type(code), () => manageEmoticons(this.#app));
  }

  /**
   * Types something where the cursor is.
   * @param {string} text
   */
  #type(text) {
    this.#text.setRangeText(text, this.#text.selectionStart, this.#text.selectionEnd, "end");
    this.#text.dispatchEvent(new Event("input"));
    this.focus();
  }

  /** @param {HTMLElement} anchor */
  #colour(anchor) {
    const choices = colours.map(([value, name, key]) => make("button", {
      type: "button", class: `swatch ink-${name}`, "aria-label": t(key), title: t(key),
      onclick: () => {
        box.hidePopover();
        this.#format({ ...this.#app.settings.get("format"), color: value });
        this.focus();
      },
    }));
    const box = make("div", { class: "picker colours", role: "dialog", "aria-label": t("messenger.colour") }, make("div", { class: "grid" }, ...choices));
    box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => arrows(event, choices, 7));
    popUp(anchor, box);
    choices[0].focus();
  }

  /** @param {string} effect */
  #effect(effect) {
    const format = this.#app.settings.get("format") ?? {};
    const effects = format.effects ?? "";
    this.#format({ ...format, effects: effects.includes(effect) ? effects.replace(effect, "") : effects + effect });
  }

  /**
   * Gives what is typed its looks, here and from now on.
   * @param {import("../msnp/text.js").Format} format
   */
  #format(format) {
    this.#app.settings.set("format", format);
    this.#app.desk.looks();
    this.wear();
  }

  /** Shows the looks that are chosen. */
  wear() {
    const format = this.#app.settings.get("format") ?? {};
    const classes = looks(format);
    this.#text.className = classes.join(" ");
    this.#part(".face").value = format.font || fonts[0][0];
    this.#part(".colour").className = "glyph colour " + classes[0];
    for (const e of this.element.querySelectorAll("[data-effect]")) {
      e.setAttribute("aria-pressed", String((format.effects ?? "").includes(e.dataset.effect)));
    }
  }
}

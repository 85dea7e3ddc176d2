// Getting attention: the title, sounds, notifications of the browser, and short words in a corner.

import { byID, make } from "./dom.js";
import { notifyByWorker } from "./notify.js";
import { nobody as logo } from "./pictures.js";
import { Sounds } from "./sounds.js";
import { t } from "./texts.js";

const toastTime = 6000;
const maxToasts = 3;
const maxAlerts = 3;

/** Tells people that something has happened. */
export class Attention {
  #app;
  #title = document.title;
  sounds = new Sounds();

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.#app = app;
    this.sounds.on = app.settings.get("sounds") ?? false;
  }

  /** Whether somebody looks at the page. */
  get watched() {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  /** Shows how many lines nobody has looked at. */
  count() {
    let n = 0;
    for (const c of this.#app.client.conversations.values()) n += c.unread;
    document.title = n > 0 ? t("messenger.title_unread", { count: n, title: this.#title }) : this.#title;
    // On a phone a conversation hides the list and its marks.
    for (const e of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".chat .back"))) {
      e.dataset.count = n > 0 ? String(n) : "";
      e.ariaLabel = t("messenger.back") + (n > 0 ? ` (${t("messenger.unread", { n })})` : "");
    }
  }

  /**
   * Tells of a line that came.
   * @param {string} name
   * @param {import("../msnp/conversation.js").Message} m
   * @param {string} key of the conversation
   * @param {() => void} open
   */
  heard(name, m, key, open) {
    this.sounds.play(m.kind === "nudge" ? "nudge" : "message");
    const text = m.kind === "nudge" ? t("messenger.nudged", { name }) : m.text;
    if (this.watched) {
      if (this.#app.desk.shows(key)) return;
      this.toast(`${name}: ${text.slice(0, 120)}`, open, key);
      return;
    }
    this.#notify(name, text, key, open);
  }

  /**
   * Shows a notification of the browser, if that is wanted. The next one on the same thing takes
   * its place.
   * @param {string} title
   * @param {string} text
   * @param {string} tag
   * @param {() => void} open
   */
  #notify(title, text, tag, open) {
    if (!this.#app.settings.get("notify") || !canNotify() || Notification.permission !== "granted") return;
    const options = { body: text.slice(0, 200), tag, icon: logo };
    try {
      const shown = new Notification(title, options);
      shown.onclick = () => {
        window.focus();
        shown.close();
        open();
      };
    } catch {
      notifyByWorker(title, options, open); // as browsers on phones want it
    }
  }

  /**
   * Shows a word of the service, until it is put away.
   * @param {{text: string, url: string}} alert
   */
  alert({ text, url }) {
    const all = byID("alerts");
    const e = make("div", { class: "request alert" }, make("p", {}, text), make("p", { class: "row" },
      ...(url ? [make("a", { class: "button small", href: url, target: "_blank", rel: "noopener noreferrer" }, t("messenger.read_more"))] : []),
      make("button", {
        class: "button small", type: "button", onclick: () => {
          e.remove();
          this.#app.list.focus();
        },
      }, t("messenger.done"))));
    all.append(e);
    while (all.childElementCount > maxAlerts) all.firstChild.remove();
    this.sounds.play("message");
    if (!this.watched) this.#notify(this.#title, text, "alert", () => {});
  }

  /**
   * Says something in a corner, for a while.
   * @param {string} text
   * @param {() => void} act
   * @param {string} [key] of the conversation it is about
   */
  toast(text, act, key = "") {
    const all = byID("toasts");
    const e = make("button", {
      class: "toast", type: "button", "data-key": key,
      onclick: () => {
        e.remove();
        act();
      },
    }, text);
    all.append(e);
    while (all.childElementCount > maxToasts) all.firstChild.remove();
    const go = () => {
      if (e.matches(":hover, :focus")) setTimeout(go, 1000);
      else e.remove();
    };
    setTimeout(go, toastTime);
  }
}

/** Takes away what was said about a conversation that is looked at. */
export function untoast(/** @type {string} */ key) {
  for (const e of [...byID("toasts").children]) if (e.dataset.key === key) e.remove();
}

/** Whether the browser could show notifications here: it has to trust the connection. */
export const canNotify = () => "Notification" in window && window.isSecureContext;

// The contact list: groups that fold, people with what they are doing, and those who wait to be
// let in.

import { byID, icon, make } from "./dom.js";
import { arrows } from "./menu.js";
import { contactMenu, groupMenu } from "./manage.js";
import { dotClass, statusText } from "./people.js";
import { complain } from "./dialog.js";
import { language, t } from "./texts.js";

/** @typedef {import("../msnp/roster.js").Contact} Contact */
/** @typedef {{key: string, name: string, number: number, people: Contact[]}} Section */

const compare = new Intl.Collator(language, { sensitivity: "base", numeric: true }).compare;
const patience = 50; // in which more may change before the list is made again

/** Those who are there first, then by name. */
const byPresence = (/** @type {Contact} */ a, /** @type {Contact} */ b) =>
  Number(b.online) - Number(a.online) || compare(a.shown, b.shown) || compare(a.handle, b.handle);

/** The list of contacts. */
export class ContactList {
  #app;
  #box = byID("contacts");
  #requests = byID("requests");
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #current = ""; // key of the row that Tab leads to

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.#box.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
      const row = rowOf(/** @type {HTMLElement} */ (event.target));
      if (row) this.#enter(row);
    });
  }

  /** Shows what has changed, soon. */
  changed() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#show();
    }, patience);
  }

  focus() {
    const rows = this.#rows();
    (rows.find((r) => r.tabIndex === 0) ?? rows[0] ?? byID("add")).focus();
  }

  /** @returns {HTMLElement[]} what the arrow keys lead to */
  #rows() {
    return [...this.#box.querySelectorAll("[data-key]")];
  }

  #show() {
    this.#showRequests();
    const focused = this.#box.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    const row = focused && rowOf(focused);
    const at = row ? this.#rows().indexOf(row) : -1;
    const sections = this.#sections();
    const empty = sections.every((s) => s.people.length === 0);
    const fresh = make("div", {}, ...sections.map((s) => this.#section(s)),
      ...(empty ? [make("p", { class: "hint-box" }, t(this.#app.client.roster.version > 0 ? "messenger.nobody" : "messenger.list_later"))] : []));
    amend(this.#box, fresh);
    const rows = this.#rows();
    if (!rows.some((r) => r.tabIndex === 0)) this.#enter(rows[0]);
    if (!focused || focused.isConnected) return;
    // What had the focus was made again, has moved to another group, or is gone.
    const heir = rows.find((r) => r.dataset.key === row?.dataset.key) ??
      rows.find((r) => r.dataset.handle && r.dataset.handle === row?.dataset.handle) ?? rows[Math.min(at, rows.length - 1)];
    if (!heir) return this.focus();
    ((focused.matches(".more") && heir.parentElement?.querySelector(".more")) || heir).focus();
  }

  /** @param {HTMLElement|undefined} row which Tab shall lead to */
  #enter(row) {
    for (const each of this.#rows()) each.tabIndex = each === row ? 0 : -1;
    if (row) this.#current = row.dataset.key ?? "";
  }

  /** @returns {Section[]} */
  #sections() {
    const { roster } = this.#app.client;
    const people = [...roster.contacts.values()].filter((c) => c.forward).sort(byPresence);
    if (this.#app.settings.get("byStatus")) {
      return [
        { key: "online", name: t("messenger.online"), number: -1, people: people.filter((c) => c.online) },
        { key: "offline", name: t("messenger.offline"), number: -1, people: people.filter((c) => !c.online) },
      ].filter((s) => s.people.length > 0);
    }
    const groups = [...roster.groups].sort(([a, x], [b, y]) => Number(a === 0) - Number(b === 0) || compare(x, y));
    return groups.map(([number, name]) => ({
      key: `group-${number}`, name, number, people: people.filter((c) => c.groups.has(number)),
    })).filter((s) => s.number !== 0 || s.people.length > 0);
  }

  /** @param {Section} s */
  #section(s) {
    const closed = this.#app.settings.get("closed")?.includes(s.key) ?? false;
    const here = s.people.filter((c) => c.online).length;
    const count = s.number < 0 ? String(s.people.length) : `${here}/${s.people.length}`;
    const spoken = s.number < 0 ? t("messenger.count_of", { n: s.people.length }) : t("messenger.count_online", { n: s.people.length, here });
    const head = make("button", {
      class: "fold", type: "button", "data-key": s.key, "aria-expanded": String(!closed), tabindex: this.#current === s.key ? 0 : -1,
      onclick: () => this.#fold(s.key),
    }, icon(closed ? "closed" : "open"), make("bdi", {}, s.name), " ",
    make("span", { class: "count", "aria-hidden": "true" }, `(${count})`), make("span", { class: "out-of-sight" }, " " + spoken));
    const menu = s.number < 0 ? [] : [this.#more(t("messenger.group_menu", { name: s.name }), (anchor) => groupMenu(this.#app, anchor, s.number, s.name))];
    return make("section", { "data-part": s.key }, make("h3", {}, head, ...menu),
      make("ul", { role: "list", hidden: closed }, ...s.people.map((c) => this.#contact(c, s))));
  }

  /**
   * @param {Contact} c
   * @param {Section} s
   */
  #contact(c, s) {
    const unread = this.#app.client.conversations.get(c.handle)?.unread ?? 0;
    const status = c.online && c.status === "NLN" ? "" : `(${statusText(c.status)})`;
    const key = `${s.key} ${c.handle}`;
    const row = make("button", {
      class: `contact${c.online ? "" : " off"}`, type: "button", "data-key": key, "data-handle": c.handle, tabindex: this.#current === key ? 0 : -1,
      title: c.handle, onclick: () => this.#app.talk(c.handle),
    }, make("span", { class: dotClass(c.status) }), make("bdi", { class: "nick" }, c.shown), " ",
    make("span", { class: status ? "small muted" : "out-of-sight" }, status || statusText(c.status)),
    ...(c.blocked ? [" ", make("span", { class: "badge bad" }, t("messenger.blocked"))] : []),
    ...(unread > 0 ? [" ", make("span", { class: "badge unread" }, make("span", { "aria-hidden": "true" }, String(unread)),
      make("span", { class: "out-of-sight" }, t("messenger.unread", { n: unread })))] : []));
    const more = this.#more(t("messenger.contact_menu", { name: c.shown }), (anchor) => contactMenu(this.#app, anchor, c.handle, s.number));
    row.addEventListener("contextmenu", (/** @type {Event} */ event) => {
      event.preventDefault();
      contactMenu(this.#app, row, c.handle, s.number);
    });
    return make("li", {}, row, more);
  }

  /**
   * @param {string} label
   * @param {(anchor: HTMLElement) => void} open
   */
  #more(label, open) {
    const e = make("button", {
      class: "more", type: "button", "aria-label": label, title: label, "aria-haspopup": "menu", tabindex: -1, onclick: () => open(e),
    }, icon("more"));
    return e;
  }

  /** @param {string} key */
  #fold(key) {
    const closed = new Set(this.#app.settings.get("closed") ?? []);
    if (!closed.delete(key)) closed.add(key);
    this.#app.settings.set("closed", [...closed]);
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const rows = this.#rows().filter((r) => r.offsetParent !== null);
    const parent = target.closest("li, h3");
    const row = /** @type {HTMLElement|null|undefined} */ (parent?.querySelector("[data-key]"));
    const more = /** @type {HTMLElement|null|undefined} */ (parent?.querySelector(".more"));
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const folds = target.getAttribute("aria-expanded") === (event.key === "ArrowRight" ? "false" : "true");
      event.preventDefault();
      if (folds && target.dataset.key) this.#fold(target.dataset.key);
      else (event.key === "ArrowRight" ? more : row)?.focus();
    } else if (event.key === "Delete" && target.dataset.handle) {
      event.preventDefault();
      more?.click();
    } else if (arrows(event, rows)) {
      // moved
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const start = rows.indexOf(target) + 1;
      const next = [...rows.slice(start), ...rows.slice(0, start)]
        .find((r) => r.querySelector("bdi")?.textContent?.toLowerCase().startsWith(event.key.toLowerCase()));
      next?.focus();
    }
  }

  #showRequests() {
    const waiting = [...this.#app.client.roster.contacts.values()].filter((c) => c.pending);
    this.#requests.hidden = waiting.length === 0;
    const had = new Set([...this.#requests.children].map((e) => /** @type {HTMLElement} */ (e).dataset.handle));
    if (waiting.length === had.size && waiting.every((c) => had.has(c.handle))) return;
    const focused = this.#requests.contains(document.activeElement);
    this.#requests.replaceChildren(...waiting.map((c) => this.#request(c)));
    if (focused) (this.#requests.querySelector("button") ?? this).focus();
  }

  /** @param {Contact} c */
  #request(c) {
    const act = (/** @type {() => Promise<void>} */ done) => async () => {
      try {
        await done();
      } catch (thrown) {
        complain(c.handle, thrown);
      }
    };
    const { client } = this.#app;
    const label = c.name === c.handle ? c.handle : `${c.name} (${c.handle})`;
    return make("div", { class: "request", "data-handle": c.handle }, make("p", {}, t("messenger.added_you", { name: label })),
      make("p", { class: "row" },
        make("button", { class: "button small primary", type: "button", onclick: act(() => client.lists.accept(c.handle)) }, t("messenger.accept")),
        make("button", { class: "button small", type: "button", "data-do": "allow", onclick: act(() => client.lists.allow(c.handle)) }, t("messenger.allow_only")),
        make("button", { class: "button small", type: "button", "data-do": "refuse", onclick: act(() => client.block(c.handle)) }, t("messenger.refuse"))));
  }
}

/**
 * The row that something is in.
 * @param {HTMLElement} e
 * @returns {HTMLElement|null}
 */
const rowOf = (e) => e.closest("li, h3")?.querySelector("[data-key]") ?? null;

/**
 * Brings what is shown in line with what should be. What is the same stays where it is, so that
 * neither the focus nor an open menu loses its place, and nothing is read out again.
 * @param {Element} old
 * @param {Element} fresh
 */
function amend(old, fresh) {
  const wanted = [...fresh.children];
  wanted.forEach((e, i) => {
    const was = old.children[i];
    if (!was) old.append(e);
    else if (was.isEqualNode(e)) return;
    else if (was.matches("section, ul") && was.cloneNode().isEqualNode(e.cloneNode())) amend(was, e);
    else was.replaceWith(e);
  });
  while (old.childElementCount > wanted.length) old.lastElementChild?.remove();
}

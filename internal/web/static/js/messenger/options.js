// Options, and the emoticons of one's own.

import { isShortcut } from "../msnp/emoticons.js";
import { canNotify } from "./attention.js";
import { check, complain, field, openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { manageBlocked } from "./manage.js";
import { scaled } from "./pictures.js";
import { t } from "./texts.js";

const emoticonSize = 50;
const maxEmoticons = 60;

/** @typedef {import("./main.js").App} App */

/** The keys that do something, and what. */
const keys = [
  ["F6", "messenger.key_f6"], ["Alt+↑ Alt+↓", "messenger.key_alt"], ["Enter", "messenger.key_enter"],
  ["Shift+Enter", "messenger.key_shift"], ["Esc", "messenger.key_esc"],
];

/**
 * Opens the options. Each is in force at once.
 * @param {App} app
 */
export function openOptions(app) {
  const { settings, client, attention } = app;
  const sounds = check(t("messenger.sounds"), {
    checked: settings.get("sounds"),
    onchange: (/** @type {any} */ { target }) => {
      settings.set("sounds", target.checked);
      attention.sounds.on = target.checked;
      attention.sounds.play("message");
    },
  });
  const sorted = check(t("messenger.by_status"), {
    checked: settings.get("byStatus"),
    onchange: (/** @type {any} */ { target }) => {
      settings.set("byStatus", target.checked);
      app.list.changed();
    },
  });
  const known = check(t("messenger.only_known"), {
    checked: client.roster.privacy === "BL", disabled: !client.online,
    onchange: async (/** @type {any} */ { target }) => {
      await client.lists.setPrivacy(target.checked ? "BL" : "AL").catch((thrown) => complain(t("messenger.options"), thrown));
      target.checked = client.roster.privacy === "BL";
    },
  });
  return openDialog(t("messenger.options"), [
    sounds, ...notifications(app), sorted, known,
    make("p", { class: "row" },
      make("button", { class: "button small", type: "button", "data-do": "own", onclick: () => manageEmoticons(app) }, t("messenger.own_emoticons")),
      make("button", { class: "button small", type: "button", "data-do": "blocked", onclick: () => manageBlocked(app) }, t("messenger.blocked_people"))),
    make("h3", {}, t("messenger.keys")),
    make("dl", { class: "keys" }, ...keys.map(([key, text]) => make("div", {},
      make("dt", {}, ...key.split(" ").flatMap((k) => [make("kbd", {}, k), " "])), make("dd", {}, t(text))))),
    make("p", { class: "hint" }, t("messenger.kept_here")),
  ]);
}

/**
 * The choice of notifications, which the browser has to allow.
 * @param {App} app
 */
function notifications({ settings }) {
  if (!canNotify()) return [make("p", { class: "hint" }, t("messenger.notify_cannot"))];
  const problem = make("p", { class: "problem", role: "status" });
  return [check(t("messenger.notify"), {
    checked: settings.get("notify") && Notification.permission === "granted",
    onchange: async (/** @type {any} */ { target }) => {
      problem.textContent = "";
      if (target.checked && await Notification.requestPermission() !== "granted") {
        target.checked = false;
        problem.textContent = t("messenger.notify_denied");
      }
      settings.set("notify", target.checked);
    },
  }), problem];
}

/**
 * Opens the list of one's own emoticons.
 * @param {App} app
 */
export function manageEmoticons(app) {
  const { client } = app;
  const list = make("ul", { class: "own-list", role: "list" });
  const change = (/** @type {(all: typeof client.emoticons) => void} */ how) => {
    const all = new Map(client.emoticons);
    how(all);
    client.setEmoticons(all);
    app.settings.emoticons = all;
    show();
  };
  const show = () => list.replaceChildren(...[...client.emoticons].map(([shortcut, { data }]) => make("li", {},
    make("img", { src: app.pictures.address(data), alt: "" }), make("code", {}, shortcut),
    make("button", { class: "button small", type: "button", "aria-label": t("messenger.remove_emoticon", { shortcut }), onclick: () => change((all) => all.delete(shortcut)) }, t("messenger.remove_ok")))));
  const shortcut = make("input", { maxlength: 7, autocomplete: "off" });
  const file = make("input", { type: "file", accept: "image/*" });
  const problem = make("p", { class: "problem", role: "alert" });
  const add = async () => {
    problem.textContent = "";
    const code = shortcut.value.trim();
    if (!isShortcut(code)) return (problem.textContent = t("messenger.bad_shortcut"));
    if (client.emoticons.size >= maxEmoticons) return (problem.textContent = t("messenger.why_full"));
    try {
      const data = await scaled(file.files[0], emoticonSize, "contain");
      change((all) => all.set(code, { data }));
      shortcut.value = file.value = "";
    } catch {
      problem.textContent = t("messenger.no_image");
    }
  };
  show();
  return openDialog(t("messenger.own_emoticons"), [
    list, field(t("messenger.shortcut"), shortcut, t("messenger.shortcut_hint")), field(t("messenger.choose_image"), file), problem,
    make("p", {}, make("button", { class: "button", type: "button", onclick: add }, t("messenger.add_emoticon"))),
  ]);
}

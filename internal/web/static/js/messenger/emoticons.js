// The emoticons that everybody knows: their codes, and their pictures, which are in one file.

import { make } from "./dom.js";
import { arrows, popUp } from "./menu.js";
import { t } from "./texts.js";

const file = new URL("../../img/emoticons.svg", import.meta.url).href;

/**
 * Each by its name in the catalogue, with its codes; the first is the one that is typed.
 * @type {[string, ...string[]][]}
 */
const table = [
  ["messenger.emo_smile", ":)", ":-)"], ["messenger.emo_laugh", ":D", ":-D", ":d", ":-d", ":>", ":->"],
  ["messenger.emo_wink", ";)", ";-)"], ["messenger.emo_tongue", ":P", ":-P", ":p", ":-p"],
  ["messenger.emo_surprised", ":O", ":-O", ":o", ":-o"], ["messenger.emo_sad", ":(", ":-(", ":<", ":-<"],
  ["messenger.emo_confused", ":S", ":-S", ":s", ":-s"], ["messenger.emo_flat", ":|", ":-|"],
  ["messenger.emo_cry", ":'("], ["messenger.emo_shy", ":$", ":-$"], ["messenger.emo_cool", "(H)", "(h)"],
  ["messenger.emo_angry", ":@", ":-@"], ["messenger.emo_angel", "(A)", "(a)"], ["messenger.emo_devil", "(6)"],
  ["messenger.emo_hush", ":-#"], ["messenger.emo_teeth", "8o|"], ["messenger.emo_nerd", "8-|"],
  ["messenger.emo_think", "*-)"], ["messenger.emo_dontknow", ":^)"], ["messenger.emo_party", "<:o)"],
  ["messenger.emo_eyeroll", "8-)"], ["messenger.emo_sleepy", "|-)"], ["messenger.emo_sick", "+o("],
  ["messenger.emo_kiss_face", ":-*"], ["messenger.emo_heart", "(L)", "(l)"], ["messenger.emo_broken", "(U)", "(u)"],
  ["messenger.emo_kiss", "(K)", "(k)"], ["messenger.emo_rose", "(F)", "(f)"], ["messenger.emo_gift", "(G)", "(g)"],
  ["messenger.emo_cat", "(@)"], ["messenger.emo_dog", "(&)"], ["messenger.emo_moon", "(S)", "(s)"],
  ["messenger.emo_star", "(*)"], ["messenger.emo_note", "(8)"], ["messenger.emo_mail", "(E)", "(e)"],
  ["messenger.emo_cake", "(^)"], ["messenger.emo_clock", "(O)", "(o)"], ["messenger.emo_idea", "(I)", "(i)"],
  ["messenger.emo_coffee", "(C)", "(c)"], ["messenger.emo_yes", "(Y)", "(y)"], ["messenger.emo_no", "(N)", "(n)"],
  ["messenger.emo_beer", "(B)", "(b)"], ["messenger.emo_sun", "(#)"], ["messenger.emo_rainbow", "(R)", "(r)"],
  ["messenger.emo_umbrella", "(um)"],
];

/** @type {Map<string, string>} keys by code */
const keys = new Map(table.flatMap(([key, ...codes]) => codes.map((code) => /** @type {[string, string]} */ ([code, key]))));

/** Matches any code, the longest first. */
const anyCode = new RegExp([...keys.keys()].sort((a, b) => b.length - a.length).map((c) => c.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");

/** @param {string} key */
const picture = (key) => `${file}#${key.replace("messenger.emo_", "")}`;

/**
 * Makes the picture for a code. Copied with the text around it, it is the code again.
 * @param {string} code
 */
function image(code) {
  const key = keys.get(code) ?? "";
  return make("img", { class: "emoticon", src: picture(key), alt: code, title: t(key), width: 22, height: 22 });
}

/**
 * Cuts a text at the codes in it.
 * @param {string} text
 * @returns {(Node|string)[]}
 */
export function withEmoticons(text) {
  /** @type {(Node|string)[]} */
  const out = [];
  let from = 0;
  for (const found of text.matchAll(anyCode)) {
    if (found.index > from) out.push(text.slice(from, found.index));
    out.push(image(found[0]));
    from = found.index + found[0].length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}

/**
 * Opens the box to pick one from.
 * @param {HTMLElement} anchor
 * @param {Map<string, HTMLImageElement>} own pictures of our own by shortcut
 * @param {(code: string) => void} pick
 * @param {() => void} manage opens what our own are made with
 */
export function pickEmoticon(anchor, own, pick, manage) {
  const button = (/** @type {string} */ label, /** @type {Node} */ shown, /** @type {string} */ code) => make("button", {
    type: "button", "aria-label": label, title: `${label} ${code}`,
    onclick: () => {
      box.hidePopover();
      pick(code);
    },
  }, shown);
  const known = table.map(([key, code]) => button(t(key), make("img", { src: picture(key), alt: "", width: 24, height: 24 }), code));
  const ours = [...own].map(([shortcut, img]) => button(shortcut, img, shortcut));
  const box = make("div", { class: "picker", role: "dialog", "aria-label": t("messenger.emoticons") },
    make("div", { class: "grid" }, ...known),
    ...(ours.length > 0 ? [make("div", { class: "grid own" }, ...ours)] : []),
    make("button", {
      class: "button small", type: "button",
      onclick: () => {
        box.hidePopover();
        manage();
      },
    }, t("messenger.own_emoticons")));
  box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => arrows(event, [...known, ...ours], 9));
  popUp(anchor, box);
  known[0].focus();
}

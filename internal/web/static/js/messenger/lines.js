// The lines of a conversation. Whatever others say is text, and its looks are classes of ours.

import { pieces } from "../msnp/emoticons.js";
import { make } from "./dom.js";
import { withEmoticons } from "./emoticons.js";
import { looks } from "./looks.js";
import { nameOf } from "./people.js";
import { t, timeOf, why } from "./texts.js";

/** @typedef {import("../msnp/conversation.js").Message} Message */

const sameBreath = 5 * 60_000; // in which one's next line needs no name above it

/** What lines that are no text say. */
const events = new Map([
  ["joined", "messenger.joined"], ["left", "messenger.left"], ["nudge", "messenger.nudged"],
]);

/**
 * Makes the element of a line.
 * @param {import("./main.js").App} app
 * @param {Message} m
 * @param {Message|undefined} before the line above it
 * @param {(m: Message) => void} again sends it once more
 * @returns {HTMLElement}
 */
export function line(app, m, before, again) {
  const name = m.mine ? app.client.name || m.from : nameOf(app.client, m.from, m.name);
  const time = make("time", { datetime: m.time.toISOString() }, timeOf(m.time));
  let content;
  if (m.kind === "text") {
    const follows = before?.kind === "text" && before.from === m.from && m.time.getTime() - before.time.getTime() < sameBreath;
    content = [
      make("p", { class: follows ? "out-of-sight" : "speaker" }, make("bdi", {}, t("messenger.says", { name })), " ", time),
      make("p", { class: ["said", ...looks(m.format)].join(" "), dir: m.format.rightToLeft ? "rtl" : "auto" }, ...said(app, m)),
    ];
  } else {
    const key = m.kind === "nudge" && m.mine ? "messenger.nudged_them" : events.get(m.kind) ?? "";
    content = [make("p", { class: "event" }, t(key, { name }), " ", time)];
  }
  const e = make("div", { class: `line ${m.mine ? "mine" : "theirs"} ${m.kind}` }, ...content, make("p", { class: "fate" }));
  fate(e, m, again);
  return e;
}

/**
 * Shows what has become of a line of ours.
 * @param {HTMLElement} e
 * @param {Message} m
 * @param {(m: Message) => void} again
 */
export function fate(e, m, again) {
  const p = /** @type {HTMLElement} */ (e.querySelector(".fate"));
  p.classList.toggle("waiting", m.state === "pending");
  p.classList.toggle("failed", m.state === "failed");
  p.hidden = m.state !== "pending" && m.state !== "failed";
  if (m.state === "pending") p.replaceChildren(t("messenger.pending"));
  else if (m.state === "failed") {
    p.replaceChildren(t("messenger.failed", { why: why(m.failure) }), " ",
      make("button", { class: "button small", type: "button", onclick: () => again(m) }, t("messenger.again")));
  } else p.replaceChildren();
}

/**
 * The pieces of a text: custom emoticons, then addresses, then the emoticons everybody knows.
 * @param {import("./main.js").App} app
 * @param {Message} m
 * @returns {(Node|string)[]}
 */
function said(app, m) {
  return pieces(m.text, m.emoticons).flatMap((piece) => typeof piece === "string" ? linked(piece) : [custom(app, m, piece.shortcut)]);
}

/**
 * Makes links of what are addresses of the web.
 * @param {string} text
 * @returns {(Node|string)[]}
 */
function linked(text) {
  return text.split(/(\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])/i).flatMap((part, i) => {
    if (i % 2 === 0) return withEmoticons(part);
    return URL.canParse(part) ? [make("a", { href: new URL(part).href, target: "_blank", rel: "noopener noreferrer nofollow" }, part)] : [part];
  });
}

/**
 * A custom emoticon, which is its shortcut until the picture is here.
 * @param {import("./main.js").App} app
 * @param {Message} m
 * @param {string} shortcut
 */
function custom(app, m, shortcut) {
  const e = make("span", { class: "custom" }, shortcut);
  app.client.emoticon(m, shortcut).then((data) => {
    const address = data && app.pictures.address(data);
    if (address) e.replaceChildren(app.pictures.image({ src: address, alt: shortcut, title: shortcut }, () => e.replaceChildren(shortcut)));
  }, () => {}); // the shortcut stays
  return e;
}

// What opens beside a button and goes when one looks elsewhere: menus, and boxes to pick from.

import { make } from "./dom.js";

/**
 * Opens a box beside something.
 * @param {HTMLElement} anchor
 * @param {HTMLElement} box
 */
export function popUp(anchor, box) {
  box.popover = "auto";
  (anchor.closest("dialog") ?? document.body).append(box);
  box.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const within = box.contains(document.activeElement) || document.activeElement === document.body;
    box.remove();
    if (within && anchor.isConnected) anchor.focus();
  });
  anchor.focus({ preventScroll: true }); // not every browser does so when it is pressed; the focus comes back here
  box.showPopover();
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = at.bottom + height + 4 <= innerHeight || at.top < height + 4;
  box.style.left = Math.max(4, Math.min(at.left, innerWidth - width - 4)) + "px";
  box.style.top = Math.max(4, below ? Math.min(at.bottom + 2, innerHeight - height - 4) : at.top - height - 2) + "px";
}

/**
 * Moves the focus among things with the arrow keys.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} among
 * @param {number} columns
 * @returns {boolean} whether it did
 */
export function arrows(event, among, columns = 1) {
  const here = among.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const steps = new Map([
    ["ArrowDown", here + columns], ["ArrowUp", here < 0 ? among.length - 1 : here - columns], ["Home", 0], ["End", among.length - 1],
    ...(columns > 1 ? /** @type {[string, number][]} */ ([["ArrowRight", here + 1], ["ArrowLeft", here - 1]]) : []),
  ]);
  const to = steps.get(event.key);
  if (to === undefined || among.length === 0) return false;
  event.preventDefault();
  among[columns === 1 ? (to + among.length) % among.length : Math.max(0, Math.min(to, among.length - 1))].focus();
  return true;
}

/**
 * Opens a menu.
 * @param {HTMLElement} anchor
 * @param {string} label
 * @param {{text: string, act: () => void}[]} choices
 */
export function openMenu(anchor, label, choices) {
  const items = choices.map(({ text, act }) => make("button", {
    type: "button", role: "menuitem", tabindex: -1,
    onclick: () => {
      menu.hidePopover();
      act();
    },
  }, text));
  const menu = make("div", { class: "menu", role: "menu", "aria-label": label }, ...items);
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (arrows(event, items)) return;
    if (event.key === "Tab") menu.hidePopover();
    const next = event.key.length === 1 && items.find((i) => i.textContent?.toLowerCase().startsWith(event.key.toLowerCase()));
    if (next) next.focus();
  });
  popUp(anchor, menu);
  items[0]?.focus();
}

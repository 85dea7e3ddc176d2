// Making elements. What people type becomes text nodes and nothing else.

/**
 * Makes an element. Names that begin with "on" are listeners, the others attributes; those that
 * are false, null or undefined are left out.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node|string)} children
 * @returns {any}
 */
export function make(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : String(value));
  }
  e.append(...children);
  return e;
}

/**
 * The element with an id, which the page has.
 * @param {string} id
 * @returns {any}
 */
export const byID = (id) => document.getElementById(id);

/** Drawings of 16 by 16, as paths that are stroked. */
const drawings = new Map([
  ["back", "M10 3 5 8l5 5"],
  ["hide", "M4 12h8"],
  ["close", "M4 4l8 8M12 4l-8 8"],
  ["more", "M3.500 8h.01M8 8h.01M12.500 8h.01"],
  ["invite", "M6 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM1.500 13.500C1.500 11 3.500 10 6 10s4.500 1 4.500 3.500M12.500 4v5M10 6.500h5"],
  ["nudge", "M6 2.500h4v11H6zM3.500 5 2.500 6.500l1 1.500-1 1.500 1 1.500M12.500 5l1 1.500-1 1.500 1 1.500-1 1.500"],
  ["block", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.800 12.200l8.400-8.400"],
  ["smile", "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM5.500 6v.5M10.500 6v.5M5 9.500c1.500 2 4.500 2 6 0"],
  ["open", "M4 6l4 4 4-4"],
  ["closed", "M6 4l4 4-4 4"],
]);

/**
 * Makes an icon, which is silent for screen readers.
 * @param {string} name
 */
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", drawings.get(name) ?? "");
  svg.append(path);
  return svg;
}

/**
 * Reports whether there is room for one thing at a time only.
 * @returns {boolean}
 */
export const narrow = () => matchMedia("(max-width: 48rem)").matches;

// How texts look: what others wish for is brought to what this page has, which is legible in light and dark.

/**
 * Colours: as they are sent, and the name of the class that shows them.
 * @type {[number, string, string][]}
 */
export const colours = [
  [0x000000, "black", "messenger.colour_black"], [0x808080, "grey", "messenger.colour_grey"],
  [0x800000, "maroon", "messenger.colour_maroon"], [0xff0000, "red", "messenger.colour_red"],
  [0xff8000, "orange", "messenger.colour_orange"], [0x808000, "olive", "messenger.colour_olive"],
  [0x008000, "green", "messenger.colour_green"], [0x00c000, "lime", "messenger.colour_lime"],
  [0x008080, "teal", "messenger.colour_teal"], [0x00a0e0, "sky", "messenger.colour_sky"],
  [0x0000ff, "blue", "messenger.colour_blue"], [0x000080, "navy", "messenger.colour_navy"],
  [0x800080, "purple", "messenger.colour_purple"], [0xff00ff, "pink", "messenger.colour_pink"],
];

/**
 * Fonts people may choose, and the class of each.
 * @type {[string, string][]}
 */
export const fonts = [
  ["Arial", "sans"], ["Tahoma", "ui"], ["Verdana", "wide"], ["Trebuchet MS", "round"], ["Times New Roman", "serif"],
  ["Georgia", "bookish"], ["Courier New", "mono"], ["Comic Sans MS", "hand"],
];

/**
 * The name of the colour that is nearest.
 * @param {number} wanted 24 bits
 */
function colourOf(wanted) {
  const distance = (/** @type {number} */ c) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((c >> shift) & 255) - ((wanted >> shift) & 255)) ** 2, 0);
  return colours.reduce((best, each) => (distance(each[0]) < distance(best[0]) ? each : best))[1];
}

/**
 * The classes of a format.
 * @param {import("../msnp/text.js").Format} format
 * @returns {string[]}
 */
export function looks({ font = "", effects = "", color = 0 }) {
  const face = fonts.find(([name]) => name.toLowerCase() === font.toLowerCase())?.[1];
  return [
    "ink-" + colourOf(color), ...(face ? ["face-" + face] : []),
    ...[..."BISU"].filter((e) => effects.includes(e)).map((e) => "effect-" + e.toLowerCase()),
  ];
}

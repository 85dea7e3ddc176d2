// What the page says, in the language it came in.

/** @type {HTMLElement} */
const page = /** @type {HTMLElement} */ (document.getElementById("main"));

/** The language of the page. */
export const language = document.documentElement.lang;

/** @type {Record<string, string>} */
const texts = await (await fetch(page.dataset.messages ?? "")).json();

const forms = new Intl.PluralRules(language);

/**
 * A text with its values. One that depends on the number n has a form for it.
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined && typeof values.n === "number") {
    text = texts[`${key}.${forms.select(values.n)}`] ?? texts[`${key}.other`];
  }
  return (text ?? key).replace(/\{([a-z_]+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Why something failed, by the reasons of the client. */
const reasons = new Map([
  ["lost", "messenger.why_lost"], ["shutdown", "messenger.why_shutdown"], ["elsewhere", "messenger.why_elsewhere"],
  ["refused", "messenger.why_refused"], ["unavailable", "messenger.why_unavailable"], ["version", "messenger.why_version"],
  ["moved", "messenger.why_lost"], ["closed", "messenger.why_closed"], ["timeout", "messenger.why_timeout"],
  ["protocol", "messenger.why_version"], ["offline", "messenger.why_offline"], ["noanswer", "messenger.why_noanswer"],
  ["undelivered", "messenger.why_undelivered"], ["hidden", "messenger.why_hidden"], ["busy", "messenger.why_busy"],
  ["invalid", "messenger.why_invalid"], ["unknown", "messenger.why_unknown"], ["exists", "messenger.why_exists"],
  ["missing", "messenger.why_missing"], ["full", "messenger.why_full"], ["opposite", "messenger.why_opposite"],
  ["name", "messenger.why_name"], ["group", "messenger.why_group"], ["toolong", "messenger.why_toolong"],
  ["declined", "messenger.why_declined"], ["damaged", "messenger.why_damaged"], ["toolarge", "messenger.why_toolarge"],
]);

/**
 * A sentence on a failure.
 * @param {{reason: string}|null} failure
 * @returns {string}
 */
export const why = (failure) => t(reasons.get(failure?.reason ?? "") ?? "messenger.why_lost");

const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });

/**
 * A time of the day.
 * @param {Date} time
 */
export const timeOf = (time) => clock.format(time);

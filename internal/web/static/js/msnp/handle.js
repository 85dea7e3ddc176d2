// Handles, statuses and how long texts may be. docs/protocol/limits.md#sizes

import { escape } from "./bytes.js";
import { Failure } from "./failure.js";

/**
 * What somebody shows himself as. docs/protocol/presence.md#chg
 * @typedef {"NLN"|"BSY"|"IDL"|"BRB"|"AWY"|"PHN"|"LUN"|"HDN"|"FLN"} Status
 */

/** @type {Set<string>} */
const statuses = new Set(["NLN", "BSY", "IDL", "BRB", "AWY", "PHN", "LUN", "HDN", "FLN"]);

/**
 * Reads a status.
 * @param {string} word
 * @returns {Status}
 */
export function status(word) {
  if (!statuses.has(word)) throw new Failure("protocol", "unknown status");
  return /** @type {Status} */ (word);
}

/**
 * Brings a handle into the form in which handles are compared, or refuses it.
 * @param {string} text as typed
 * @returns {string}
 */
export function handleOf(text) {
  const handle = text.trim().toLowerCase();
  if (handle.length > 129 || !/^[\x21-\x7e]+$/.test(handle) || !/^[^@]+@[^@]+\.[^@]+$/.test(handle)) {
    throw new Failure("invalid", "not an address");
  }
  return handle;
}

/** The most bytes of a friendly or stored name, as sent. */
export const maxName = 387;
/** The most bytes of the name of a group, as sent. */
export const maxGroupName = 61;
/** The most bytes of a telephone number, as sent. */
export const maxProperty = 95;

/**
 * Writes text as a parameter, or refuses what the service would hang up on.
 * @param {string} text
 * @param {number} most bytes
 * @returns {string}
 */
export function short(text, most) {
  const param = escape(text);
  if (param.length > most) throw new Failure("toolong", `${param.length} bytes, of ${most} at most`);
  if (param === "") throw new Failure("name", "nothing there");
  return param;
}

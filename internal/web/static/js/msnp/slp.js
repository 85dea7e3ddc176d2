// MSNSLP, the texts with which two clients agree on a transfer. docs/protocol/payloads.md#msnslp

import { fromUTF8, utf8 } from "./bytes.js";

/** What an invitation may be for. */
export const objectGUID = "{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}";
export const objectAppID = 1;

/** The content types. */
export const types = {
  session: "application/x-msnmsgr-sessionreqbody",
  close: "application/x-msnmsgr-sessionclosebody",
  transport: "application/x-msnmsgr-transreqbody",
  transportAnswer: "application/x-msnmsgr-transrespbody",
};

/** The answers. */
export const OK = 200;
export const internalError = 500;
export const declined = 603;

/** @type {Map<number, string>} */
const reasons = new Map([[OK, "OK"], [internalError, "Internal Error"], [declined, "Decline"]]);

/**
 * A message. A request has a method, an answer a status.
 * @typedef {object} SLP
 * @property {string} method "INVITE", "BYE", or "" in an answer
 * @property {number} status 0 in a request
 * @property {string} to handle
 * @property {string} from handle
 * @property {string} branch GUID with braces; an answer has that of the request
 * @property {number} cseq 0 in a request, 1 in an answer
 * @property {string} callID GUID with braces, the same in everything about one session
 * @property {string} type of the body
 * @property {[string, string][]} body
 */

/**
 * A line of the body by its name, in any case of letters, or "".
 * @param {SLP} m
 * @param {string} name
 */
export const value = (m, name) => m.body.find(([n]) => n.toLowerCase() === name.toLowerCase())?.[1] ?? "";

/**
 * Writes a message, with the NUL that ends it.
 * @param {SLP} m
 * @returns {Uint8Array}
 */
export function writeSLP(m) {
  const body = m.body.map(([name, v]) => `${name}: ${v}\r\n`).join("") + "\r\n\0";
  const first = m.method ? `${m.method} MSNMSGR:${m.to} MSNSLP/1.0` : `MSNSLP/1.0 ${m.status} ${reasons.get(m.status) ?? ""}`;
  return utf8([
    first,
    `To: <msnmsgr:${m.to}>`,
    `From: <msnmsgr:${m.from}>`,
    `Via: MSNSLP/1.0/TLP ;branch=${m.branch}`,
    `CSeq: ${m.cseq} `, // the blank is the official client's
    `Call-ID: ${m.callID}`,
    "Max-Forwards: 0",
    `Content-Type: ${m.type}`,
    `Content-Length: ${utf8(body).length}`,
    "",
    body,
  ].join("\r\n"));
}

/**
 * Reads a message up to its end or its first NUL. It is liberal: what a line says wrongly is as
 * if the line were missing.
 * @param {Uint8Array} bytes
 * @returns {SLP|null} null when the first line is none of MSNSLP's
 */
export function readSLP(bytes) {
  const end = bytes.indexOf(0);
  const text = fromUTF8(end < 0 ? bytes : bytes.subarray(0, end));
  const [head, ...after] = text.split(/\r?\n\r?\n/);
  const [first, ...lines] = head.split(/\r?\n/);
  const m = start(first.trim());
  if (!m) return null;
  for (const line of lines) {
    const [name, v] = field(line);
    switch (name.toLowerCase()) {
      case "to":
        m.to = handle(v);
        break;
      case "from":
        m.from = handle(v);
        break;
      case "via":
        m.branch = /branch=([^;]*)/.exec(v)?.[1].trim() ?? "";
        break;
      case "cseq":
        m.cseq = Number(v) || 0;
        break;
      case "call-id":
        m.callID = v;
        break;
      case "content-type":
        m.type = v;
    }
  }
  for (const line of after.join("\n\n").split("\n")) {
    const [name, v] = field(line);
    if (name !== "") m.body.push([name, v]);
  }
  return m;
}

/**
 * @param {string} line
 * @returns {SLP|null}
 */
function start(line) {
  /** @type {SLP} */
  const m = { method: "", status: 0, to: "", from: "", branch: "", cseq: 0, callID: "", type: "", body: [] };
  const answer = /^MSNSLP\/1\.0 ([1-9][0-9]{2})\b/i.exec(line);
  const request = /^(\S+) .* ?MSNSLP\/1\.0$/.exec(line);
  if (answer) m.status = Number(answer[1]);
  else if (request) m.method = request[1];
  else return null;
  return m;
}

/**
 * @param {string} line
 * @returns {[string, string]}
 */
function field(line) {
  const colon = line.indexOf(":");
  return colon < 0 ? ["", ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

const handle = (/** @type {string} */ text) => /^<msnmsgr:(.*)>$/i.exec(text)?.[1] ?? text;

/** A random GUID as MSNSLP writes it. */
export function newGUID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("").toUpperCase();
  return `{${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}}`;
}

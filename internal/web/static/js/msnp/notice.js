// What the service itself tells: the profile, mail, maintenance, alerts.
// docs/protocol/payloads.md#types

import { fromBase64, fromLatin1, fromUTF8, latin1, utf8 } from "./bytes.js";
import { parseMessage } from "./header.js";
import { unquote } from "./object.js";

/**
 * A word of the service.
 * @typedef {{type: "profile", fields: Map<string, string>, detail?: undefined}
 *   |{type: "mail"|"notice"|"alert", detail: object}} Told
 */

const count = (/** @type {string} */ text) => (/^[0-9]{1,9}$/.test(text) ? Number(text) : 0);

/**
 * Reads a message of the service, or the document of an alert.
 * @param {Uint8Array} payload
 * @param {string} [verb] MSG or NOT
 * @returns {Told|null} null for what nobody knows
 */
export function notice(payload, verb = "MSG") {
  if (verb === "NOT") return alert(fromUTF8(payload));
  const { header, body } = parseMessage(payload);
  const fields = parseMessage(body).header;
  switch (header.type) {
    case "text/x-msmsgsprofile":
      return { type: "profile", fields: new Map(header.fields) };
    case "text/x-msmsgsinitialemailnotification":
      return { type: "mail", detail: { unread: count(fields.get("Inbox-Unread")), folders: count(fields.get("Folders-Unread")) } };
    case "text/x-msmsgsemailnotification":
      return {
        type: "mail",
        detail: { from: words(fields.get("From")), address: fields.get("From-Addr"), subject: words(fields.get("Subject")) },
      };
    case "text/x-msmsgsactivemailnotification": {
      const delta = count(fields.get("Message-Delta"));
      const leaves = fields.get("Src-Folder") === "ACTIVE";
      return fields.get("Dest-Folder") === fields.get("Src-Folder") ? null : { type: "mail", detail: { change: leaves ? -delta : delta } };
    }
    case "application/x-msmsgssystemmessage":
      return fields.get("Type") === "1" ? { type: "notice", detail: { minutes: count(fields.get("Arg1")) } } : null;
  }
  return null;
}

/**
 * Reads an alert: its text, and the page to open if that is one of the web.
 * @param {string} text
 * @returns {Told|null}
 */
function alert(text) {
  const content = /<TEXT>([\s\S]*?)<\/TEXT>/i.exec(text);
  if (!content) return null;
  const site = unquote(/\bsiteurl="([^"]*)"/i.exec(text)?.[1] ?? "");
  const page = unquote(/<ACTION\s[^>]*?url="([^"]*)"/i.exec(text)?.[1] ?? "");
  let url = "";
  try {
    const whole = new URL(site + page);
    if (/^https?:$/.test(whole.protocol)) url = whole.href;
  } catch {
    // an alert without a page
  }
  return { type: "alert", detail: { text: unquote(content[1]).trim(), url } };
}

/**
 * Reads the encoded words of mail headers.
 * @param {string} text
 * @returns {string}
 */
export function words(text) {
  const joined = text.replace(/(=\?[^?\s]+\?[bq]\?[^?\s]*\?=)\s+(?==\?)/gi, "$1");
  return joined.replace(/=\?([^?\s]+)\?([bq])\?([^?\s]*)\?=/gi, (whole, charset, how, content) => {
    const bytes = how.toLowerCase() === "b" ? fromBase64(content) : quoted(content);
    if (!bytes) return whole;
    return charset.toLowerCase() === "utf-8" ? fromUTF8(bytes) : latin1(bytes);
  });
}

const quoted = (/** @type {string} */ text) =>
  fromLatin1(latin1(utf8(text)).replaceAll("_", " ").replace(/=([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16))));

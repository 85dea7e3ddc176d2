// How people are shown: their names, and what they are doing.

import { t } from "./texts.js";

/** What statuses are called, and the class of their dots. */
const statuses = new Map([
  ["NLN", ["messenger.status_nln", "online"]], ["BSY", ["messenger.status_bsy", "busy"]], ["IDL", ["messenger.status_idl", "away"]],
  ["BRB", ["messenger.status_brb", "away"]], ["AWY", ["messenger.status_awy", "away"]], ["PHN", ["messenger.status_phn", "busy"]],
  ["LUN", ["messenger.status_lun", "away"]], ["HDN", ["messenger.status_hdn", ""]], ["FLN", ["messenger.status_fln", ""]],
]);

/**
 * What a status is called.
 * @param {string} status
 */
export const statusText = (status) => t(statuses.get(status)?.[0] ?? "messenger.status_fln");

/**
 * The classes of the dot for a status.
 * @param {string} status
 */
export const dotClass = (status) => `dot ${statuses.get(status)?.[1] ?? ""}`.trimEnd();

/**
 * The name of somebody in a conversation.
 * @param {import("../msnp/client.js").Client} client
 * @param {string} handle
 * @param {string} [otherwise]
 */
export const nameOf = (client, handle, otherwise) => client.roster.find(handle)?.shown ?? (otherwise || handle);

/**
 * What a conversation is called.
 * @param {import("../msnp/client.js").Client} client
 * @param {import("../msnp/conversation.js").Conversation} c
 */
export const titleOf = (client, c) => [...c.people].map(([handle, name]) => nameOf(client, handle, name)).join(", ");

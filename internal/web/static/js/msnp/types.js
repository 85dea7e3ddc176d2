// What pages give to a client, and what it tells them.

/**
 * Who signs in, and how.
 * @typedef {object} Config
 * @property {import("./link.js").Open} open opens connections
 * @property {() => Promise<{handle: string, ticket: string}>} credentials a new ticket; it rejects with a Failure "refused" if there is none to be had
 * @property {import("./handle.js").Status} [status] to begin with; NLN
 * @property {Uint8Array|null} [picture] display picture
 * @property {{first: number, last: number}} [pauses] milliseconds before coming back: they double from the first to the last
 */

/**
 * The details of the client's events, which are CustomEvents of these names.
 * @typedef {object} Events
 * @property {{failure: import("./failure.js").Failure|null, retryIn: number}} state its state has changed; failure is why the connection was lost
 * @property {{}} self our name, status or picture has changed
 * @property {{}} roster contacts, groups or settings have changed
 * @property {{contact: import("./roster.js").Contact, was: import("./handle.js").Status}} presence somebody came, went, or changed
 * @property {{handle: string, name: string}} addedby somebody has added us; those who wait since before are contacts that are pending
 * @property {{handle: string}} removedby somebody has taken us off his list
 * @property {{}} conversations there is one more, or one less
 * @property {{conversation: Conversation, message: import("./conversation.js").Message}} message there is a new line, or what became of one is known
 * @property {{conversation: Conversation}} typing somebody has begun to type, or ended
 * @property {{conversation: Conversation}} people somebody has come or gone
 * @property {{conversation: Conversation}} unread it was looked at
 * @property {{unread: number, folders: number}|{from: string, address: string, subject: string}|{change: number}} mail how much there is, a new one, or how many more
 * @property {{minutes: number}} notice the service will stop
 * @property {{text: string, url: string}} alert an alert of the service
 * @typedef {import("./conversation.js").Conversation} Conversation
 */

export {};

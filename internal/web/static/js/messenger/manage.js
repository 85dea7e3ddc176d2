// Changing the list: adding, moving, blocking and removing people, and their groups.

import { confirm, complain, field, openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { openMenu } from "./menu.js";
import { t, why } from "./texts.js";

/** @typedef {import("./main.js").App} App */

/**
 * Does something at once, and complains when it fails.
 * @param {string} title
 * @param {() => Promise<unknown>} act
 */
async function attempt(title, act) {
  try {
    await act();
  } catch (thrown) {
    complain(title, thrown);
  }
}

/**
 * Makes a choice of groups.
 * @param {App} app
 * @param {number} chosen
 */
const groups = (app, chosen) => make("select", {}, ...[...app.client.roster.groups].map(([number, name]) =>
  make("option", { value: number, selected: number === chosen }, name)));

/**
 * Asks whom to add.
 * @param {App} app
 */
export function addContact(app) {
  const who = make("input", { type: "email", required: true, maxlength: 129, autocomplete: "off" });
  const where = groups(app, 0);
  return openDialog(t("messenger.add"), [
    field(t("messenger.address"), who, t("messenger.add_hint")), field(t("messenger.group"), where),
  ], { ok: t("messenger.add_ok"), act: () => app.client.lists.add(who.value, Number(where.value) || undefined) });
}

/**
 * Asks for the name of a group.
 * @param {App} app
 * @param {number} [number] of one to rename; otherwise a new one
 * @param {string} [old]
 */
export function nameGroup(app, number, old = "") {
  const name = make("input", { required: true, maxlength: 61, value: old, autocomplete: "off" });
  const closed = openDialog(t(number === undefined ? "messenger.new_group" : "messenger.rename_group"), [field(t("messenger.group_name"), name)], {
    ok: t("messenger.save"),
    act: () => number === undefined ? app.client.lists.addGroup(name.value) : app.client.lists.renameGroup(number, name.value),
  });
  name.select();
  return closed;
}

/**
 * Opens the menu of a group.
 * @param {App} app
 * @param {HTMLElement} anchor
 * @param {number} number
 * @param {string} name
 */
export function groupMenu(app, anchor, number, name) {
  openMenu(anchor, t("messenger.group_menu", { name }), [
    { text: t("messenger.rename_group"), act: () => nameGroup(app, number, name) },
    ...(number === 0 ? [] : [{
      text: t("messenger.remove_group"),
      act: () => confirm(t("messenger.remove_group"), t("messenger.remove_group_ask", { name }), t("messenger.remove_ok"),
        () => removeGroup(app, number)),
    }]),
  ]);
}

/**
 * Removes a group. Those who are in no other go to the first.
 * @param {App} app
 * @param {number} number
 */
async function removeGroup({ client }, number) {
  for (const c of [...client.roster.contacts.values()]) {
    if (c.groups.has(number) && c.groups.size === 1) await client.lists.move(c.handle, number, 0);
  }
  await client.lists.removeGroup(number);
}

/**
 * Opens the menu of somebody.
 * @param {App} app
 * @param {HTMLElement} anchor
 * @param {string} handle
 * @param {number} number of the group he is shown in, or -1
 */
export function contactMenu(app, anchor, handle, number) {
  const { client } = app;
  const c = client.roster.find(handle);
  if (!c) return;
  const others = [...client.roster.groups.keys()].some((n) => !c.groups.has(n));
  openMenu(anchor, t("messenger.contact_menu", { name: c.shown }), [
    { text: t("messenger.open"), act: () => app.talk(handle) },
    ...(others ? [
      { text: t("messenger.move"), act: () => regroup(app, c, number, "messenger.move") },
      { text: t("messenger.copy"), act: () => regroup(app, c, number, "messenger.copy") },
    ] : []),
    ...(number >= 0 && c.groups.size > 1
      ? [{ text: t("messenger.quit_group"), act: () => attempt(t("messenger.quit_group"), () => client.lists.quit(handle, number)) }] : []),
    blockChoice(app, handle),
    {
      text: t("messenger.remove"),
      act: () => confirm(t("messenger.remove"), t("messenger.remove_ask", { name: c.shown }), t("messenger.remove_ok"),
        () => client.lists.remove(handle)),
    },
  ]);
}

/**
 * What a menu offers about blocking somebody.
 * @param {App} app
 * @param {string} handle
 */
export function blockChoice({ client }, handle) {
  const blocked = client.roster.find(handle)?.blocked ?? false;
  const text = t(blocked ? "messenger.unblock" : "messenger.block");
  return { text, act: () => attempt(text, () => blocked ? client.lists.allow(handle) : client.block(handle)) };
}

/**
 * Asks which group somebody moves or is copied to.
 * @param {App} app
 * @param {import("../msnp/roster.js").Contact} c
 * @param {number} number of the group he is shown in, or -1
 * @param {"messenger.move"|"messenger.copy"} how
 */
function regroup({ client: { roster, lists } }, c, number, how) {
  const from = number >= 0 ? number : [...c.groups][0] ?? 0;
  const where = make("select", {}, ...[...roster.groups].filter(([n]) => !c.groups.has(n)).map(([n, name]) => make("option", { value: n }, name)));
  return openDialog(t(how), [make("p", {}, make("bdi", {}, c.shown)), field(t("messenger.group"), where)], {
    ok: t("messenger.save"),
    act: () => how === "messenger.copy" ? lists.join(c.handle, Number(where.value)) : lists.move(c.handle, from, Number(where.value)),
  });
}

/**
 * Opens the list of those who are blocked, also of those who are on no other list.
 * @param {App} app
 */
export function manageBlocked(app) {
  const { client } = app;
  const list = make("ul", { class: "own-list", role: "list" });
  const problem = make("p", { class: "problem", role: "alert" });
  const show = () => {
    const blocked = [...client.roster.contacts.values()].filter((c) => c.blocked);
    list.replaceChildren(...blocked.map((c) => make("li", { "data-handle": c.handle },
      make("span", {}, make("bdi", {}, c.shown), c.shown === c.handle ? "" : ` <${c.handle}>`),
      make("button", { class: "button small", type: "button", "aria-label": `${t("messenger.unblock")} ${c.shown}`, onclick: () => unblock(c.handle) }, t("messenger.unblock")))));
    if (blocked.length === 0) list.replaceChildren(make("li", {}, t("messenger.nobody_blocked")));
  };
  const unblock = async (/** @type {string} */ handle) => {
    problem.textContent = "";
    await client.lists.allow(handle).catch((thrown) => (problem.textContent = why(thrown)));
    show();
    list.closest("dialog")?.querySelector("button")?.focus();
  };
  show();
  return openDialog(t("messenger.blocked_people"), [list, problem]);
}

/**
 * Asks whom to call into a conversation.
 * @param {App} app
 * @param {import("../msnp/conversation.js").Conversation} c
 */
export function invite(app, c) {
  const { client } = app;
  const people = [...client.roster.contacts.values()].filter((p) => p.forward && p.online && !p.blocked && !c.people.has(p.handle));
  const list = make("select", { size: Math.min(8, Math.max(2, people.length)) }, ...people.map((p) => make("option", { value: p.handle }, p.shown)));
  const other = make("input", { type: "email", maxlength: 129, autocomplete: "off" });
  return openDialog(t("messenger.invite"), [
    ...(people.length > 0 ? [field(t("messenger.invite_who"), list)] : []), field(t("messenger.invite_other"), other),
  ], {
    ok: t("messenger.invite_ok"),
    act: async () => {
      const with_ = await client.invite(c, other.value || list.value);
      app.desk.open(with_.key);
    },
  });
}

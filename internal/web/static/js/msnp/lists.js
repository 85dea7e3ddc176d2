// Commands that change the roster and what others see of us. docs/protocol/lists.md

import { Failure } from "./failure.js";
import { handleOf, maxGroupName, maxName, maxProperty, short } from "./handle.js";

/**
 * Waits for something that may hold already.
 * @param {Promise<unknown>} request
 * @param {number} number the error line that says so
 */
async function unless(request, number) {
  try {
    await request;
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.number !== number) throw thrown;
  }
}

const [sameMode, alreadyThere, notListed] = [218, 215, 216];

/** Refuses the number of a group that the service would hang up on. */
function group(/** @type {number} */ number) {
  if (!Number.isInteger(number) || number < 0 || number > 29) throw new Failure("group");
  return number;
}

/** The commands on lists, groups and settings. Each settles when the service has answered. */
export class Lists {
  #ask;
  #roster;
  #handle;

  /**
   * @param {(verb: string, ...params: (string|number)[]) => Promise<import("./frame.js").Frame>} ask
   * @param {import("./roster.js").Roster} roster
   * @param {() => string} handle ours
   */
  constructor(ask, roster, handle) {
    this.#ask = ask;
    this.#roster = roster;
    this.#handle = handle;
  }

  /**
   * Puts somebody on the forward list and lets him see us.
   * @param {string} who
   * @param {number} [number] of the group; without it the first
   */
  async add(who, number) {
    const handle = handleOf(who);
    const known = this.#roster.find(handle);
    if (number !== undefined || !known?.forward) {
      const words = number === undefined ? [] : [group(number)];
      await this.#ask("ADD", "FL", handle, short(known?.stored ?? handle, maxName), ...words);
    }
    if (!known?.blocked) await this.allow(handle);
  }

  /**
   * Takes somebody off the forward list and out of all groups.
   * @param {string} who
   */
  async remove(who) {
    await this.#ask("REM", "FL", handleOf(who));
  }

  /**
   * Lets somebody see and call us: on the allow list, off the block list.
   * @param {string} who
   */
  allow(who) {
    return this.#swap(handleOf(who), "BL", "AL");
  }

  /**
   * Keeps somebody from seeing and calling us: on the block list, off the allow list.
   * @param {string} who
   */
  block(who) {
    return this.#swap(handleOf(who), "AL", "BL");
  }

  /**
   * The friendly answer to who has added us: let him see us, and put him on the list.
   * @param {string} who
   */
  async accept(who) {
    const handle = handleOf(who);
    await this.allow(handle);
    if (!this.#roster.find(handle)?.forward) await this.add(handle);
  }

  /**
   * @param {string} handle
   * @param {"AL"|"BL"} from
   * @param {"AL"|"BL"} to
   */
  async #swap(handle, from, to) {
    const on = (/** @type {"AL"|"BL"} */ list) => {
      const c = this.#roster.find(handle);
      return (list === "AL" ? c?.allowed : c?.blocked) ?? false;
    };
    if (on(from)) await unless(this.#ask("REM", from, handle), notListed);
    if (on(to)) return;
    const name = this.#roster.find(handle)?.stored ?? handle;
    await unless(this.#ask("ADD", to, handle, short(name, maxName)), alreadyThere);
  }

  /**
   * Changes our friendly name.
   * @param {string} name
   */
  setName(name) {
    return this.rename(this.#handle(), name);
  }

  /**
   * Changes what we call somebody, or our own friendly name.
   * @param {string} who
   * @param {string} name
   */
  async rename(who, name) {
    await this.#ask("REA", handleOf(who), short(name.trim(), maxName));
  }

  /**
   * Makes a group, or finds the one of this name.
   * @param {string} name
   * @returns {Promise<number>} its number
   */
  async addGroup(name) {
    const f = await this.#ask("ADG", short(name.trim(), maxGroupName), 0);
    return f.number(3);
  }

  /**
   * @param {number} number
   * @param {string} name
   */
  async renameGroup(number, name) {
    await this.#ask("REG", group(number), short(name.trim(), maxGroupName), 0);
  }

  /**
   * Removes a group. People who are in no other leave the forward list.
   * @param {number} number
   */
  async removeGroup(number) {
    await this.#ask("RMG", group(number));
  }

  /**
   * Moves somebody from one group to another, joining before leaving, so that he is on the
   * forward list all the time.
   * @param {string} who
   * @param {number} from
   * @param {number} to
   */
  async move(who, from, to) {
    if (from === to) return;
    await this.join(who, to);
    await this.quit(who, from);
  }

  /**
   * Puts somebody into one more group.
   * @param {string} who
   * @param {number} number
   */
  async join(who, number) {
    const handle = handleOf(who);
    const name = this.#roster.find(handle)?.stored ?? handle;
    await unless(this.#ask("ADD", "FL", handle, short(name, maxName), group(number)), alreadyThere);
  }

  /**
   * Takes somebody out of a group. Out of the last one is off the forward list.
   * @param {string} who
   * @param {number} number
   */
  async quit(who, number) {
    await this.#ask("REM", "FL", handleOf(who), group(number));
  }

  /**
   * Says whether those on neither list may see and call us.
   * @param {"AL"|"BL"} privacy
   */
  async setPrivacy(privacy) {
    await unless(this.#ask("BLP", privacy), sameMode);
  }

  /**
   * Says whether to ask when somebody adds us. The service only keeps it.
   * @param {"A"|"N"} prompt
   */
  async setPrompt(prompt) {
    await unless(this.#ask("GTC", prompt), sameMode);
  }

  /**
   * Sets one of our telephone numbers; "" clears it.
   * @param {"PHH"|"PHW"|"PHM"} type
   * @param {string} value
   */
  async setPhone(type, value) {
    await this.#ask("PRP", type, ...(value === "" ? [] : [short(value, maxProperty)]));
  }
}

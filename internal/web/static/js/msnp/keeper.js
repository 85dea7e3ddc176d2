// Staying signed in: trying again after a pause that grows, and knowing when there is no use.

import { Failure } from "./failure.js";

const longEnough = 60_000; // a session that lasted so long was a good one
const maxHops = 5; // how often servers may send us on

/** After these a client does not come back by itself: two would drive each other out, or nothing would change. */
const final = new Set(["elsewhere", "refused", "version"]);

/**
 * What a client is doing: "offline" until it signs in and after it has given up, "waiting"
 * between two attempts.
 * @typedef {"offline"|"connecting"|"online"|"waiting"} State
 */

/**
 * One session from its beginning to its end: why it ended, and where the server sent us.
 * @typedef {{failure: Failure, moved: string}} Outcome
 */

/** Keeps a client signed in. */
export class Keeper {
  #pauses;
  #attempt;
  #become;
  #run = 0; // counts starts and stops, so that an older run knows that it is over
  /** @type {(() => void)|null} ends the pause before the next attempt */
  #hurry = null;

  /**
   * @param {{first: number, last: number}} pauses milliseconds: they double from the first to the last
   * @param {(address: string, over: () => boolean) => Promise<Outcome>} attempt address is "" for the usual one; over tells whether it is wanted no longer
   * @param {(state: State, failure: Failure|null, retryIn?: number) => void} become
   */
  constructor(pauses, attempt, become) {
    this.#pauses = pauses;
    this.#attempt = attempt;
    this.#become = become;
  }

  /**
   * Runs sessions until there is no use in another one.
   * @returns {Promise<Failure>} why
   */
  async start() {
    const run = ++this.#run;
    const over = () => run !== this.#run;
    let pause = this.#pauses.first;
    let address = "";
    /** @type {Failure|null} */
    let last = null;
    for (let hops = 0; ;) {
      this.#become("connecting", last);
      const begun = Date.now();
      const { failure, moved } = await this.#attempt(address, over);
      last = failure;
      if (over()) return new Failure("closed", "signed out");
      if (Date.now() - begun > longEnough) [pause, hops] = [this.#pauses.first, 0];
      address = failure.reason === "moved" && ++hops <= maxHops ? moved : "";
      if (address) continue;
      if (final.has(failure.reason)) {
        this.#become("offline", failure);
        return failure;
      }
      // Spread out, so that the clients of a server that was away do not come back all at once.
      const wait = pause / 2 + Math.random() * pause;
      pause = Math.min(2 * pause, this.#pauses.last);
      this.#become("waiting", failure, wait);
      await this.#sleep(wait);
      if (over()) return new Failure("closed", "signed out");
    }
  }

  /** Ends the present run. */
  stop() {
    this.#run++;
    this.#hurry?.();
  }

  /** Ends the present pause. */
  hurry() {
    this.#hurry?.();
  }

  /** @param {number} wait milliseconds */
  #sleep(wait) {
    return new Promise((/** @type {(value: void) => void} */ resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => (this.#hurry = null));
  }
}

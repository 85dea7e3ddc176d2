// Pictures and emoticons: what we give to others, and what we fetch from them and keep for a
// while.

import { Failure } from "./failure.js";
import { maxObject, newObject } from "./object.js";

const maxCache = 16 << 20; // bytes of others
const maxOpenings = 6; // conversations opened for pictures alone, in openingTime
const openingTime = 60_000;
const maxUnder = 64; // that one person has us fetch at a time
const failureTime = 60_000; // for which one that cannot be had is not asked for again

/** The pictures and emoticons of one client. */
export class Objects {
  #fetch;
  /** @type {Map<string, Uint8Array>} ours, by SHA1D */
  #own = new Map();
  /** @type {Map<string, Uint8Array>} of others, the longest unused first */
  #cache = new Map();
  #cached = 0;
  /** @type {Map<string, Promise<Uint8Array>>} */
  #under = new Map();
  /** @type {Map<string, number>} how many of them are from somebody */
  #burden = new Map();
  /** @type {Map<string, {failure: Failure, until: number}>} */
  #failed = new Map();
  /** @type {number[]} */
  #openings = [];
  #line = Promise.resolve();

  /**
   * @param {(from: string, object: import("./object.js").MSNObject, mayOpen: () => Promise<void>) => Promise<Uint8Array>} fetch
   *   fetches from somebody; it waits for mayOpen before it opens a conversation
   */
  constructor(fetch) {
    this.#fetch = fetch;
  }

  /**
   * Describes data of ours, and keeps it for those who ask.
   * @param {string} creator our handle
   * @param {number} type
   * @param {Uint8Array} data
   * @param {string} [location]
   */
  offer(creator, type, data, location) {
    if (data.length === 0 || data.length > maxObject) throw new Failure("toolarge");
    const object = newObject(creator, type, data, location);
    this.#own.set(object.sha1d, data);
    return object;
  }

  /**
   * The data of something of ours.
   * @param {string} sha1d
   */
  own(sha1d) {
    return this.#own.get(sha1d);
  }

  /**
   * The data of an object if it is here.
   * @param {import("./object.js").MSNObject} object
   * @returns {Uint8Array|undefined}
   */
  here(object) {
    const data = this.#cache.get(object.sha1d);
    if (!data) return this.#own.get(object.sha1d);
    this.#cache.delete(object.sha1d);
    this.#cache.set(object.sha1d, data);
    return data;
  }

  /**
   * The data of an object, fetched if it is not here.
   * @param {string} from handle
   * @param {import("./object.js").MSNObject} object
   * @returns {Promise<Uint8Array>}
   */
  get(from, object) {
    const here = this.here(object);
    if (here) return Promise.resolve(here);
    const failed = this.#failed.get(object.sha1d);
    if (failed && failed.until > Date.now()) return Promise.reject(failed.failure);
    let under = this.#under.get(object.sha1d);
    if (!under) {
      const burden = this.#burden.get(from) ?? 0;
      if (burden >= maxUnder) return Promise.reject(new Failure("busy", `${from} has too much to show`));
      this.#burden.set(from, burden + 1);
      under = this.#fetchOne(from, object).finally(() => this.#settled(from, object.sha1d));
      this.#under.set(object.sha1d, under);
    }
    return under;
  }

  /**
   * @param {string} from
   * @param {string} sha1d
   */
  #settled(from, sha1d) {
    this.#under.delete(sha1d);
    const burden = (this.#burden.get(from) ?? 1) - 1;
    if (burden > 0) this.#burden.set(from, burden);
    else this.#burden.delete(from);
  }

  /**
   * @param {string} from
   * @param {import("./object.js").MSNObject} object
   */
  async #fetchOne(from, object) {
    try {
      const data = await this.#fetch(from, object, () => this.#mayOpen());
      this.#keep(object.sha1d, data);
      return data;
    } catch (thrown) {
      const failure = Failure.of(thrown);
      for (const [key, { until }] of this.#failed) if (until <= Date.now()) this.#failed.delete(key);
      this.#failed.set(object.sha1d, { failure, until: Date.now() + failureTime });
      throw failure;
    }
  }

  /** Lets everything be tried again at once, since the service was away. */
  forgive() {
    this.#failed.clear();
  }

  /**
   * Waits until one more conversation may be opened for a picture. The service counts
   * conversations, and those that people want come first.
   */
  #mayOpen() {
    this.#line = this.#line.then(async () => {
      this.#openings = this.#openings.filter((t) => t > Date.now() - openingTime);
      if (this.#openings.length >= maxOpenings) {
        const wait = this.#openings[0] + openingTime - Date.now();
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
      this.#openings.push(Date.now());
      this.#openings = this.#openings.slice(-maxOpenings);
    });
    return this.#line;
  }

  /**
   * @param {string} sha1d
   * @param {Uint8Array} data
   */
  #keep(sha1d, data) {
    this.#cache.set(sha1d, data);
    this.#cached += data.length;
    for (const [key, old] of this.#cache) {
      if (this.#cached <= maxCache || key === sha1d) break;
      this.#cache.delete(key);
      this.#cached -= old.length;
    }
  }
}

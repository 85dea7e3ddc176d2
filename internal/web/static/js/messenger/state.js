// The line that tells whether there is a connection, and what to do when there is none.

import { byID } from "./dom.js";
import { t, why } from "./texts.js";

/** Shows the state of the connection. */
export class StateLine {
  #app;
  #text = byID("state-text");
  #button = byID("state-button");
  #link = byID("state-link");
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #stops = 0; // when the service will stop, so far as we were told

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#button.addEventListener("click", () => app.comeBack());
  }

  /** @param {{failure: import("../msnp/failure.js").Failure|null, retryIn: number}} detail */
  changed({ failure, retryIn }) {
    clearTimeout(this.#timer);
    const { state } = this.#app.client;
    const gone = state === "offline";
    const ended = gone && (failure?.reason === "refused" || failure?.reason === "version");
    this.#button.hidden = state !== "waiting" && (!gone || ended);
    this.#button.textContent = t(state === "waiting" ? "messenger.try_now" : "messenger.come_back");
    this.#link.hidden = !ended;
    byID("state").dataset.state = state;
    if (state === "waiting") {
      this.#stops = 0; // as it has, or the next session is told again
      this.#countDown(failure, Date.now() + retryIn);
    } else if (state === "connecting") this.#say(t("messenger.connecting"));
    else if (state === "online" && this.#stops > Date.now()) this.#showStop();
    else if (state === "online") this.#say(t("messenger.connected"));
    else this.#say(failure ? why(failure) : t("messenger.signed_out"));
  }

  /**
   * Tells that the service will stop; those who have just signed in hear it before they are on
   * line. Nobody says when it is taken back, so it is forgotten when the time has passed.
   * @param {number} minutes
   */
  stopping(minutes) {
    if (minutes === 0) return;
    this.#stops = Date.now() + minutes * 60_000;
    if (this.#app.client.online) this.#showStop();
  }

  #showStop() {
    clearTimeout(this.#timer);
    const left = this.#stops - Date.now();
    if (left < -60_000) return this.changed({ failure: null, retryIn: 0 });
    byID("state").dataset.state = "stopping";
    this.#say(t("messenger.stops_in", { n: Math.max(1, Math.ceil(left / 60_000)) }));
    this.#timer = setTimeout(() => this.#showStop(), 30_000);
  }

  /**
   * @param {import("../msnp/failure.js").Failure|null} failure
   * @param {number} until
   */
  #countDown(failure, until) {
    const show = () => {
      const n = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      // Whoever listens is told once; the seconds are for the eye.
      this.#say(why(failure));
      this.#button.textContent = n > 0 ? t("messenger.try_in", { n }) : t("messenger.try_now");
    };
    show();
    this.#timer = setInterval(show, 1000);
  }

  /** @param {string} text */
  #say(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

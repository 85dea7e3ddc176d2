// Dialogs: a window over the page, with a form.

import { make } from "./dom.js";
import { t, why } from "./texts.js";

let count = 0;

/**
 * Opens a dialog and waits until it is closed.
 * @param {string} title
 * @param {(Node|string)[]} body
 * @param {object} [how]
 * @param {string} [how.ok] what the button says that does it; without it there is only one to close
 * @param {boolean} [how.danger]
 * @param {(form: HTMLFormElement) => unknown} [how.act] what it does; the dialog stays, and says why, when it fails
 * @returns {Promise<boolean>} whether it was done
 */
export function openDialog(title, body, { ok, danger = false, act = () => {} } = {}) {
  const id = `dialog-${++count}`;
  const problem = make("p", { class: "note bad", role: "alert", hidden: true });
  const cancel = make("button", { class: "button", type: "button", onclick: () => dialog.close() }, t(ok ? "messenger.cancel" : "messenger.done"));
  const go = ok ? [make("button", { class: "button " + (danger ? "danger" : "primary") }, ok)] : [];
  const form = make("form", { method: "dialog" },
    make("h2", { class: "titlebar", id }, title),
    make("div", { class: "window-body" }, ...body, problem),
    make("div", { class: "window-foot row" }, ...go, cancel));
  const dialog = make("dialog", { class: "messenger-dialog", "aria-labelledby": id }, form);
  let done = false;
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!ok) return dialog.close();
    problem.hidden = true;
    go[0].disabled = true;
    try {
      await act(form);
      done = true;
      dialog.close();
    } catch (thrown) {
      problem.textContent = thrown instanceof Error && "reason" in thrown
        ? why(/** @type {any} */ (thrown)) : t("messenger.why_unavailable");
      problem.hidden = false;
    } finally {
      go[0].disabled = false;
    }
  });
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    dialog.showModal();
  });
}

/**
 * Asks whether to do something.
 * @param {string} title
 * @param {string} question
 * @param {string} ok
 * @param {() => unknown} act
 */
export const confirm = (title, question, ok, act) => openDialog(title, [make("p", {}, question)], { ok, danger: true, act });

/**
 * Makes a field with a label.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
export function field(label, input, hint) {
  const id = `field-${++count}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", id + "-hint");
  return make("div", { class: "field" }, make("label", { for: id }, label),
    ...(hint ? [make("p", { class: "hint", id: id + "-hint" }, hint)] : []), input);
}

/**
 * Makes a box or a button to choose with.
 * @param {string} label
 * @param {Record<string, any>} props of the input
 */
export const check = (label, props) => make("label", { class: "check" }, make("input", { type: "checkbox", ...props }), label);

/**
 * Says something for which nothing can be done.
 * @param {string} title
 * @param {unknown} thrown
 */
export const complain = (title, thrown) => openDialog(title, [make("p", {}, why(/** @type {any} */ (thrown)))]);

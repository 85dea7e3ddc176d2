// Oneself: name, status and picture, above the list.

import { complain, field, openDialog } from "./dialog.js";
import { byID, make } from "./dom.js";
import { nobody, scaled } from "./pictures.js";
import { dotClass } from "./people.js";
import { t } from "./texts.js";

const pictureSize = 96;

/** Shows and changes oneself. */
export class Me {
  #app;
  #name = byID("my-name");
  #status = byID("status");
  #picture = byID("my-picture");

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#name.addEventListener("click", () => this.#rename());
    this.#picture.addEventListener("click", () => this.#choose());
    this.#status.addEventListener("change", async () => {
      app.settings.set("status", this.#status.value);
      await app.client.setStatus(this.#status.value).catch((/** @type {unknown} */ thrown) => complain(t("messenger.my_status"), thrown));
      this.changed();
    });
  }

  changed() {
    const { client } = this.#app;
    this.#name.textContent = client.name || this.#app.handle;
    this.#name.title = this.#app.handle;
    this.#status.value = client.status;
    byID("my-dot").className = dotClass(client.online ? client.status : "FLN");
    this.#picture.firstElementChild.src = this.address;
  }

  /** The address of our picture. */
  get address() {
    const { picture } = this.#app.client;
    return (picture && this.#app.pictures.address(picture)) || nobody;
  }

  #rename() {
    const name = make("input", { required: true, maxlength: 129, value: this.#app.client.name, autocomplete: "off" });
    const closed = openDialog(t("messenger.change_name"), [field(t("messenger.my_name"), name, t("messenger.my_name_hint"))], {
      ok: t("messenger.save"), act: () => this.#app.client.lists.setName(name.value),
    });
    name.select();
    return closed;
  }

  #choose() {
    let data = this.#app.client.picture;
    const shown = make("img", { class: "preview", src: this.address, alt: t("messenger.my_picture"), width: pictureSize, height: pictureSize });
    const problem = make("p", { class: "problem", role: "alert" });
    const file = make("input", { type: "file", accept: "image/*" });
    const show = (/** @type {Uint8Array|null} */ chosen) => {
      data = chosen;
      shown.src = (data && this.#app.pictures.address(data)) || nobody;
    };
    let read = Promise.resolve();
    file.addEventListener("change", () => {
      problem.textContent = "";
      read = scaled(file.files[0], pictureSize, "cover").then(show, () => { problem.textContent = t("messenger.no_image"); });
    });
    const none = make("button", { class: "button small", type: "button", onclick: () => { file.value = ""; show(null); } }, t("messenger.no_picture"));
    return openDialog(t("messenger.my_picture"), [
      make("p", {}, shown), field(t("messenger.choose_image"), file, t("messenger.picture_hint")), problem, make("p", {}, none),
    ], {
      ok: t("messenger.save"),
      act: async () => {
        await read; // the image that was chosen a moment ago
        await this.#app.client.setPicture(data);
        this.#app.settings.picture = data;
        this.changed();
        this.#app.desk.pictures();
      },
    });
  }
}

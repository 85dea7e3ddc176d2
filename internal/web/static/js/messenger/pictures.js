// Pictures: those of others as addresses that the page can show, and those chosen here in the size
// that clients exchange.

import { Failure } from "../msnp/failure.js";
import { imageType } from "../msnp/image.js";
import { make } from "./dom.js";

const maxShown = 200; // addresses that are kept; older ones are given back

/** The picture of somebody who has none. */
export const nobody = new URL("../../img/monarch.svg", import.meta.url).href;

/** Addresses of pictures by what they show. */
export class Pictures {
  /** @type {Map<Uint8Array, string>} the longest unused first */
  #shown = new Map();
  /** @type {WeakSet<Uint8Array>} what the browser could not show */
  #broken = new WeakSet();

  /**
   * An address for a picture, or "" for something that is none.
   * @param {Uint8Array} data
   */
  address(data) {
    let url = this.#shown.get(data);
    const type = imageType(data);
    if (this.#broken.has(data) || (!url && type === "")) return "";
    this.#shown.delete(data);
    url ??= URL.createObjectURL(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (data)], { type }));
    this.#shown.set(data, url);
    for (const [key, old] of this.#shown) {
      if (this.#shown.size <= maxShown) break;
      this.#shown.delete(key);
      URL.revokeObjectURL(old);
    }
    return url;
  }

  /**
   * Makes an image of something that may turn out to be none.
   * @param {Record<string, any>} props
   * @param {(image: HTMLImageElement) => void} otherwise is done then
   * @returns {HTMLImageElement}
   */
  image(props, otherwise) {
    const e = make("img", {
      ...props, onerror: () => {
        const found = [...this.#shown].find(([, url]) => url === e.src);
        if (!found) return;
        this.#broken.add(found[0]);
        otherwise(e);
      },
    });
    return e;
  }
}

/**
 * Reads an image that was chosen and makes a PNG of a size of it.
 * @param {File|undefined} file
 * @param {number} size pixels
 * @param {"cover"|"contain"} how it fills the square
 * @returns {Promise<Uint8Array>}
 */
export async function scaled(file, size, how) {
  if (!file) throw new Failure("damaged", "no file");
  let image;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new Failure("damaged", "no image");
  }
  const { width, height } = image;
  const factor = how === "cover" ? size / Math.min(width, height) : Math.min(1, size / Math.max(width, height));
  const [w, h] = [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
  const canvas = document.createElement("canvas");
  canvas.width = how === "cover" ? size : w;
  canvas.height = how === "cover" ? size : h;
  // It is read at once, so no graphics processor is to be asked for it.
  const to = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  to.imageSmoothingQuality = "high";
  to.drawImage(image, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  image.close();
  /** @type {Blob|null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Failure("damaged", "no image");
  return new Uint8Array(await blob.arrayBuffer());
}

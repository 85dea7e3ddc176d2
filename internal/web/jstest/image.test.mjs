import assert from "node:assert/strict";
import { test } from "node:test";

import { utf8 } from "../static/js/msnp/bytes.js";
import { imageType } from "../static/js/msnp/image.js";

const be = (...numbers) => numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const le = (...numbers) => numbers.flatMap((n) => be(n).reverse());

const png = (w, h) => Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...be(13), 0x49, 0x48, 0x44, 0x52, ...be(w, h), 8, 6, 0, 0, 0]);
const short = (...numbers) => numbers.flatMap((n) => [n & 255, n >> 8]);
// A GIF has frames with sizes of their own, here behind an extension.
const frame = (w, h) => [0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, ...short(0, 0, w, h), 0, 2, 0, 0x3b];
const gif = (w, h, frames = frame(w, h)) => Uint8Array.from([...utf8("GIF89a"), ...short(w, h), 0, 0, 0, ...frames]);
const bmp = (w, h) => Uint8Array.from([...utf8("BM"), ...le(0, 0, 54, 40, w, h)]);
const jpeg = (w, h, marker = 0xc0) => Uint8Array.from([
  0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 9, 0xff, marker, 0, 17, 8, h >> 8, h & 255, w >> 8, w & 255, 3,
]);

test("images are known by their first bytes", () => {
  assert.equal(imageType(png(96, 96)), "image/png");
  assert.equal(imageType(gif(19, 19)), "image/gif");
  assert.equal(imageType(bmp(96, 96)), "image/bmp");
  assert.equal(imageType(bmp(96, -96)), "image/bmp");
  assert.equal(imageType(Uint8Array.from([...utf8("BM"), ...le(0, 0, 26, 12), 96, 0, 96, 0])), "image/bmp");
  assert.equal(imageType(jpeg(96, 96)), "image/jpeg");
  assert.equal(imageType(jpeg(96, 96, 0xc2)), "image/jpeg", "a progressive one");
  const inside = Uint8Array.from([1, 2, 3, ...png(96, 96)]).subarray(3);
  assert.equal(imageType(inside), "image/png", "a part of a larger buffer");
});

test("what is no image is none", () => {
  assert.equal(imageType(utf8("<svg onload=alert(1)>")), "");
  assert.equal(imageType(new Uint8Array(0)), "");
  for (const whole of [png(96, 96), gif(19, 19), bmp(96, 96), jpeg(96, 96)]) {
    for (let n = 0; n < whole.length; n++) imageType(whole.subarray(0, n)); // does not throw
    assert.equal(imageType(whole.subarray(0, 6)), "");
  }
  assert.equal(imageType(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0])), "", "a segment that does not end");
});

test("an image of too many pixels is not shown", () => {
  for (const make of [png, gif, jpeg, bmp]) {
    assert.equal(imageType(make(1025, 10)), "");
    assert.equal(imageType(make(10, 30_000)), "");
    assert.equal(imageType(make(0, 10)), "");
    assert.notEqual(imageType(make(1024, 1024)), "");
  }
  assert.equal(imageType(gif(96, 96, frame(30_000, 30_000))), "", "in a frame of a small one");
  assert.equal(imageType(gif(96, 96, [])), "", "in one without frames");
});

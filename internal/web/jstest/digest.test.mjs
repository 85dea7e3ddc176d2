import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { hex, utf8 } from "../static/js/msnp/bytes.js";
import { answerTo, product } from "../static/js/msnp/challenge.js";
import { md5Hex } from "../static/js/msnp/md5.js";
import { sha1 } from "../static/js/msnp/sha1.js";

test("MD5 of RFC 1321", () => {
  for (const [text, digest] of [
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
    ["12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"],
  ]) assert.equal(md5Hex(utf8(text)), digest);
});

test("SHA-1 of FIPS 180", () => {
  for (const [text, digest] of [
    ["", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    ["abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"],
  ]) assert.equal(hex(sha1(utf8(text))), digest);
});

test("digests of every length around a block", () => {
  for (let n = 0; n < 200; n++) {
    const bytes = new Uint8Array(randomBytes(n));
    assert.equal(md5Hex(bytes), createHash("md5").update(bytes).digest("hex"), `MD5 of ${n} bytes`);
    assert.equal(hex(sha1(bytes)), createHash("sha1").update(bytes).digest("hex"), `SHA-1 of ${n} bytes`);
  }
});

test("the challenge of docs/protocol/presence.md", () => {
  assert.equal(product, "PROD0038W!61ZTF9");
  assert.equal(answerTo("12345678901234567890"), "c64fe621f55832479b97b7f50829d5c1");
});

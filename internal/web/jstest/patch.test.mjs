// The browser's patcher does what monarch patch does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { MAX_PROGRAM, Refused, patch } from "../static/js/patch.js";

const { tables, refused, cases } = JSON.parse(readFileSync(new URL("../../patch/testdata/vectors.json", import.meta.url)));

const HEADER = 0x200;
const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

// build makes a program with pieces behind its header.
function build(pieces = []) {
  const bytes = new Array(HEADER).fill(0);
  bytes.splice(0, 2, 0x4d, 0x5a);
  bytes[0x3c] = 0x80;
  bytes.splice(0x80, 2, 0x50, 0x45);
  for (const { ansi = "", wide = "", hex = "" } of pieces) {
    bytes.push(...Buffer.from(ansi, "latin1"), ...Buffer.from(wide, "utf16le"), ...fromHex(hex));
  }
  return Uint8Array.from(bytes);
}

const places = (list = []) => list.map(({ at, ...rest }) => ({ offset: HEADER + at, ...rest }));
const plain = (value) => JSON.parse(JSON.stringify(value, Object.keys({ text: 0, offset: 0, encoding: 0, now: 0 })));

for (const { name, table, before, after, changes, already, left, version = "", suits = false } of cases) {
  test(name, () => {
    const program = build(before);
    const found = patch(program, tables[table].texts);
    assert.deepEqual(program, build(before), "the original was changed");
    assert.deepEqual(found.program, build(after));
    assert.deepEqual(plain(found.changes), plain(places(changes)));
    assert.deepEqual(plain(found.already), plain(places(already)));
    assert.deepEqual(plain(found.left), plain(places(left)));
    assert.deepEqual([found.version, found.suits], [version, suits]);
    assert.deepEqual(patch(found.program, tables[table].texts).changes, []);
  });
}

for (const { name, hex } of refused) {
  test(`${name} is refused`, () => {
    assert.throws(() => patch(fromHex(hex), []), (err) => err instanceof Refused && err.message === "no_program");
  });
}

test("what is too large is refused", () => {
  assert.throws(() => patch(new Uint8Array(MAX_PROGRAM + 1), []), (err) => err instanceof Refused && err.message === "too_large");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { concat, escape, fromLatin1, fromUTF8, latin1, unescape, utf8 } from "../static/js/msnp/bytes.js";
import { Splitter, line, withPayload } from "../static/js/msnp/frame.js";

const stream = concat(
  utf8("VER 1 MSNP9 CVR0\r\n"),
  utf8("\r\n"),
  utf8("CHG  9\tNLN 0 \n"),
  withPayload(Uint8Array.of(0, 13, 10, 255, 65), "MSG", "alice@example.com", "Alice%20A"),
  utf8("MSG Hotmail Hotmail 0\r\n"),
  utf8("911 4\r\n"),
  withPayload(utf8("<N/>"), "NOT"),
  utf8("OUT OTH\r\n"),
);

const expected = [
  ["VER", ["1", "MSNP9", "CVR0"], null],
  ["CHG", ["9", "NLN", "0"], null],
  ["MSG", ["alice@example.com", "Alice%20A", "5"], [0, 13, 10, 255, 65]],
  ["MSG", ["Hotmail", "Hotmail", "0"], []],
  ["911", ["4"], null],
  ["NOT", ["4"], [60, 78, 47, 62]],
  ["OUT", ["OTH"], null],
];

function frames(pieces) {
  const splitter = new Splitter();
  const all = [];
  for (const piece of pieces) {
    splitter.push(piece);
    for (let f = splitter.next(); f; f = splitter.next()) all.push([f.verb, f.args, f.payload && [...f.payload]]);
  }
  return all;
}

test("frames are cut byte by byte", () => {
  assert.deepEqual(frames(Array.from(stream, (b) => Uint8Array.of(b))), expected);
});

test("frames are cut wherever two pieces meet", () => {
  for (let i = 0; i <= stream.length; i++) {
    assert.deepEqual(frames([stream.subarray(0, i), stream.subarray(i)]), expected, `cut at ${i}`);
  }
});

test("a payload does not change when more comes", () => {
  const splitter = new Splitter();
  splitter.push(withPayload(utf8("first"), "MSG", "a@b.c", "A"));
  const { payload } = splitter.next();
  splitter.push(withPayload(utf8("other"), "MSG", "a@b.c", "A"));
  splitter.next();
  assert.equal(fromUTF8(payload), "first");
});

test("what cannot be understood ends the stream", () => {
  for (const text of ["MSG a b x\r\n", "MSG a b -1\r\n", "MSG a b 1048577\r\n", "MSG a b c 5\r\nxxxxx", "x".repeat(65537)]) {
    const splitter = new Splitter();
    splitter.push(utf8(text));
    assert.throws(() => splitter.next(), { reason: "protocol" }, text.slice(0, 30));
  }
});

test("error lines have a number", () => {
  const splitter = new Splitter();
  splitter.push(utf8("217 5\r\n0AB 5\r\n"));
  assert.equal(splitter.next().code, 217);
  assert.equal(splitter.next().code, 0);
});

test("lines are written strictly", () => {
  assert.equal(latin1(line("CHG", 9, "NLN")), "CHG 9 NLN\r\n");
  for (const bad of ["", "a b", "a\r\nOUT", "ä", "\x7f"]) assert.throws(() => line("ADD", 1, bad), { reason: "invalid" });
});

test("text becomes a parameter and text again", () => {
  for (const [text, param] of [
    ["Alice A", "Alice%20A"], ["100%", "100%25"], ["Gr\u00fc\u00dfe", "Gr%C3%BC%C3%9Fe"], ["a+b", "a+b"], ["\u{1f98b}", "%F0%9F%A6%8B"],
  ]) {
    assert.equal(escape(text), param);
    assert.equal(unescape(param), text);
  }
  assert.equal(unescape("50%"), "50%");
  assert.equal(unescape("%zz%4"), "%zz%4");
  assert.equal(unescape(latin1(utf8("\u00fc"))), "\u00fc", "raw UTF-8");
  assert.equal(unescape(latin1(fromLatin1("\xff"))), "\ufffd", "what is none");
});

// What others send, who may be anybody: it must not take the page's memory or time.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { Boards } from "../static/js/msnp/boards.js";
import { utf8 } from "../static/js/msnp/bytes.js";
import { pieces, readAnnouncement } from "../static/js/msnp/emoticons.js";
import { Failure } from "../static/js/msnp/failure.js";
import { newObject, parseObject } from "../static/js/msnp/object.js";
import { Objects } from "../static/js/msnp/objects.js";
import { P2P } from "../static/js/msnp/p2p.js";
import { flags, newMessage, readP2P, writeP2P } from "../static/js/msnp/p2pmessage.js";
import { Peer } from "../static/js/msnp/p2ppeer.js";

const [alice, bob] = ["alice@example.com", "bob@example.com"];

/** An engine of alice's, and what it has said to bob. */
function engine() {
  const said = [];
  const p2p = new P2P({ self: alice, object: () => undefined, post: async (to, body) => said.push(readP2P(body)) });
  return { p2p, said };
}

const sessionOf = (said) => Number(/SessionID: ([0-9]+)/.exec(new TextDecoder().decode(said[0].data))[1]);

test("an object in parts of one byte", async () => {
  const data = new Uint8Array(randomBytes(300_000));
  const { p2p, said } = engine();
  const under = p2p.fetch(bob, newObject(bob, 3, data));
  const session = sessionOf(said);
  for (let offset = 0; offset < data.length; offset++) {
    p2p.receive(bob, writeP2P(newMessage({
      session, id: 7, offset, total: data.length, flags: flags.object, data: data.subarray(offset, offset + 1),
    })));
  }
  assert.deepEqual(await under, data);
});

test("what is kept of parts does not hold what they came in", async () => {
  const peer = new Peer(bob);
  const whole = utf8("a text in two parts");
  const carrier = new Uint8Array(1664);
  carrier.set(whole);
  assert.equal(peer.assemble(newMessage({ id: 7, total: whole.length, data: carrier.subarray(0, 5) })), null);
  carrier.fill(0);
  assert.deepEqual(peer.assemble(newMessage({ id: 7, offset: 5, total: whole.length, data: whole.subarray(5) })), whole);

  const data = new Uint8Array(randomBytes(2000));
  const { p2p, said } = engine();
  const under = p2p.fetch(bob, newObject(bob, 3, data));
  for (const [from, to] of [[0, 1000], [1000, 2000]]) {
    const body = writeP2P(newMessage({
      session: sessionOf(said), id: 7, offset: from, total: data.length, flags: flags.object, data: data.subarray(from, to),
    }));
    p2p.receive(bob, body);
    body.fill(0);
  }
  assert.deepEqual(await under, data);
});

test("parts of nothing are not kept", () => {
  const peer = new Peer(bob);
  for (let i = 0; i < 100; i++) assert.equal(peer.assemble(newMessage({ id: 7, total: 10, data: new Uint8Array(0) })), null);
  assert.equal(peer.partial.size, 0);
});

test("a text whose parts do not agree on its length is none", () => {
  const peer = new Peer(bob);
  assert.equal(peer.assemble(newMessage({ id: 7, total: 10, data: utf8("12345") })), null);
  assert.equal(peer.assemble(newMessage({ id: 7, offset: 5, total: 60_000, data: utf8("67890") })), null);
  assert.equal(peer.partial.size, 0);
});

test("texts that are made to be hard to read are read at once", () => {
  const begun = process.cpuUsage(); // what else the machine does takes none of it
  for (const text of ["<msnobj" + " ".repeat(100_000), "<msnobj " + "a".repeat(100_000) + "/>", "<msnobj " + "a ".repeat(50_000) + ">"]) {
    assert.equal(parseObject(text), null);
  }
  const { user } = process.cpuUsage(begun);
  assert.ok(user < 5_000_000, `it took ${user} µs`);
});

test("shortcuts that nobody can type are not taken", () => {
  const object = newObject(bob, 2, utf8("x")).text;
  const known = readAnnouncement(utf8([" ", "\n", "x".repeat(50), ":x"].map((s) => `${s}\t${object}\t`).join("")));
  assert.deepEqual([...known.keys()], [":x"]);
});

test("a text of nothing but shortcuts is not all pictures", () => {
  const text = "e".repeat(50_000);
  const all = pieces(text, new Map([["e", newObject(bob, 2, utf8("x"))]]));
  assert.ok(all.filter((p) => typeof p !== "string").length <= 200);
  assert.equal(all.map((p) => (typeof p === "string" ? p : p.shortcut)).join(""), text);
});

test("one person has us fetch only so much at a time", async () => {
  let asked = 0;
  const objects = new Objects((from) => (asked++, from === bob ? new Promise(() => {}) : Promise.resolve(utf8("image"))));
  const some = (i) => newObject(bob, 2, utf8(String(i)));
  const refused = [];
  for (let i = 0; i < 1000; i++) objects.get(bob, some(i)).catch((failure) => refused.push(failure.reason));
  assert.deepEqual(await objects.get("carol@example.com", some("carol's")), utf8("image"));
  assert.ok(asked <= 65, `${asked} are fetched at a time`);
  assert.deepEqual(new Set(refused), new Set(["busy"]));
});

test("one person rings only so often at a time", async () => {
  const open = [];
  const boards = new Boards({
    handle: () => alice, object: () => undefined, emit: () => {}, ask: () => assert.fail("nothing is to be asked"),
    converse: () => assert.fail("nobody has said anything"),
    open: async () => {
      const wire = { onbytes: null, onclose: null, send: () => {}, close: () => {} };
      open.push(wire);
      return wire;
    },
  });
  const ring = (handle) => boards.answer({ session: "1", address: "a:1", cookie: "1.1", handle, name: handle }).catch(() => {});
  for (let i = 0; i < 100; i++) ring(bob);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open.length, 8);
  ring("carol@example.com");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open.length, 9, "others ring as before");
  boards.closeAll(new Failure("closed"));
  ring(bob);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open.length, 10, "and he when those are over");
  boards.closeAll(new Failure("closed"));
});

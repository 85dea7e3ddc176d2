import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { fromUTF8, utf8 } from "../static/js/msnp/bytes.js";
import { newObject, parseObject } from "../static/js/msnp/object.js";
import { Objects } from "../static/js/msnp/objects.js";
import { Identifiers, acknowledgement, newMessage, readP2P, writeP2P } from "../static/js/msnp/p2pmessage.js";
import { newGUID, readSLP, value, writeSLP } from "../static/js/msnp/slp.js";

test("an object is what other clients make of the same data", () => {
  const o = newObject("alice@example.com", 3, utf8("abc"), "TFR20.dat");
  const sum = createHash("sha1")
    .update("Creatoralice@example.comSize3Type3LocationTFR20.datFriendlyAAA=SHA1DqZk+NkcGgWq6PiVxeFDCbJzQ2J0=").digest("base64");
  assert.equal(o.text, '<msnobj Creator="alice@example.com" Size="3" Type="3" Location="TFR20.dat" Friendly="AAA=" ' +
    `SHA1D="qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" SHA1C="${sum}"/>`);
  assert.deepEqual(parseObject(o.text), o);
});

test("the object of docs/protocol/payloads.md", () => {
  const o = parseObject('<msnobj Creator="alice@example.com" Size="1500" Type="3" Location="TFR20.dat" Friendly="AAA=" ' +
    'SHA1D="udVfpdQxl/kBS0ZZ5Hk3W40sBUw=" SHA1C="Fp+clwQ2A8OoK0X/o2Lw3MNwYk4="/>');
  assert.equal(o.size, 1500);
  assert.equal(o.sha1d, "udVfpdQxl/kBS0ZZ5Hk3W40sBUw=");
});

test("attributes are escaped and may be in any order", () => {
  const o = newObject("a@b.c", 2, utf8("x"), 'q"<&>');
  assert.ok(!/q"</.test(o.text));
  assert.equal(parseObject(o.text).location, 'q"<&>');
  const other = `<msnobj SHA1D="${o.sha1d}" Unknown="1" Size="1" Creator="A@b.c" Type="2"></msnobj>\0`;
  assert.equal(parseObject(other).creator, "a@b.c");
});

test("what is no object is none", () => {
  for (const text of ["", "<msnobj/>", "0", "<msnobj Creator=\"a@b.c\" Size=\"-1\" SHA1D=\"\"/>", "<other/>",
    '<msnobj Creator="a@b.c" Size="5" SHA1D="short"/>', '<msnobj Creator="a@b.c" Size="99999999999" SHA1D="udVfpdQxl/kBS0ZZ5Hk3W40sBUw="/>']) {
    assert.equal(parseObject(text), null, text);
  }
});

test("binary messages survive, and damaged ones are none", () => {
  const m = newMessage({ session: 7, id: 8, offset: 1202, total: 2 ** 40, flags: 0x20, ackID: 0xffffffff, data: utf8("data"), footer: 1 });
  assert.deepEqual(readP2P(writeP2P(m)), m);
  const ack = acknowledgement({ ...m, ackID: 5 }, 9);
  assert.deepEqual([ack.id, ack.ackID, ack.ackUID, ack.ackSize, ack.flags], [9, 8, 5, 2 ** 40, 2]);
  const body = writeP2P(m);
  for (let n = 0; n < 52; n++) assert.equal(readP2P(body.subarray(0, n)), null, `${n} bytes`);
  assert.equal(readP2P(body.subarray(0, 52)).footer, 0, "the footer may be missing");
  const outside = writeP2P(newMessage({ offset: 5, total: 6, data: utf8("ab") }));
  assert.equal(readP2P(outside), null);
});

test("identifiers count as those of the official client", () => {
  const ours = new Identifiers(100);
  assert.deepEqual([ours.next(), ours.next(), ours.next(true)], [100, 101, 102]);
  const his = new Identifiers(100);
  assert.deepEqual([his.next(true), his.next(), his.next(), his.next(), his.next()], [100, 97, 98, 99, 101]);
});

test("MSNSLP is written as docs/protocol/payloads.md has it", () => {
  const m = {
    method: "INVITE", status: 0, to: "alice@example.com", from: "bob@example.com", branch: "{6F3C2A10-55D4-4E1B-9C07-1A2B3C4D5E6F}",
    cseq: 0, callID: "{0D9B7C31-8E42-4F6A-B5D0-7788990011AA}", type: "application/x-msnmsgr-sessionreqbody",
    body: [["EUF-GUID", "{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}"], ["SessionID", "1172536"], ["AppID", "1"], ["Context", "AAAA"]],
  };
  const text = fromUTF8(writeSLP(m));
  assert.ok(text.startsWith("INVITE MSNMSGR:alice@example.com MSNSLP/1.0\r\nTo: <msnmsgr:alice@example.com>\r\n" +
    "From: <msnmsgr:bob@example.com>\r\nVia: MSNSLP/1.0/TLP ;branch={6F3C2A10-55D4-4E1B-9C07-1A2B3C4D5E6F}\r\nCSeq: 0 \r\n" +
    "Call-ID: {0D9B7C31-8E42-4F6A-B5D0-7788990011AA}\r\nMax-Forwards: 0\r\n"));
  const [, body] = text.split("\r\n\r\n");
  assert.ok(text.endsWith("\r\n\r\n\0"));
  assert.equal(/Content-Length: (\d+)/.exec(text)[1], String(body.length + 5));
  assert.deepEqual(readSLP(writeSLP(m)), m);
  assert.equal(value(readSLP(writeSLP(m)), "sessionid"), "1172536");
  const ok = { ...m, method: "", status: 200, cseq: 1, body: [["SessionID", "1"]] };
  assert.ok(fromUTF8(writeSLP(ok)).startsWith("MSNSLP/1.0 200 OK\r\n"));
  assert.deepEqual(readSLP(writeSLP(ok)), ok);
  for (const bad of ["", "hello", "INVITE x HTTP/1.1", "MSNSLP/1.0 abc"]) assert.equal(readSLP(utf8(bad)), null);
  assert.match(newGUID(), /^\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\}$/);
});

test("objects are fetched once and kept", async () => {
  let fetched = 0;
  const objects = new Objects(async () => {
    fetched++;
    return utf8("image");
  });
  const object = newObject("bob@example.com", 3, utf8("image"));
  const [a, b] = await Promise.all([objects.get("bob@example.com", object), objects.get("bob@example.com", object)]);
  assert.equal(a, b);
  assert.equal(await objects.get("bob@example.com", object), a);
  assert.equal(fetched, 1);
});

test("what cannot be had is not asked for again at once", async () => {
  let asked = 0;
  const objects = new Objects(async () => {
    asked++;
    throw new Error("no");
  });
  const object = newObject("bob@example.com", 3, utf8("image"));
  await assert.rejects(objects.get("bob@example.com", object));
  await assert.rejects(objects.get("bob@example.com", object));
  assert.equal(asked, 1);
  objects.forgive();
  await assert.rejects(objects.get("bob@example.com", object));
  assert.equal(asked, 2);
});

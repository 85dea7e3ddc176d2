import assert from "node:assert/strict";
import { test } from "node:test";

import { concat, fromUTF8, utf8 } from "../static/js/msnp/bytes.js";
import { Chunks } from "../static/js/msnp/chunks.js";
import { announce, pieces, readAnnouncement } from "../static/js/msnp/emoticons.js";
import { handleOf } from "../static/js/msnp/handle.js";
import { message, parseMessage } from "../static/js/msnp/header.js";
import { notice, words } from "../static/js/msnp/notice.js";
import { maxMessage, readFormat, readText, textPayloads, writeFormat } from "../static/js/msnp/text.js";

const read = (payload) => {
  const { header, body } = parseMessage(payload);
  return readText(header, body);
};

test("a text has the envelope of docs/protocol/payloads.md", () => {
  const [payload] = textPayloads("Hello Bob");
  assert.equal(fromUTF8(payload),
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nX-MMS-IM-Format: FN=Arial; EF=; CO=0; CS=0; PF=22\r\n\r\nHello Bob");
});

test("looks survive", () => {
  const format = { font: "Comic Sans; MS", effects: "BI", color: 0x112233, rightToLeft: true };
  assert.equal(writeFormat(format), "FN=Comic%20Sans%3B%20MS; EF=BI; CO=332211; CS=0; PF=22; RL=1");
  assert.deepEqual(readFormat(writeFormat(format)), format);
  assert.deepEqual(readFormat("nonsense; CO=zz; EF=xb; FN"), { font: "", effects: "B", color: 0, rightToLeft: false });
});

test("a long text is cut at words and never in a character", () => {
  for (const text of ["word ".repeat(2000), "\u{1f98b}".repeat(2000), "line of text\n".repeat(400), "\n".repeat(3000), "x".repeat(5000)]) {
    const payloads = textPayloads(text);
    assert.ok(payloads.length > 1);
    assert.ok(payloads.every((p) => p.length <= maxMessage));
    const parts = payloads.map((p) => read(p).text);
    assert.ok(parts.every((p) => !p.includes("\ufffd")));
    assert.equal(parts.join("").replaceAll("\n", ""), text.replaceAll("\n", ""));
  }
});

test("a text that just fits stays whole", () => {
  const room = maxMessage - textPayloads("")[0].length;
  assert.equal(textPayloads("y".repeat(room)).length, 1);
  assert.equal(textPayloads("y".repeat(room + 1)).length, 2);
});

test("a text without a character set is Latin 1", () => {
  assert.equal(read(concat(utf8("Content-Type: text/plain\r\n\r\n"), Uint8Array.of(0xfc))).text, "\u00fc");
  assert.equal(read(utf8("Content-Type: text/plain; charset=UTF-8\r\n\r\n\u00fc\r\nx\ry")).text, "\u00fc\nx\ny");
});

test("emoticons are announced and read", () => {
  const emoticons = new Map(Array.from({ length: 7 }, (_, i) => [`(${i})`, { data: utf8(`image ${i}`) }]));
  const { payloads, objects } = announce("(0)(1)(2)(3)(4)(5) and no six", emoticons, "alice@example.com");
  assert.equal(objects.size, 6);
  assert.ok(payloads.length >= 2 && payloads.every((p) => p.length <= maxMessage));
  const found = new Map(payloads.flatMap((p) => [...readAnnouncement(parseMessage(p).body)]));
  assert.deepEqual([...found.keys()], [...objects.keys()]);
  for (const [shortcut, object] of found) assert.equal(object.sha1d, objects.get(shortcut).sha1d);
  assert.deepEqual(pieces("a(0)b", found).map((p) => p.shortcut ?? p), ["a", "(0)", "b"]);
  assert.deepEqual(announce("nothing", emoticons, "a@b.c").payloads, []);
});

test("a hostile announcement says nothing", () => {
  assert.equal(readAnnouncement(utf8("(x)\t<msnobj\t\t\t(y)")).size, 0);
  assert.equal(readAnnouncement(utf8("__proto__\tnonsense\t")).size, 0);
});

test("messages in several packets are joined", () => {
  const chunks = new Chunks();
  const part = (fields, body) => concat(utf8(fields.map((f) => f + "\r\n").join("") + "\r\n"), utf8(body));
  assert.equal(chunks.take("a@b.c", part(["Content-Type: text/plain", "Message-ID: {1}", "Chunks: 3"], "one ")), null);
  assert.equal(chunks.take("x@b.c", part(["Message-ID: {1}", "Chunk: 1"], "forged")), null);
  assert.equal(chunks.take("a@b.c", part(["Message-ID: {1}", "Chunk: 1"], "two ")), null);
  const whole = chunks.take("a@b.c", part(["Message-ID: {1}", "Chunk: 2"], "three"));
  assert.equal(whole.header.type, "text/plain");
  assert.equal(fromUTF8(whole.body), "one two three");
  assert.equal(chunks.take("a@b.c", part(["Message-ID: {2}", "Chunks: 999999999"], "")), null);
  assert.equal(chunks.take("a@b.c", part(["Message-ID: {2}", "Chunk: 1"], "")), null);
});

test("handles are compared in lower case, and bad ones refused", () => {
  assert.equal(handleOf("  Bob@Example.COM "), "bob@example.com");
  for (const bad of ["", "bob", "@example.com", "bob@", "bob@localhost", "a b@c.d", "a@b@c.d", "b\u00f6b@example.com", "a@b.c\r\nOUT"]) {
    assert.throws(() => handleOf(bad), { reason: "invalid" }, bad);
  }
});

test("the service's own messages", () => {
  const mail = message("text/x-msmsgsemailnotification; charset=UTF-8", [],
    utf8("From: Dan\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom-Addr: dan@example.net\r\n\r\n"));
  assert.deepEqual(notice(mail), { type: "mail", detail: { from: "Dan", address: "dan@example.net", subject: "Gr\u00fc\u00dfe" } });
  const down = message("application/x-msmsgssystemmessage", [], utf8("Type: 1\r\nArg1: 5\r\n"));
  assert.deepEqual(notice(down), { type: "notice", detail: { minutes: 5 } });
  assert.equal(words("=?utf-8?b?w7w=?= =?utf-8?b?w58=?="), "\u00fc\u00df");
  const alert = utf8('<NOTIFICATION siteurl="http://example.com/"><MSG><ACTION url="a?b=1&amp;c"/><BODY><TEXT>1 &lt; 2</TEXT></BODY></MSG></NOTIFICATION>');
  assert.deepEqual(notice(alert, "NOT"), { type: "alert", detail: { text: "1 < 2", url: "http://example.com/a?b=1&c" } });
  const script = utf8('<NOTIFICATION siteurl="javascript:"><ACTION url="alert(1)"/><TEXT>x</TEXT></NOTIFICATION>');
  assert.deepEqual(notice(script, "NOT"), { type: "alert", detail: { text: "x", url: "" } });
});

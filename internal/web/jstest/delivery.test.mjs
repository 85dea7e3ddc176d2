import assert from "node:assert/strict";
import { test } from "node:test";

import { fromUTF8, utf8 } from "../static/js/msnp/bytes.js";
import { Conversation } from "../static/js/msnp/conversation.js";
import { Board } from "../static/js/msnp/switchboard.js";

const [alices, bobs] = ["alice@example.com", "bob@example.com"];

/** A conversation over a wire whose server answers each message in turn as it is told to. */
function conversation(direct, answers) {
  const sent = [];
  const wire = {
    send: (bytes) => {
      const text = fromUTF8(bytes);
      const [verb, id, letter] = text.split(" ");
      if (verb !== "MSG" || letter !== "A") return;
      sent.push(text.slice(text.indexOf("\r\n\r\n") + 4));
      wire.onbytes(utf8(`${answers.shift()} ${id}\r\n`));
    },
    close: () => {}, onbytes: null, onclose: null,
  };
  const nothing = () => {};
  const board = new Board(wire, { self: alices, object: nothing, joined: nothing, left: nothing, said: nothing, ended: nothing });
  for (const who of [bobs, "carol@example.com"].slice(0, direct ? 1 : 2)) wire.onbytes(utf8(`JOI ${who} Name\r\n`));
  let told = nothing;
  const c = new Conversation({
    client: { handle: alices, name: "Alice", online: true, emoticons: new Map() },
    board: () => board, reach: async () => board, later: () => false, emit: () => told(),
  }, "key", direct);
  const fate = (m) => new Promise((resolve) => {
    told = () => m.state === "pending" || resolve(m.failure ? `${m.state}: ${m.failure.reason}` : m.state);
    told();
  });
  return { c, sent, fate };
}

test("what did not reach everybody is told, and can be sent again", async () => {
  const { c, sent, fate } = conversation(null, ["NAK", "ACK"]);
  const m = c.send("hello both");
  assert.equal(await fate(m), "failed: undelivered");
  assert.ok(c.unsent);
  c.resend(m);
  assert.equal(await fate(m), "sent");
  assert.deepEqual(sent, ["hello both", "hello both"]);
  assert.ok(!c.unsent);
});

test("what one person did not get is tried once more by itself", async () => {
  const once = conversation(bobs, ["NAK", "ACK"]);
  assert.equal(await once.fate(once.c.send("hello")), "sent");
  assert.equal(once.sent.length, 2);
  const twice = conversation(bobs, ["NAK", "NAK"]);
  assert.equal(await twice.fate(twice.c.send("hello")), "failed: undelivered");
});

test("of a long text only what has not arrived is sent again", async () => {
  const { c, sent, fate } = conversation(null, ["ACK", "NAK", "ACK", "ACK"]);
  const text = "x".repeat(4000);
  const m = c.send(text);
  assert.equal(await fate(m), "failed: undelivered");
  assert.equal(sent.length, 3);
  assert.equal(sent.join(""), text);
  c.resend(m);
  assert.equal(await fate(m), "sent");
  assert.deepEqual(sent.slice(3), [sent[1]]);
});

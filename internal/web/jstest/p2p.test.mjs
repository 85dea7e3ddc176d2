import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { newObject } from "../static/js/msnp/object.js";
import { P2P } from "../static/js/msnp/p2p.js";
import { flags, newMessage, readP2P, writeP2P } from "../static/js/msnp/p2pmessage.js";

const [alice, bob] = ["alice@example.com", "bob@example.com"];

/** Two engines, and a switchboard between them that answers like one. tap sees what goes by, and may drop it. */
function pair(data, tap = () => true) {
  const ends = {};
  const end = (self, other) => new P2P({
    self,
    patience: 2000,
    object: (sha1d) => (data && sha1d === newObject(bob, 3, data).sha1d ? data : undefined),
    post: async (to, body) => {
      assert.equal(to, other);
      await new Promise((resolve) => setImmediate(resolve));
      if (tap(self, readP2P(body), ends)) ends[other].receive(self, body);
    },
  });
  ends[alice] = end(alice, bob);
  ends[bob] = end(bob, alice);
  return ends;
}

for (const size of [1, 4, 1201, 1202, 1203, 50_000]) {
  test(`an object of ${size} bytes`, async () => {
    const data = new Uint8Array(randomBytes(size));
    const ends = pair(data);
    assert.deepEqual(await ends[alice].fetch(bob, newObject(bob, 3, data)), data);
  });
}

test("an invitation too long for one message", async () => {
  const data = new Uint8Array(randomBytes(100));
  const ends = pair(data);
  assert.deepEqual(await ends[alice].fetch(bob, newObject(bob, 3, data, "x".repeat(2000))), data);
});

test("several objects at a time", async () => {
  const data = new Uint8Array(randomBytes(30_000));
  const ends = pair(data);
  const object = newObject(bob, 3, data);
  const all = await Promise.all([1, 2, 3, 4].map(() => ends[alice].fetch(bob, object)));
  assert.ok(all.every((d) => d.length === data.length));
});

test("an object nobody has", async () => {
  const ends = pair(null);
  await assert.rejects(ends[alice].fetch(bob, newObject(bob, 3, Uint8Array.of(1))), { reason: "missing" });
});

test("an object larger than allowed is not asked for", async () => {
  const ends = pair(null, () => assert.fail("something was said"));
  await assert.rejects(ends[alice].fetch(bob, { ...newObject(bob, 3, Uint8Array.of(1)), size: 2 ** 30 }), { reason: "toolarge" });
});

test("data that is not what was announced", async () => {
  const data = new Uint8Array(randomBytes(3000));
  const ends = pair(data, (from, m) => {
    if (m.flags & flags.object && m.offset > 0) m.data[0] ^= 1; // the body shares it
    return true;
  });
  await assert.rejects(ends[alice].fetch(bob, newObject(bob, 3, data)), { reason: "damaged" });
});

test("parts that are missing, too many or out of order", async () => {
  for (const change of [
    (m) => ({ ...m, offset: m.offset + 1 }),
    (m) => ({ ...m, total: m.total + 5 }),
    (m) => ({ ...m, data: new Uint8Array(0) }),
  ]) {
    const data = new Uint8Array(randomBytes(3000));
    const ends = pair(data, (from, m, e) => {
      if (!(m.flags & flags.object)) return true;
      e[alice].receive(bob, writeP2P(change(m)));
      return false;
    });
    await assert.rejects(ends[alice].fetch(bob, newObject(bob, 3, data)), { reason: "damaged" });
  }
});

test("parts that come twice are harmless", async () => {
  const data = new Uint8Array(randomBytes(5000));
  const ends = pair(data, (from, m, e) => {
    if (m.flags & flags.object) e[alice].receive(bob, writeP2P(m));
    return true;
  });
  assert.deepEqual(await ends[alice].fetch(bob, newObject(bob, 3, data)), data);
});

test("somebody who does not go on", async () => {
  const data = new Uint8Array(randomBytes(3000));
  const ends = pair(data, (from, m) => !(m.flags & flags.object));
  await assert.rejects(ends[alice].fetch(bob, newObject(bob, 3, data)), { reason: "timeout" });
});

test("somebody who leaves, and a conversation that ends", async () => {
  const data = new Uint8Array(randomBytes(3000));
  for (const end of [(p) => p.left(bob), (p) => p.close({ reason: "closed" })]) {
    const ends = pair(data, () => false);
    const under = ends[alice].fetch(bob, newObject(bob, 3, data));
    end(ends[alice]);
    await assert.rejects(under, { reason: "closed" });
  }
});

test("nonsense from strangers is ignored", () => {
  const ends = pair(new Uint8Array(10), () => false);
  for (let i = 0; i < 2000; i++) ends[alice].receive(bob, new Uint8Array(randomBytes(i % 200)));
  for (let i = 0; i < 100; i++) {
    ends[alice].receive(bob, writeP2P(newMessage({ id: i, total: 1 << 20, data: new Uint8Array(1202) })));
    ends[alice].receive(bob, writeP2P(newMessage({ id: i, total: 60_000, data: new Uint8Array(1202) })));
    ends[alice].receive(bob, writeP2P(newMessage({ session: i, id: i, total: 5, flags: 0x20, data: new Uint8Array(5) })));
  }
});

import { test } from "node:test";

import { Network, User, assert, peer, play, signIn } from "./live.mjs";

const bobs = "bob@example.com";
await play("mutual alice bob\nmutual alice carol");
const network = new Network();
const alice = await signIn("alice", {}, network);
await peer("bob", "appear");
await alice.sees(bobs, "NLN");

/** Waits until the client has come back since an entry of its log. */
const back = (since) => alice.until("we are back", () => alice.log.slice(since).some((e) => e.type === "state" && e.state === "online"));

test("a dropped connection is made again, with the status and what was typed", async () => {
  await alice.setStatus("LUN");
  const c = alice.conversation(bobs);
  c.send("before");
  assert.equal((await peer("bob", "hears")).text, "before");
  const since = alice.log.length;
  network.down = true;
  network.cut();
  await alice.until("the loss is noticed", () => alice.state === "waiting");
  assert.equal(alice.roster.find(bobs).online, false);
  const m = c.send("while away");
  assert.equal(m.state, "pending");
  await alice.until("another try", () => alice.log.slice(since).filter((e) => e.state === "waiting").length >= 3);
  assert.equal(m.state, "pending");
  network.down = false;
  await back(since);
  assert.equal((await peer("bob", "hears")).text, "while away");
  assert.equal(await alice.fate(m), "sent");
  await alice.sees(bobs, "NLN");
  assert.equal(alice.status, "LUN");
  await peer("bob", "sees", { to: "alice@example.com", text: "LUN" });
  await peer("bob", "send", { to: "alice@example.com", text: "welcome back" });
  assert.equal((await alice.hears("welcome back")).conversation, c);
});

test("a restarted server is found again, and so is everybody else", async () => {
  const c = alice.conversation(bobs);
  const since = alice.log.length;
  await play("operator stop\nstopped");
  await alice.until("the end is noticed", () => alice.state === "waiting");
  const told = alice.log.slice(since).find((e) => e.type === "state");
  assert.ok(["shutdown", "lost"].includes(told.failure.reason), told.failure.reason);
  assert.ok(told.retryIn > 0);
  const m = c.send("typed while it was down");
  await play("restart");
  await back(since);
  // Bob may come back later than we do.
  assert.equal((await peer("bob", "hears")).text, "typed while it was down");
  assert.equal(await alice.fate(m), "sent");
  await peer("bob", "send", { to: "alice@example.com", text: "here too" });
  assert.equal((await alice.hears("here too")).conversation, c);
});

test("a connection that is dead without saying so is found out", async () => {
  const c = alice.conversation(bobs);
  c.send("a conversation goes on");
  assert.equal((await peer("bob", "hears")).text, "a conversation goes on");
  const since = alice.log.length;
  network.freeze();
  alice.wake();
  await back(since);
  await alice.sees(bobs, "NLN");
  const m = c.send("over another connection");
  assert.equal((await peer("bob", "hears")).text, "over another connection");
  assert.equal(await alice.fate(m), "sent");
});

test("waking ends a pause", async () => {
  const network = new Network();
  network.down = true;
  const carol = new User("carol", { pauses: { first: 3_600_000, last: 3_600_000 } }, network);
  const there = carol.signIn();
  await carol.until("the first try fails", () => carol.state === "waiting");
  network.down = false;
  carol.wake();
  await there;
  assert.equal(carol.state, "online");
});

test("what was under way when the connection broke has failed, and can be sent again", async () => {
  await peer("carol", "appear");
  await alice.sees("carol@example.com", "NLN");
  const c = alice.conversation("carol@example.com");
  const first = c.send("one");
  assert.equal(await alice.fate(first), "sent");
  const since = alice.log.length;
  for (const socket of network.sockets) socket.write = () => true; // it goes nowhere
  const m = c.send("two");
  network.cut();
  assert.match(await alice.fate(m), /^failed: /);
  await back(since);
  c.resend(m);
  assert.equal(await alice.fate(m), "sent");
});

test("signing out fails what waits and stays out", async () => {
  network.down = true;
  network.cut();
  await alice.until("the loss is noticed", () => alice.state === "waiting");
  const m = alice.conversation(bobs).send("never");
  alice.signOut();
  assert.equal(alice.state, "offline");
  assert.equal(m.state, "failed");
  network.down = false;
  await alice.signIn();
  alice.conversation(bobs).resend(m);
  assert.equal((await peer("bob", "hears")).text, "never");
});

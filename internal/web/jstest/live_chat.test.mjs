import { test } from "node:test";

import { assert, base64, bytes, peer, play, signIn } from "./live.mjs";

const [bobs, carols] = ["bob@example.com", "carol@example.com"];
await play("mutual alice bob\nmutual alice carol\nmutual bob carol");
const alice = await signIn("alice");
await peer("bob", "appear");
await peer("carol", "appear");
await alice.sees(bobs, "NLN");
await alice.sees(carols, "NLN");

test("texts go both ways, with their looks", async () => {
  const c = alice.conversation(bobs);
  const m = c.send("Gr\u00fc\u00dfe \u{1f98b}\nsecond line", { font: "Comic Sans MS", effects: "I", color: 0x0000ff });
  assert.equal(m.state, "pending");
  assert.deepEqual(await peer("bob", "hears"), {
    from: "alice@example.com", name: "Alice", text: "Gr\u00fc\u00dfe \u{1f98b}\nsecond line", font: "Comic Sans MS", effects: "I", color: 255,
  });
  assert.equal(await alice.fate(m), "sent");
  await peer("bob", "say", { text: "hello <b>you</b>" });
  const heard = await alice.hears("hello <b>you</b>");
  assert.equal(heard.conversation, c);
  assert.equal(heard.message.from, bobs);
  assert.equal(c.unread, 1);
  c.read();
  assert.equal(c.unread, 0);
});

test("somebody calls, and his text has looks", async () => {
  await peer("carol", "send", { to: "alice@example.com", text: "hi" });
  const { conversation, message } = await alice.hears("hi");
  assert.equal(conversation.direct, carols);
  assert.deepEqual(message.format, { font: "Verdana", effects: "B", color: 0x102030, rightToLeft: false });
  conversation.send("hi yourself");
  assert.equal((await peer("carol", "hears")).text, "hi yourself");
});

test("typing and nudges go both ways", async () => {
  const c = alice.conversation(bobs);
  c.send("are you there");
  await peer("bob", "hears");
  c.compose();
  assert.equal(await peer("bob", "hears typing"), "alice@example.com");
  const n = c.nudge();
  assert.equal(await peer("bob", "hears nudge"), "alice@example.com");
  assert.equal(await alice.fate(n), "sent");
  await peer("bob", "type");
  await alice.until("bob types", () => c.typing.includes(bobs));
  await peer("bob", "nudge");
  await alice.until("bob nudges", () => c.messages.some((m) => m.kind === "nudge" && m.from === bobs));
  assert.deepEqual(c.typing, [], "who has said something types no more");
});

test("a long text arrives in order", async () => {
  const text = Array.from({ length: 800 }, (_, i) => `word${i}`).join(" ");
  const m = alice.conversation(bobs).send(text);
  let heard = "";
  while (heard.length < text.length) heard += (await peer("bob", "hears")).text;
  assert.equal(heard, text);
  assert.equal(await alice.fate(m), "sent");
});

test("a conversation goes on after the other has left it", async () => {
  const c = alice.conversation(bobs);
  await peer("bob", "leave");
  const m = c.send("still there?");
  assert.equal((await peer("bob", "hears")).text, "still there?");
  assert.equal(await alice.fate(m), "sent");
  await peer("bob", "leave");
  await peer("bob", "send", { to: "alice@example.com", text: "I called again" });
  assert.equal((await alice.hears("I called again")).conversation, c);
});

test("many texts at once arrive in order", async () => {
  const c = alice.conversation(bobs);
  await peer("bob", "leave");
  const all = Array.from({ length: 30 }, (_, i) => c.send(`text ${i}`));
  for (let i = 0; i < 30; i++) assert.equal((await peer("bob", "hears")).text, `text ${i}`);
  for (const m of all) assert.equal(await alice.fate(m), "sent");
});

test("what cannot be delivered fails, and can be sent again", async () => {
  const c = alice.conversation("dave@example.com");
  const m = c.send("are you in?");
  assert.equal(await alice.fate(m), "failed: offline");
  assert.ok(c.unsent);
  await peer("dave", "appear");
  c.resend(m);
  assert.equal((await peer("dave", "hears")).text, "are you in?");
  assert.equal(await alice.fate(m), "sent");
});

test("who is hidden cannot call, and keeps what he typed", async () => {
  await alice.setStatus("HDN");
  const c = alice.conversation("erin@example.com");
  const m = c.send("hello");
  assert.equal(await alice.fate(m), "failed: hidden");
  await alice.setStatus("NLN");
});

test("custom emoticons go both ways", async () => {
  const [mine, his] = [new Uint8Array(3000).fill(7), new Uint8Array(5000).fill(9)];
  alice.setEmoticons(new Map([["(mine)", { data: mine }], ["(not used)", { data: his }]].filter(([s]) => s.length <= 7)));
  const c = alice.conversation(bobs);
  c.send("look (mine)!");
  const seen = await peer("bob", "hears emoticon");
  assert.equal(seen.shortcut, "(mine)");
  assert.deepEqual(bytes(seen.data), mine);
  assert.equal((await peer("bob", "hears")).text, "look (mine)!");

  await peer("bob", "send", { to: "alice@example.com", text: "and (his)", shortcut: "(his)", data: base64(his) });
  const { message } = await alice.hears("and (his)");
  assert.deepEqual([...message.emoticons.keys()], ["(his)"]);
  assert.deepEqual(await alice.emoticon(message, "(his)"), his);
});

test("display pictures go both ways", async () => {
  const [mine, his] = [new Uint8Array(20_000).fill(1), new Uint8Array(40_000).fill(2)];
  await alice.setPicture(mine);
  await peer("bob", "sees picture", { to: "alice@example.com" });
  assert.deepEqual(bytes(await peer("bob", "fetch", { to: "alice@example.com" })), mine);

  await peer("carol", "picture", { data: base64(his) });
  await alice.until("carol shows a picture", () => alice.roster.find(carols)?.picture);
  assert.deepEqual(await alice.pictureOf(carols), his);
  assert.equal(await alice.pictureOf(carols), await alice.pictureOf(carols), "it is kept");

  await alice.setPicture(null);
  assert.equal(await alice.pictureOf("dave@example.com"), null);
});

test("a group of three, opened by us", async () => {
  const direct = alice.conversation(bobs);
  const group = await alice.invite(direct, carols);
  assert.notEqual(group, direct);
  assert.deepEqual([...group.people.keys()].sort(), [bobs, carols]);
  await peer("bob", "joined", { to: carols });
  const m = group.send("hello both");
  assert.equal((await peer("bob", "hears")).text, "hello both");
  assert.equal((await peer("carol", "hears")).text, "hello both");
  assert.equal(await alice.fate(m), "sent");
  await peer("carol", "say", { text: "hello all" });
  assert.equal((await alice.hears("hello all")).conversation, group);
  assert.equal((await peer("bob", "hears")).text, "hello all");

  await peer("carol", "leave");
  await alice.until("carol has left", () => group.messages.some((each) => each.kind === "left" && each.from === carols));
  assert.deepEqual([...group.people.keys()], [bobs]);
  const again = await alice.invite(group, "dave@example.com");
  assert.equal(again, group);
  group.send("welcome");
  assert.equal((await peer("dave", "hears")).text, "welcome");
  alice.leave(group);
  await peer("bob", "left", { to: "alice@example.com" });
  assert.ok(!alice.conversations.has(group.key));
});

test("a group of three, opened by another", async () => {
  await peer("carol", "open", { to: "alice@example.com" });
  await peer("carol", "invite", { to: bobs });
  await peer("carol", "joined", { to: bobs });
  await peer("carol", "say", { text: "the three of us" });
  const { conversation } = await alice.hears("the three of us");
  assert.equal(conversation.direct, null);
  assert.deepEqual([...conversation.people.keys()].sort(), [bobs, carols]);
  conversation.send("yes");
  assert.equal((await peer("carol", "hears")).text, "yes");

  while ((await peer("bob", "hears")).text !== "yes"); // he has heard other things too
  alice.network.cut();
  await alice.until("the loss is noticed", () => alice.state !== "online");
  const m = conversation.send("after the break");
  assert.equal((await peer("carol", "hears")).text, "after the break");
  assert.equal((await peer("bob", "hears")).text, "after the break");
  assert.equal(await alice.fate(m), "sent");
  await peer("bob", "say", { text: "we go on" });
  assert.equal((await alice.hears("we go on")).conversation, conversation);
  assert.ok(!conversation.messages.some((each) => each.kind === "joined"), "nobody has come who was not there before");
});

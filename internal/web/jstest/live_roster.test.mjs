import { test } from "node:test";

import { Network, User, assert, peer, play, signIn, within } from "./live.mjs";

const bobs = "bob@example.com";
await play("mutual alice bob\nlist carol FL alice\ngroup alice Work\nstored alice bob Bobby");
const network = new Network();
network.first = "dispatch"; // which sends us on
const alice = await signIn("alice", { status: "BSY" }, network);

test("the roster is there after the sign-in", async () => {
  assert.equal(alice.name, "Alice");
  assert.deepEqual([...alice.roster.groups], [[0, "Other Contacts"], [1, "Work"]]);
  const bob = alice.roster.find("BOB@example.com");
  assert.deepEqual([bob.shown, bob.forward, bob.allowed, bob.blocked, bob.reverse], ["Bobby", true, true, false, true]);
  assert.ok(alice.roster.find("carol@example.com").pending);
  assert.equal(alice.roster.privacy, "AL");
});

test("presence goes both ways", async () => {
  await peer("bob", "appear");
  await peer("bob", "sees", { to: "alice@example.com", text: "BSY" });
  assert.equal((await alice.sees(bobs, "NLN")).shown, "Bob");
  await peer("bob", "status", { text: "LUN" });
  await alice.sees(bobs, "LUN");
  await alice.setStatus("AWY");
  await peer("bob", "sees", { to: "alice@example.com", text: "AWY" });
  await alice.setStatus("HDN");
  await peer("bob", "sees", { to: "alice@example.com", text: "FLN" });
  await alice.setStatus("NLN");
  await peer("bob", "sees", { to: "alice@example.com", text: "NLN" });
});

test("names go both ways", async () => {
  await alice.lists.setName("Alice \u{1f98b} 100%");
  assert.equal(alice.name, "Alice \u{1f98b} 100%");
  await peer("bob", "sees name", { to: "alice@example.com", text: "Alice \u{1f98b} 100%" });
  await peer("bob", "rename", { text: "Robert <b>" });
  await alice.until("bob has another name", () => alice.roster.find(bobs).name === "Robert <b>");
  await assert.rejects(alice.lists.setName("  "), { reason: "name" });
  await assert.rejects(alice.lists.setName("x".repeat(400)), { reason: "toolong" });
});

test("people are added, and ask to be", async () => {
  await peer("dave", "appear");
  await alice.lists.add("dave@example.com", 1);
  await peer("dave", "is added", { to: "alice@example.com" });
  const dave = alice.roster.find("dave@example.com");
  assert.deepEqual([dave.forward, dave.allowed, [...dave.groups]], [true, true, [1]]);
  await alice.sees("dave@example.com", "NLN");
  await peer("dave", "add", { to: "alice@example.com" });
  await alice.until("dave has added us", () => alice.log.some((e) => e.type === "addedby" && e.handle === "dave@example.com"));
  await alice.lists.accept("carol@example.com");
  const carol = alice.roster.find("carol@example.com");
  assert.deepEqual([carol.forward, carol.allowed, carol.pending], [true, true, false]);
  await assert.rejects(alice.lists.add("nobody@example.com"), { reason: "unknown" });
  await assert.rejects(alice.lists.add("not an address"), { reason: "invalid" });
});

test("people are blocked and let in again", async () => {
  await alice.block(bobs);
  await peer("bob", "sees", { to: "alice@example.com", text: "FLN" });
  assert.ok(alice.roster.find(bobs).blocked && !alice.roster.find(bobs).allowed);
  await alice.block(bobs);
  await alice.lists.allow(bobs);
  await peer("bob", "sees", { to: "alice@example.com", text: "NLN" });
  assert.ok(alice.roster.find(bobs).allowed && !alice.roster.find(bobs).blocked);
});

test("groups are made, renamed, filled and removed", async () => {
  const number = await alice.lists.addGroup("Friends & family");
  assert.equal(alice.roster.groups.get(number), "Friends & family");
  await alice.lists.renameGroup(number, "Family");
  assert.equal(alice.roster.groups.get(number), "Family");
  await alice.lists.move(bobs, 0, number);
  assert.deepEqual([...alice.roster.find(bobs).groups], [number]);
  await alice.lists.move(bobs, number, 0);
  await alice.lists.removeGroup(number);
  assert.ok(!alice.roster.groups.has(number));
  await assert.rejects(alice.lists.removeGroup(0), { reason: "group" });
});

test("privacy, prompt and numbers are kept", async () => {
  await alice.lists.setPrivacy("BL");
  await alice.lists.setPrivacy("BL");
  await alice.lists.setPrompt("N");
  await alice.lists.setPhone("PHM", "+1 555 20010");
  assert.deepEqual([alice.roster.privacy, alice.roster.prompt, alice.roster.properties.get("PHM")], ["BL", "N", "+1 555 20010"]);
  await alice.lists.setPrivacy("AL");
});

test("people are removed", async () => {
  await alice.lists.remove("dave@example.com");
  const dave = alice.roster.find("dave@example.com");
  assert.deepEqual([dave.forward, dave.online, dave.groups.size], [false, false, 0]);
});

test("who signs in elsewhere drives us out, and we stay out", async () => {
  const other = new User("alice");
  await other.signIn();
  await alice.until("we are out", () => alice.state === "offline");
  assert.equal(alice.failure.reason, "elsewhere");
  assert.equal(other.state, "online");
  assert.equal(other.roster.privacy, "AL");
  await alice.signIn(); // when the user says so
  await other.until("the other is out", () => other.state === "offline");
});

test("an account that may not sign in is told so", async () => {
  const refused = new User("erin", { credentials: async () => ({ handle: "erin@example.com", ticket: "t=forged&p=0" }) });
  await assert.rejects(within(refused.signIn(), "the refusal"), { reason: "refused", number: 911 });
  assert.equal(refused.state, "offline");
});

test("a ticket that has grown old is exchanged for a new one", async () => {
  const network = new Network();
  let asked = 0;
  const real = await signIn("erin");
  const credentials = real.credentials;
  assert.equal(credentials, undefined, "what proves who we are is not for pages");
  real.signOut();
  const { handle, ticket } = await (await fetch(process.env.MONARCH_CONTROL + "/credentials?who=erin")).json();
  const erin = await signIn("erin", { credentials: async () => ({ handle, ticket: asked++ === 0 ? "t=old&p=0" : ticket }) }, network);
  assert.equal(asked, 2);
  assert.equal(erin.state, "online");
});

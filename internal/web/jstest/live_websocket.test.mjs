import { test } from "node:test";

import { overWebSocket } from "../static/js/msnp/websocket.js";
import { assert, base64, bytes, peer, play, signIn, website, within } from "./live.mjs";

const bobs = "bob@example.com";
await play("mutual alice bob");

/** WebSockets with what a browser adds by itself. */
function browser(headers) {
  return class extends WebSocket {
    static all = new Set();

    constructor(url) {
      super(url, { headers });
      this.constructor.all.add(this);
    }
  };
}

/** Connections of a page of the website that somebody has signed in at. */
async function page(who) {
  const { address, cookie } = await website(who);
  const Socket = browser({ cookie, origin: "http://" + address });
  return { Socket, open: overWebSocket(`ws://${address}/messenger/socket`, Socket) };
}

const { Socket, open } = await page("alice");
const alice = await signIn("alice", { open });
await peer("bob", "appear");
await alice.sees(bobs, "NLN");

test("a conversation goes over sockets", async () => {
  const c = alice.conversation(bobs);
  const m = c.send("over a socket");
  assert.equal((await peer("bob", "hears")).text, "over a socket");
  assert.equal(await alice.fate(m), "sent");
  await peer("bob", "say", { text: "and back" });
  assert.equal((await alice.hears("and back")).conversation, c);
  assert.equal(Socket.all.size, 2, "one for the session, one for the conversation");
});

test("pictures go over sockets", async () => {
  const [mine, his] = [new Uint8Array(60_000).fill(3), new Uint8Array(60_000).fill(4)];
  await alice.setPicture(mine);
  await peer("bob", "sees picture", { to: "alice@example.com" });
  assert.deepEqual(bytes(await peer("bob", "fetch", { to: "alice@example.com" })), mine);
  await peer("bob", "picture", { data: base64(his) });
  await alice.until("bob shows a picture", () => alice.roster.find(bobs)?.picture);
  assert.deepEqual(await alice.pictureOf(bobs), his);
});

test("a socket that breaks is made again", async () => {
  const since = alice.log.length;
  for (const socket of Socket.all) socket.close();
  await alice.until("we are back", () => alice.log.slice(since).some((e) => e.state === "online" && e.type === "state"));
  alice.conversation(bobs).send("again");
  assert.equal((await peer("bob", "hears")).text, "again");
});

test("nobody else gets a socket", async () => {
  const { address, cookie } = await website("alice");
  for (const [what, headers, target] of [
    ["without a cookie", { origin: "http://" + address }, { server: "notification" }],
    ["from another site", { cookie, origin: "http://example.net" }, { server: "notification" }],
    ["to another host", { cookie, origin: "http://" + address }, { server: "switchboard", address: "127.0.0.1:22" }],
  ]) {
    const opened = overWebSocket(`ws://${address}/messenger/socket`, browser(headers))(target);
    await assert.rejects(within(opened, what), { reason: "lost" }, what);
  }
});

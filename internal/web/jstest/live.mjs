// What tests against a real server share: connections over TCP, the interface of the Go test that
// started it, and waiting for what must come.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after } from "node:test";

import { Client } from "../static/js/msnp/client.js";
import { Failure } from "../static/js/msnp/failure.js";

const control = process.env.MONARCH_CONTROL;
if (!control) throw new Error("this needs a server; run: go test ./internal/web/jstest");

/** How long a test waits for what must come. */
export const patience = 60_000;

async function call(path, options) {
  const answer = await fetch(control + path, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${text}`);
  return JSON.parse(text);
}

/** Plays steps of a transcript: what the operator does, and who is on whose list. */
export const play = (steps) => call("/play?" + new URLSearchParams({ steps }), { method: "POST" });

/** Has somebody on msnclient do something, or wait for something. */
export const peer = (who, act, details = {}) =>
  call("/peer", { method: "POST", body: JSON.stringify({ who, do: act, ...details }) });

export const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
export const base64 = (data) => Buffer.from(data).toString("base64");

/** Opens connections over TCP, and keeps them to be cut. */
export class Network {
  sockets = new Set();
  down = false;
  first = "notification";

  async addressOf({ server, address }) {
    return address ?? (await call("/addresses"))[server === "notification" ? this.first : server];
  }

  open = async (target) => {
    if (this.down) throw new Failure("lost", "there is no network");
    const address = await this.addressOf(target);
    const colon = address.lastIndexOf(":");
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), noDelay: true });
    const wire = { onbytes: null, onclose: null, send: (b) => socket.write(b), close: () => socket.destroy() };
    this.sockets.add(socket);
    socket.on("data", (b) => wire.onbytes?.(new Uint8Array(b)));
    socket.on("close", () => {
      this.sockets.delete(socket);
      wire.onclose?.();
    });
    return new Promise((resolve, reject) => {
      socket.on("connect", () => resolve(wire));
      socket.on("error", (e) => reject(new Failure("lost", e.message)));
    });
  };

  /** Cuts every connection, as a network that goes away. */
  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Stops reading and writing without closing anything, as a machine that has vanished. */
  freeze() {
    for (const socket of this.sockets) {
      socket.pause();
      socket.write = () => true;
    }
  }
}

/** Somebody who has signed in at the website: its address, and his cookie. */
export const website = (who) => call("/website?" + new URLSearchParams({ who }));

/** A client that ends with the tests of the file, and what it was told. */
export class User extends Client {
  log = [];

  constructor(nick, config = {}, network = new Network()) {
    super({
      open: network.open, credentials: () => call("/credentials?who=" + nick), pauses: { first: 100, last: 1000 }, ...config,
    });
    this.network = network;
    for (const type of ["state", "addedby", "removedby", "presence", "mail", "notice", "alert"]) {
      this.addEventListener(type, ({ detail }) => this.log.push({ type, state: this.state, ...detail }));
    }
    after(() => this.signOut());
  }

  /** Waits until something holds, looking again at every event. */
  async until(what, holds) {
    const types = ["state", "self", "roster", "presence", "addedby", "removedby", "conversations", "message", "typing", "people", "notice"];
    let result = holds();
    if (result) return result;
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        types.forEach((t) => this.removeEventListener(t, look));
      };
      const look = () => {
        result = holds();
        if (!result) return;
        stop();
        resolve(result);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`it never came that ${what}; ${JSON.stringify(this.log)}`));
      }, patience);
      types.forEach((t) => this.addEventListener(t, look));
    });
  }

  /** Waits until somebody is seen with a status. */
  sees(handle, status) {
    return this.until(`${handle} is ${status}`, () => this.roster.find(handle)?.status === status && this.roster.find(handle));
  }

  /** Waits for a line in any conversation. */
  hears(text) {
    return this.until(`somebody says ${text}`, () => {
      for (const conversation of this.conversations.values()) {
        const message = conversation.messages.find((m) => !m.mine && m.text === text);
        if (message) return { conversation, message };
      }
      return null;
    });
  }

  /** Waits until it is known what became of a line. */
  async fate(message) {
    await this.until("a message arrives or fails", () => message.state !== "pending");
    return message.failure ? `${message.state}: ${message.failure.reason}` : message.state;
  }
}

/** Signs somebody in. */
export async function signIn(nick, config, network) {
  const user = new User(nick, config, network);
  await user.signIn();
  return user;
}

/** Waits for something that must not take for ever. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} takes too long`)), patience)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export { assert };

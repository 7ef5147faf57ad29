/**
 * The line to the server: opened with the token, drained once a picture, opened again when it breaks.
 *
 * Why: messages are queued as they come and used inside requestAnimationFrame, so a burst costs one
 * picture and not one each; a hidden window, for which the browser stops pictures, drains at once.
 * After a break the page says so in words until data flows again; what was missed is a hatched gap.
 */

import { ANSWER, SUBPROTOCOL, eachFrame } from "./protocol.js";

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 8000;

/** @typedef {import("./protocol.js").Frame} Frame */
/** @typedef {{ok: boolean, reason: string|null, [more: string]: any}} Answer */

export class Line {
  /** @param {string} token @param {{take: (frame: Frame) => void, state: (state: "open"|"broken"|"refused"|"ended", words: string) => void}} to */
  constructor(token, to) {
    this.token = token;
    this.to = to;
    /** @type {ArrayBuffer[]} */
    this.queue = [];
    /** @type {WebSocket|null} */
    this.socket = null;
    this.open = false;
    this.tries = 0;
    this.opened_once = false;
    this.ended = "";
    this.requests = 0;
    /** @type {Map<number, (answer: Answer) => void>} */
    this.waiting = new Map();
    /** Bytes, messages and milliseconds spent since the beginning. */
    this.bytes = 0;
    this.messages = 0;
  }

  connect() {
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?token=${encodeURIComponent(this.token)}`;
    const socket = new WebSocket(address, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.open = true;
      this.opened_once = true;
      this.tries = 0;
      this.to.state("open", "");
    };
    socket.onmessage = (event) => {
      this.queue.push(event.data);
      this.bytes += event.data.byteLength;
      this.messages += 1;
      if (document.hidden) this.drain(Infinity);
    };
    socket.onclose = (event) => this.closed(event);
  }

  /** @param {CloseEvent} event */
  closed(event) {
    this.open = false;
    this.drain(Infinity); // the last words came before the end
    for (const answer of this.waiting.values()) answer({ ok: false, reason: "the line to the server broke: what became of this is not known" });
    this.waiting.clear();
    if (this.ended) {
      this.to.state("ended", this.ended);
      return;
    }
    if (event.code === 1008 || event.code === 1009) {
      this.to.state("refused", event.reason || "the server refused what this page sent");
      return;
    }
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.tries);
    this.tries += 1;
    if (!this.opened_once && this.tries > 2) {
      this.to.state("refused", "The server does not let this page in. Open the address that `aggressor desk` printed, with its token.");
    } else {
      this.to.state("broken", `No line to the server since ${new Date().toISOString().slice(11, 19)} UTC; trying again in ${(wait / 1000).toFixed(1)} s.`);
    }
    setTimeout(() => this.connect(), wait);
  }

  /** Say that the server took its leave; the line is not opened again. @param {string} why */
  bye(why) {
    this.ended = why || "The server has ended.";
  }

  /** Use what has come, for at most `budget` ms. @param {number} budget @returns {boolean} whether anything was used */
  drain(budget) {
    if (this.queue.length === 0) return false;
    const stop = performance.now() + budget;
    let used = 0;
    while (used < this.queue.length) {
      eachFrame(this.queue[used], (frame) => {
        if (frame.kind === ANSWER) this.answered(frame.json());
        else this.to.take(frame);
      });
      used += 1;
      if (performance.now() > stop) break;
    }
    this.queue.splice(0, used);
    return true;
  }

  /** @param {{request: number} & Answer} answer */
  answered(answer) {
    this.waiting.get(answer.request)?.(answer);
    this.waiting.delete(answer.request);
  }

  /** Give a command; the promise holds the server's answer. @param {string} what @param {Record<string, any>} [more] @returns {Promise<Answer>} */
  command(what, more = {}) {
    if (!this.socket || !this.open) return Promise.resolve({ ok: false, reason: "no line to the server" });
    this.requests += 1;
    const request = this.requests;
    this.socket.send(JSON.stringify({ do: what, request, ...more }));
    return new Promise((resolve) => this.waiting.set(request, resolve));
  }
}

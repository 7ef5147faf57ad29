/**
 * The desk itself: what panes share (store, view, line, sound) and what they may ask for.
 *
 * Why: panes know nothing of each other. A pane reads the store, moves the view and gives commands
 * here; whether a command may be given at all is the server's to say, and its words are shown.
 */

import { Sound } from "./sound.js";
import { Store } from "./store.js";
import { View } from "./view.js";

/** @typedef {import("./protocol.js").Signal} Signal */
/** @typedef {import("./protocol.js").Label} Label */

export class Desk {
  constructor() {
    this.store = new Store();
    this.view = new View();
    this.sound = new Sound();
    /** @type {import("./socket.js").Line|null} */
    this.line = null;
    /** Index of the instrument shown. */
    this.shown = 0;
    /** Shows words at the foot of the page. @type {(text: string, level: "info"|"warn"|"error") => void} */
    this.say = () => {};
    /** Height of the heatmap's plot if it is shown and begins where a pane does. @type {(pane: HTMLElement) => number|null} */
    this.heatHeight = () => null;
    /** Shows a pane wherever it stands. @type {(pane: string) => void} */
    this.showPane = () => {};
    /** @type {Signal|null} */
    this.signal = null;
    /** Lots of the next order, by instrument. @type {Map<number, number>} */
    this.sizes = new Map();
    /** Ticks of a bracket, 0: none. */
    this.stop_ticks = 0;
    this.target_ticks = 0;
    this.cap_ticks = 10;
    this.reduce_only = false;
    this.armed_here = false;
  }

  /** @returns {import("./store.js").Lane|null} */
  get lane() {
    return this.store.lanes[this.shown] ?? null;
  }

  get units() {
    return this.lane?.units ?? null;
  }

  /** Market time shown, ms; NaN before the first event. */
  get now() {
    return this.lane?.now ?? NaN;
  }

  /** Whether this browser may send orders: the server's answer to `arm`; it ends with the line. */
  get armed() {
    return this.armed_here && Boolean(this.line?.open);
  }

  get clock() {
    return this.store.account?.clock ?? null;
  }

  get own() {
    return this.store.account?.lanes.find((one) => one.lane === this.shown) ?? null;
  }

  /** Lots of the next order. */
  get size() {
    return this.sizes.get(this.shown) ?? 0;
  }

  /** Give a command; what the server refuses is said with its reason. @param {string} what @param {Record<string, any>} [more] */
  async command(what, more = {}) {
    const answer = (await this.line?.command(what, more)) ?? { ok: false, reason: "no line to the server" };
    if (what === "arm" && answer.ok) this.armed_here = more["on"];
    if (answer.ok && answer["note"]) this.say(answer["note"], "info");
    if (!answer.ok) this.say(`${what.replace("_", " ")}: ${answer.reason ?? "refused without a reason"}`, "error");
    return answer;
  }

  /** Send an order of the size set. @param {1|-1} side @param {"limit"|"market"} type @param {number|null} price ticks */
  order(side, type, price) {
    if (!this.armed) {
      this.say("Orders are not armed: press a, or use the switch beside the kill switch.", "warn");
      return Promise.resolve(null);
    }
    if (!(this.size > 0)) {
      this.say("The size of the order is 0.", "warn");
      return Promise.resolve(null);
    }
    const from = price ?? (side > 0 ? this.lane?.book.ask : this.lane?.book.bid) ?? NaN;
    if (this.stop_ticks > 0 !== this.target_ticks > 0) {
      this.say("A bracket has a stop and a target: set both, or neither.", "warn");
      return Promise.resolve(null);
    }
    const bracket = this.stop_ticks > 0 ? { stop: Math.round(from - side * this.stop_ticks), target: Math.round(from + side * this.target_ticks) } : null;
    return this.command("order", {
      lane: this.shown, side, lots: this.size, type, reduce_only: this.reduce_only,
      ...(type === "limit" ? { price } : { cap_ticks: this.cap_ticks }), ...(bracket ? { bracket } : {}),
    });
  }

  /** Show a signal: its card, its second in every pane. @param {Signal} signal */
  goSignal(signal) {
    this.signal = signal;
    this.view.goTo(signal.known_ms, this.now);
    const middle = (signal.low + signal.high) / 2;
    if (!(middle > this.view.low && middle < this.view.high)) {
      const half = (this.view.high - this.view.low) / 2;
      this.view.follow_price = false;
      this.view.prices(middle - half, middle + half);
    }
    this.view.select({ id: `signal ${signal.number}`, t: signal.known_ms, low: signal.low, high: signal.high });
    this.view.point(signal.known_ms, Math.round(middle), "signals");
    this.showPane("card");
  }

  /** Show a scenario of a synthetic market. @param {Label} label */
  goLabel(label) {
    this.view.goTo(label.start_ms, this.now);
    this.view.select({ id: `label ${label.number}`, t: label.start_ms, low: label.low, high: label.high });
  }

  /** Show another instrument. @param {number} lane */
  watch(lane) {
    this.shown = lane;
    void this.command("watch", { lanes: [...new Set([0, lane])] });
  }

  /** Run the market to a moment. @param {number} to_ms */
  seek(to_ms) {
    if (!this.store.hello?.abilities.seek) {
      this.view.goTo(to_ms, this.now);
      return;
    }
    void this.command("seek", { to_ms });
  }
}

/** @typedef {{kind: string, number: number}} Named */

/** Write the name of a kind for a person. @param {string} kind */
export function worded(kind) {
  return kind.replaceAll("_", " ");
}

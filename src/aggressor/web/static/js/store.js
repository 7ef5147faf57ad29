/**
 * What the browser knows: for each instrument the rings and the newest picture of everything.
 *
 * Why: one place takes frames and every pane reads from it; a pane that is opened late finds the
 * same history. Nothing is computed here but sums that the page on the protocol allows.
 */

import { Bars } from "./bars.js";
import { HeatStore } from "./heat_store.js";
import * as P from "./protocol.js";
import { Ring } from "./rings.js";
import { Units } from "./scales.js";
import { Trails } from "./trails.js";

/** @typedef {import("./protocol.js").Frame} Frame */

const SIGNALS = 4000;
const LABELS = 1000;

/** The newest book, best first on each side. */
class Book {
  constructor() {
    this.ts = NaN;
    this.valid = false;
    this.bids = 0;
    this.price = new Int32Array(0);
    /** @type {Record<"lots"|"added"|"pulled"|"traded"|"hidden"|"bought"|"sold", Float64Array>} */
    this.of = { lots: NONE, added: NONE, pulled: NONE, traded: NONE, hidden: NONE, bought: NONE, sold: NONE };
  }

  /** @param {Frame} frame */
  take(frame) {
    this.ts = frame.ts;
    this.valid = (frame.flags & 2) !== 0;
    this.bids = frame.aux;
    this.price = frame.i32();
    this.of = {
      lots: frame.f64(), added: frame.f64(), pulled: frame.f64(), traded: frame.f64(), hidden: frame.f64(), bought: frame.f64(), sold: frame.f64(),
    };
  }

  get bid() {
    return this.bids > 0 ? this.price[0] : NaN;
  }

  get ask() {
    return this.price.length > this.bids ? this.price[this.bids] : NaN;
  }
}

const NONE = new Float64Array(0);

/** All that is known of one instrument. */
export class Lane {
  /** @param {P.Instrument} one @param {P.Hello} hello */
  constructor(one, hello) {
    this.one = one;
    this.units = new Units(one);
    this.heat = new HeatStore(hello.heat_ms);
    this.prints = new Ring(1 << 15, { ts: Float64Array, venue: Float64Array, price: Int32Array, side: Int8Array, flags: Uint8Array, lots: Float64Array });
    this.orders = new Ring(1 << 15, { ts: Float64Array, last: Float64Array, first: Int32Array, to: Int32Array, prints: Int32Array, side: Int8Array, class: Uint8Array, flags: Uint8Array, lots: Float64Array });
    this.forced = new Ring(1 << 12, { ts: Float64Array, venue: Float64Array, price: Int32Array, side: Int8Array, flags: Uint8Array, lots: Float64Array });
    /** @type {Record<string, Float64ArrayConstructor>} */
    const curves = { ts: Float64Array };
    for (const { name } of hello.curve) curves[name] = Float64Array;
    this.curve_names = hello.curve.map(({ name }) => name);
    this.curve = new Ring(1 << 14, curves);
    this.bars = new Bars(2048);
    /** @type {P.Signal[]} */
    this.signals = [];
    /** @type {P.State|null} */
    this.state = null;
    this.state_ts = NaN;
    this.book = new Book();
    this.trails = new Trails();
    this.profile = { ts: NaN, row: 1, price: new Int32Array(0), bought: NONE, sold: NONE };
    /** @type {P.Label[]} */
    this.labels = [];
    /** @type {{kind: number, count: number, t: number}[]} */
    this.missed = [];
    this.live = false;
    /** Newest receive time shown, ms. */
    this.now = NaN;
    /** Count up with what they name. */
    this.seen = { heat: 0, book: 0, prints: 0, orders: 0, bars: 0, signals: 0, state: 0, curve: 0, profile: 0, labels: 0, forced: 0 };
  }

  /** @param {Frame} f */
  take(f) {
    if (f.ts > this.now || Number.isNaN(this.now)) if (!Number.isNaN(f.ts) && f.kind !== P.SIGNAL && f.kind !== P.LABEL) this.now = f.ts;
    switch (f.kind) {
      case P.HEAT:
        this.heat.take(f);
        this.trails.pulls(this.heat);
        this.seen.heat += 1;
        break;
      case P.BOOK:
        this.book.take(f);
        this.seen.book += 1;
        break;
      case P.PRINTS:
        this.prints.extend(f.count, printsOf(f));
        this.seen.prints += 1;
        break;
      case P.FORCED:
        this.forced.extend(f.count, printsOf(f));
        this.seen.forced += 1;
        break;
      case P.ORDERS:
        this.orders.extend(f.count, { ts: f.f64(), last: f.f64(), first: f.i32(), to: f.i32(), prints: f.i32(), side: f.i8(), class: f.u8(), flags: f.u8(), lots: f.f64() });
        this.seen.orders += 1;
        break;
      case P.BAR:
        this.bars.take(f);
        this.seen.bars += 1;
        break;
      case P.CURVE:
        this.takeCurve(f);
        break;
      case P.SIGNAL:
        for (const signal of f.json()) this.signals.push(signal);
        if (this.signals.length > SIGNALS) this.signals.splice(0, this.signals.length - SIGNALS);
        this.seen.signals += 1;
        break;
      case P.STATE:
        this.state = f.json();
        this.state_ts = f.ts;
        if (this.state) this.trails.standing(this.state, f.ts);
        this.seen.state += 1;
        break;
      case P.PROFILE:
        this.profile = { ts: f.ts, row: f.aux || 1, price: f.i32(), bought: f.f64(), sold: f.f64() };
        this.seen.profile += 1;
        break;
      case P.LABEL:
        this.takeLabel(f.json());
        break;
      case P.MISSED:
        this.missed.push({ kind: f.aux, count: f.count, t: this.now });
        if (this.missed.length > 500) this.missed.shift();
        break;
      case P.CAUGHT_UP:
        this.live = true;
        break;
    }
  }

  /** @param {Frame} f */
  takeCurve(f) {
    const wide = f.aux || this.curve_names.length;
    for (let i = 0; i < f.count; i++) {
      const values = f.f64(wide);
      /** @type {Record<string, number[]>} */
      const given = { ts: [f.ts] };
      this.curve_names.forEach((name, j) => (given[name] = [values[j] ?? NaN]));
      if (given["ms"]) given["ts"] = given["ms"];
      this.curve.extend(1, given);
    }
    this.seen.curve += 1;
  }

  /** A scenario begins, or is told again when it ends. @param {P.Label} label */
  takeLabel(label) {
    const at = this.labels.findIndex((one) => one.number === label.number);
    if (at >= 0) this.labels[at] = label;
    else this.labels.push(label);
    if (this.labels.length > LABELS) this.labels.shift();
    this.seen.labels += 1;
  }
}

/** @param {Frame} f */
function printsOf(f) {
  return { ts: f.f64(), venue: f.f64(), price: f.i32(), side: f.i8(), flags: f.u8(), lots: f.f64() };
}

/** All that is known. */
export class Store {
  constructor() {
    /** @type {P.Hello|null} */
    this.hello = null;
    /** @type {Lane[]} */
    this.lanes = [];
    /** @type {P.Account|null} */
    this.account = null;
    /** @type {P.Report[]} */
    this.reports = [];
    /** @type {{level: string, text: string, ms: number}[]} */
    this.notices = [];
    this.epoch = -1;
    this.seen = { hello: 0, account: 0, reports: 0, notices: 0 };
    /** Frames taken by kind. @type {Record<string, number>} */
    this.frames = {};
    /** @type {(event: {type: "hello"|"signal"|"report"|"notice"|"reset"|"bye"|"label"|"forced"|"missed"|"caught up", lane: Lane|null, detail: any}) => void} */
    this.told = () => {};
  }

  /** @param {Frame} f */
  take(f) {
    const name = P.KIND_NAMES[f.kind] ?? String(f.kind);
    this.frames[name] = (this.frames[name] ?? 0) + 1;
    if (f.kind === P.HELLO) this.takeHello(f.json(), f.epoch);
    else if (f.lane === P.WHOLE_DESK) this.takeDesk(f);
    else this.takeLane(f);
  }

  /** @param {P.Hello} hello @param {number} epoch */
  takeHello(hello, epoch) {
    this.hello = hello;
    this.epoch = epoch;
    this.lanes = hello.instruments.map((one) => new Lane(one, hello));
    this.reports = [];
    this.notices = [];
    this.account = null;
    this.seen.hello += 1;
    this.told({ type: "hello", lane: null, detail: hello });
  }

  /** @param {Frame} f */
  takeDesk(f) {
    if (f.kind === P.ACCOUNT) {
      this.account = f.json();
      this.seen.account += 1;
    } else if (f.kind === P.REPORT) {
      for (const report of f.json()) {
        this.reports.push(report);
        this.told({ type: "report", lane: null, detail: report });
      }
      if (this.reports.length > 500) this.reports.splice(0, this.reports.length - 500);
      this.seen.reports += 1;
    } else if (f.kind === P.NOTICE) {
      const notice = { ...f.json(), ms: f.ts };
      this.notices.push(notice);
      if (this.notices.length > 200) this.notices.shift();
      this.seen.notices += 1;
      this.told({ type: "notice", lane: null, detail: notice });
    } else if (f.kind === P.RESET) {
      this.epoch = f.epoch;
      this.told({ type: "reset", lane: null, detail: f.json() });
    } else if (f.kind === P.BYE) {
      this.told({ type: "bye", lane: null, detail: f.json() });
    } else if (f.kind === P.LABEL && this.lanes[0]) {
      this.lanes[0].take(f);
      this.told({ type: "label", lane: this.lanes[0], detail: null });
    } else if (f.kind === P.CAUGHT_UP) {
      for (const lane of this.lanes) lane.live = true;
    }
  }

  /** @param {Frame} f */
  takeLane(f) {
    const lane = this.lanes[f.lane];
    if (!lane || f.epoch !== this.epoch) return;
    const newest = lane.signals.at(-1);
    lane.take(f);
    if (f.kind === P.SIGNAL) this.told({ type: "signal", lane, detail: lane.signals.slice(newest ? lane.signals.lastIndexOf(newest) + 1 : 0) });
    else if (f.kind === P.MISSED && f.aux === P.HEAT) this.told({ type: "missed", lane, detail: f.count });
    else if (f.kind === P.LABEL) this.told({ type: "label", lane, detail: null });
    else if (f.kind === P.FORCED) this.told({ type: "forced", lane, detail: f.count });
    else if (f.kind === P.CAUGHT_UP) this.told({ type: "caught up", lane, detail: null });
  }
}

/**
 * What the ladder's cells say: the newest book, session volume and own orders by row.
 *
 * Why: drawing and deciding what to draw are two things; this one is plain arrays and can be asked
 * by tests what a row holds.
 */

import { faded } from "./theme.js";

/** @typedef {import("./theme.js").Colour} Colour */
/** @typedef {import("./ladder.js").Name} Name */
/** @typedef {{text: string, bar: number, bar_colour: string, right: boolean, tone: Colour, wash: Colour|"", mark: Colour|"", heavy: boolean}} Look */

const FIELDS = /** @type {const} */ (["bid", "ask", "bid_added", "bid_pulled", "ask_added", "ask_pulled", "bought", "sold", "bid_hidden", "ask_hidden"]);

export class BookRows {
  constructor() {
    /** Sums by row of each field. @type {Record<typeof FIELDS[number], Float64Array>} */
    this.of = /** @type {any} */ ({});
    this.count = 0;
    this.top = 0;
    this.step = 1;
    this.most = 1;
    this.most_traded = 1;
    this.bid_row = -1;
    this.ask_row = -1;
    /** Own orders by row. @type {Map<number, {text: string, side: number, orders: import("./protocol.js").OwnOrder[]}>} */
    this.own = new Map();
    /** @type {Map<number, number>} */
    this.walls = new Map();
    this.entry_row = -1;
  }

  /** Ticks a row so that the book near the touch fills rows: 1, 2 or 5 times a power of ten. @param {import("./store.js").Lane|null} lane */
  auto(lane) {
    if (!lane || lane.book.price.length < 4) return lane?.one.row_ticks ?? 1;
    if (this.chosen?.lane === lane) return this.chosen.step;
    const { price, bids } = lane.book;
    const n = Math.min(30, bids, price.length - bids);
    const reach = Math.max(1, Math.min(price[0] - price[Math.max(0, n - 1)], price[bids + n - 1] - price[bids]));
    const least = reach / n;
    const step = [1, 2, 5, 10, 25, 50, 100, 250, 500].find((one) => one >= least * 0.8) ?? 500;
    this.chosen = { lane, step };
    return step;
  }

  /** @type {{lane: import("./store.js").Lane, step: number}|null} */
  chosen = null;

  /** Sum the newest picture into rows, or the sizes of a past one. @param {import("./store.js").Lane} lane @param {import("./protocol.js").AccountLane|null} own @param {number} top @param {number} step @param {number} count @param {{book: Map<number, number>, bid: number|null, ask: number|null}|null} [past] */
  fill(lane, own, top, step, count, past = null) {
    for (const name of FIELDS) {
      if (this.of[name]?.length !== count) this.of[name] = new Float64Array(count);
      else this.of[name].fill(0);
    }
    [this.top, this.step, this.count] = [top, step, count];
    const row = (/** @type {number} */ price) => Math.floor((top + step - 1 - price) / step);
    this.walls.clear();
    this.own.clear();
    this.entry_row = -1;
    if (past) {
      this.fillPast(past, row);
      return;
    }
    const { book, profile } = lane;
    const { lots, added, pulled, hidden } = book.of;
    for (let i = 0; i < book.price.length; i++) {
      const r = row(book.price[i]);
      if (r < 0 || r >= count) continue;
      const bid = i < book.bids;
      this.of[bid ? "bid" : "ask"][r] += Math.abs(lots[i]);
      this.of[bid ? "bid_added" : "ask_added"][r] += added[i];
      this.of[bid ? "bid_pulled" : "ask_pulled"][r] += pulled[i];
      this.of[bid ? "bid_hidden" : "ask_hidden"][r] += hidden[i];
    }
    for (let i = 0; i < profile.price.length; i++) {
      const r = row(profile.price[i]);
      if (r < 0 || r >= count) continue;
      this.of.bought[r] += profile.bought[i];
      this.of.sold[r] += profile.sold[i];
    }
    this.bid_row = row(book.bid);
    this.ask_row = row(book.ask);
    this.most = most(this.of.bid, this.of.ask);
    this.most_traded = most(this.of.bought, this.of.sold);
    for (const wall of lane.state?.walls ?? []) this.walls.set(row(wall.price), wall.side);
    for (const one of own?.orders ?? []) {
      if (one.price === null) continue;
      const at = row(one.price);
      const orders = [...(this.own.get(at)?.orders ?? []), one];
      this.own.set(at, { text: ownText(orders, lane.units), side: one.side, orders });
    }
    this.entry_row = own && own.position !== 0 && own.entry !== null ? row(Math.round(own.entry)) : -1;
  }

  /** What rested at a past moment: signed lots by price; flows and own orders of then are not kept. @param {{book: Map<number, number>, bid: number|null, ask: number|null}} past @param {(price: number) => number} row */
  fillPast(past, row) {
    for (const [price, lots] of past.book) {
      const r = row(price);
      if (r >= 0 && r < this.count) this.of[lots > 0 ? "bid" : "ask"][r] += Math.abs(lots);
    }
    this.bid_row = past.bid === null ? -1 : row(past.bid);
    this.ask_row = past.ask === null ? -1 : row(past.ask);
    this.most = most(this.of.bid, this.of.ask);
  }

  /** What a cell shows. @param {Name} name @param {number} row @param {import("./scales.js").Units} units @param {number} width @returns {Look} */
  look(name, row, units, width) {
    /** @type {Look} */
    const look = { text: "", bar: 0, bar_colour: "", right: false, tone: "ink", wash: "", mark: "", heavy: false };
    const touch = row === this.bid_row || row === this.ask_row;
    if (name === "price") {
      const price = this.top - row * this.step;
      look.text = units.price(price);
      look.heavy = touch;
      look.tone = row === this.bid_row ? "bid" : row === this.ask_row ? "ask" : row === this.entry_row ? "strong" : "muted";
      look.wash = row === this.entry_row ? "raised" : "";
      return look;
    }
    if (name === "own") {
      const own = this.own.get(row);
      if (own) [look.text, look.tone, look.wash, look.heavy] = [own.text, own.side > 0 ? "bid" : "ask", own.side > 0 ? "bid-wash" : "ask-wash", true];
      return look;
    }
    const value = this.of[name][row];
    if (value === 0) return look;
    look.text = width >= 30 ? units.brief(value) : "";
    if (name === "bid" || name === "ask") {
      const side = name === "bid" ? 1 : -1;
      look.bar = value / this.most;
      look.bar_colour = faded(name, 0.32);
      look.right = name === "bid";
      look.tone = touch ? "strong" : "ink";
      look.heavy = touch || this.walls.get(row) === side;
      look.mark = this.of[name === "bid" ? "bid_hidden" : "ask_hidden"][row] > 0 ? "hidden" : this.walls.get(row) === side ? name : "";
    } else if (name === "sold" || name === "bought") {
      look.bar = value / this.most_traded;
      look.bar_colour = faded(name === "sold" ? "ask" : "bid", 0.22);
      look.right = name === "sold";
      look.tone = "muted";
    } else if (name.endsWith("pulled")) look.tone = "gone";
    else look.tone = "faint";
    return look;
  }
}

/** What a cell says of the own orders in it: s or t for what protects, size left, how many, size ahead of the first. @param {import("./protocol.js").OwnOrder[]} orders @param {import("./scales.js").Units} units */
function ownText(orders, units) {
  const leg = orders[0].leg ?? "";
  const left = units.brief(orders.reduce((sum, one) => sum + one.lots - one.filled, 0));
  const many = orders.length > 1 ? `×${orders.length}` : "";
  if (leg.startsWith("stop") || leg.startsWith("target")) return `${leg[0]}${left}${many}`;
  const ahead = Math.min(...orders.map((one) => one.ahead ?? Infinity));
  return `${left}${many}${ahead === Infinity ? "" : ` +${units.brief(ahead)}`}`;
}

/** @param {Float64Array} a @param {Float64Array} b */
function most(a, b) {
  let top = 1;
  for (let i = 0; i < a.length; i++) top = Math.max(top, a[i], b[i]);
  return top;
}

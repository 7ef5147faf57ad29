/**
 * The book through time: what rested at every price in every column, kept as changes.
 *
 * Why: a column of a deep book has thousands of prices of which a few dozen change. Changes are kept
 * with a full picture every so often, so any column can be read again exactly (the cursor says the
 * exact size), an hour needs tens of megabytes and not a gigabyte, and a picture of any span and any
 * height of rows is one walk over its changes.
 */

import { NO_PRICE } from "./protocol.js";

/** @typedef {import("./protocol.js").Frame} Frame */

const COLUMNS = 1 << 16;
/** Changes and flows kept at most; the arrays grow to it by doubling. */
const CHANGES = 1 << 22;
const FLOWS = 1 << 20;
const FIRST = 1 << 14;
const KEY_EVERY = 64;
const KEY = 1;
const VALID = 2;
const LOST = 4;

export class HeatStore {
  /** @param {number} period_ms @param {number} [columns] @param {number} [changes] @param {number} [flows] */
  constructor(period_ms, columns = COLUMNS, changes = CHANGES, flows = FLOWS) {
    this.period = period_ms;
    this.mask = columns - 1;
    this.changes_most = changes;
    this.flows_most = flows;
    this.changes_mask = Math.min(FIRST, changes) - 1;
    this.flows_mask = Math.min(FIRST, flows) - 1;
    this.ts = new Float64Array(columns);
    this.low = new Int32Array(columns);
    this.high = new Int32Array(columns);
    this.bid = new Int32Array(columns);
    this.ask = new Int32Array(columns);
    this.flags = new Uint8Array(columns);
    /** Where a column's changes and flows begin, as counts that only go up. */
    this.change_at = new Float64Array(columns + 1);
    this.flow_at = new Float64Array(columns + 1);
    this.change_price = new Int32Array(this.changes_mask + 1);
    this.change_lots = new Float32Array(this.changes_mask + 1);
    this.flow_price = new Int32Array(this.flows_mask + 1);
    this.flow_side = new Int8Array(this.flows_mask + 1);
    this.added = new Float32Array(this.flows_mask + 1);
    this.pulled = new Float32Array(this.flows_mask + 1);
    this.traded = new Float32Array(this.flows_mask + 1);
    this.hidden = new Float32Array(this.flows_mask + 1);
    /** Columns are numbered from 0 in this browser; the ring keeps [start, stop). */
    this.start = 0;
    this.stop = 0;
    this.changes = 0;
    this.flows = 0;
    this.since_key = 0;
    this.last_number = -1;
    /** What rests now: signed lots by price - now_low. */
    this.now = new Float32Array(0);
    this.now_low = 0;
    this.now_high = -1;
  }

  /** Take one HEAT frame. @param {Frame} frame */
  take(frame) {
    const missing = this.last_number >= 0 && frame.number !== this.last_number + 1;
    if (missing || this.now_high < this.now_low) {
      if (!(frame.flags & KEY)) return; // changes to a picture that was missed say nothing
    }
    this.last_number = frame.number;
    const [low, high, bid, ask] = frame.i32(4);
    const price = frame.i32();
    const lots = frame.f64();
    const m = frame.aux;
    const flow = { price: frame.i32(m), side: frame.i8(m), added: frame.f64(m), pulled: frame.f64(m), traded: frame.f64(m), hidden: frame.f64(m) };
    const key = (frame.flags & KEY) !== 0;
    if (key) this.span(low, high);
    for (let i = 0; i < price.length; i++) {
      const at = price[i] - low;
      if (at >= 0 && at < this.now.length) this.now[at] = lots[i];
    }
    this.since_key += 1;
    const full = key || this.since_key >= KEY_EVERY;
    const need = full ? this.now.length : price.length;
    this.makeRoom(need, m);
    const c = this.stop & this.mask;
    this.ts[c] = frame.ts;
    this.low[c] = low;
    this.high[c] = high;
    this.bid[c] = bid;
    this.ask[c] = ask;
    this.flags[c] = (frame.flags & (VALID | LOST)) | (full ? KEY : 0);
    this.change_at[c] = this.changes;
    this.flow_at[c] = this.flows;
    if (full) {
      this.since_key = 0;
      for (let i = 0; i < this.now.length; i++) if (this.now[i] !== 0) this.change(low + i, this.now[i]);
    } else {
      for (let i = 0; i < price.length; i++) this.change(price[i], lots[i]);
    }
    for (let i = 0; i < m; i++) {
      const at = this.flows & this.flows_mask;
      this.flow_price[at] = flow.price[i];
      this.flow_side[at] = flow.side[i];
      this.added[at] = flow.added[i];
      this.pulled[at] = flow.pulled[i];
      this.traded[at] = flow.traded[i];
      this.hidden[at] = flow.hidden[i];
      this.flows += 1;
    }
    this.stop += 1;
    this.change_at[this.stop & this.mask] = this.changes;
    this.flow_at[this.stop & this.mask] = this.flows;
  }

  /** @param {number} low @param {number} high */
  span(low, high) {
    if (this.now.length === high - low + 1) this.now.fill(0);
    else this.now = new Float32Array(high - low + 1);
    this.now_low = low;
    this.now_high = high;
  }

  /** @param {number} price @param {number} lots */
  change(price, lots) {
    const at = this.changes & this.changes_mask;
    this.change_price[at] = price;
    this.change_lots[at] = lots;
    this.changes += 1;
  }

  /** Make the arrays larger as long as that is allowed. @param {number} changes @param {number} flows */
  grow(changes, flows) {
    const first = this.start < this.stop ? this.start & this.mask : -1;
    const oldest = first < 0 ? this.changes : this.change_at[first];
    while (this.changes + changes - oldest > this.changes_mask && this.changes_mask + 1 < this.changes_most) {
      const mask = this.changes_mask * 2 + 1;
      this.change_price = moved(this.change_price, new Int32Array(mask + 1), oldest, this.changes, this.changes_mask, mask);
      this.change_lots = moved(this.change_lots, new Float32Array(mask + 1), oldest, this.changes, this.changes_mask, mask);
      this.changes_mask = mask;
    }
    const eldest = first < 0 ? this.flows : this.flow_at[first];
    while (this.flows + flows - eldest > this.flows_mask && this.flows_mask + 1 < this.flows_most) {
      const mask = this.flows_mask * 2 + 1;
      this.flow_price = moved(this.flow_price, new Int32Array(mask + 1), eldest, this.flows, this.flows_mask, mask);
      this.flow_side = moved(this.flow_side, new Int8Array(mask + 1), eldest, this.flows, this.flows_mask, mask);
      for (const name of /** @type {const} */ (["added", "pulled", "traded", "hidden"])) this[name] = moved(this[name], new Float32Array(mask + 1), eldest, this.flows, this.flows_mask, mask);
      this.flows_mask = mask;
    }
  }

  /** Let the oldest columns go, up to a full picture, until there is room. @param {number} changes @param {number} flows */
  makeRoom(changes, flows) {
    this.grow(changes, flows);
    const over = () =>
      this.stop - this.start >= this.mask ||
      this.changes + changes - this.change_at[this.start & this.mask] > this.changes_mask ||
      this.flows + flows - this.flow_at[this.start & this.mask] > this.flows_mask;
    while (this.start < this.stop && over()) this.start += 1;
    while (this.start < this.stop && !(this.flags[this.start & this.mask] & KEY)) this.start += 1;
  }

  /** First column at or after a time. @param {number} t */
  since(t) {
    let [low, high] = [this.start, this.stop];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ts[middle & this.mask] < t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Column in force at a time, -1 where none is: before the first, in a gap. @param {number} t */
  columnAt(t) {
    const c = this.since(t + 1e-3) - 1;
    return c >= this.start && t - this.ts[c & this.mask] < 4 * this.period ? c : -1;
  }

  /** Full picture at or before a column. @param {number} column */
  keyBefore(column) {
    let c = column;
    while (c > this.start && !(this.flags[c & this.mask] & KEY)) c -= 1;
    return c;
  }

  /** What rested in a column: signed lots by price. @param {number} column @returns {Map<number, number>} */
  bookAt(column) {
    /** @type {Map<number, number>} */
    const book = new Map();
    for (let c = this.keyBefore(column); c <= column; c++) {
      if (this.flags[c & this.mask] & KEY) book.clear();
      const stop = this.changesStop(c);
      for (let i = this.change_at[c & this.mask]; i < stop; i++) {
        const [price, lots] = [this.change_price[i & this.changes_mask], this.change_lots[i & this.changes_mask]];
        if (lots === 0) book.delete(price);
        else book.set(price, lots);
      }
    }
    return book;
  }

  /** @param {number} column */
  changesStop(column) {
    return column + 1 < this.stop ? this.change_at[(column + 1) & this.mask] : this.changes;
  }

  /** @param {number} column */
  flowsStop(column) {
    return column + 1 < this.stop ? this.flow_at[(column + 1) & this.mask] : this.flows;
  }

  /** Flows at prices [low, high] in columns [first, stop). @param {number} first @param {number} stop @param {number} low @param {number} high */
  flowsIn(first, stop, low, high) {
    const sums = { added: 0, pulled: 0, traded: 0, hidden: 0 };
    for (let c = Math.max(first, this.start); c < stop; c++) {
      const end = this.flowsStop(c);
      for (let i = this.flow_at[c & this.mask]; i < end; i++) {
        const at = i & this.flows_mask;
        const price = this.flow_price[at];
        if (price < low || price > high) continue;
        sums.added += this.added[at];
        sums.pulled += this.pulled[at];
        sums.traded += this.traded[at];
        sums.hidden += this.hidden[at];
      }
    }
    return sums;
  }

  /** Best bid and ask of a column, null where not known. @param {number} column */
  top(column) {
    const [bid, ask] = [this.bid[column & this.mask], this.ask[column & this.mask]];
    return { bid: bid === NO_PRICE ? null : bid, ask: ask === NO_PRICE ? null : ask };
  }

  /** Whether the book was lost before a column, or columns are missing in front of it. @param {number} column */
  brokenBefore(column) {
    if (column <= this.start) return false;
    const lost = (this.flags[column & this.mask] & LOST) !== 0;
    return lost || this.ts[column & this.mask] - this.ts[(column - 1) & this.mask] > 1.6 * this.period;
  }

  /** @param {number} column */
  valid(column) {
    return (this.flags[column & this.mask] & VALID) !== 0;
  }
}

/** Copy what a smaller ring keeps into a larger one. @template {Int32Array|Float32Array|Int8Array} T @param {T} from @param {T} to @param {number} start @param {number} stop @param {number} small @param {number} large @returns {T} */
function moved(from, to, start, stop, small, large) {
  for (let i = start; i < stop; i++) to[i & large] = from[i & small];
  return to;
}

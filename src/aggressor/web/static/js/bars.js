/**
 * Footprint bars as the server closed them, the open one last.
 *
 * Why: an open bar is sent again with the same number until it closes; a closed one never changes,
 * so its picture can be kept.
 */

/** @typedef {import("./protocol.js").Frame} Frame */

export const BUY_IMBALANCE = 1;
export const SELL_IMBALANCE = 2;
export const BUY_STACK = 4;
export const SELL_STACK = 8;
export const POINT_OF_CONTROL = 16;
export const VALUE_AREA = 32;

/** Order of the 24 numbers in front of a bar's rows. */
const NUMBERS = /** @type {const} */ ([
  "open_ms", "close_ms", "open", "high", "low", "close", "volume", "delta", "delta_min", "delta_max", "cvd", "unknown",
  "trades", "vwap", "sigma", "poc", "val", "vah", "quality", "reasons", "unfinished_high", "unfinished_low", "excluded", "period_ms",
]);

/** @typedef {Record<typeof NUMBERS[number], number> & {number: number, is_open: boolean, row: number, price: Int32Array, marks: Uint8Array, bought: Float64Array, sold: Float64Array, unknown_lots: Float64Array, largest: number, version: number}} Bar */

export class Bars {
  /** @param {number} room */
  constructor(room) {
    this.room = room;
    /** @type {Bar[]} */
    this.list = [];
    this.version = 0;
  }

  /** @param {Frame} frame */
  take(frame) {
    const numbers = frame.f64(NUMBERS.length);
    const price = frame.i32().slice();
    const marks = frame.u8().slice();
    const bought = frame.f64().slice();
    const sold = frame.f64().slice();
    const unknown_lots = frame.f64().slice();
    let largest = 0;
    for (let i = 0; i < price.length; i++) largest = Math.max(largest, bought[i] + sold[i]);
    const named = /** @type {Record<typeof NUMBERS[number], number>} */ (Object.fromEntries(NUMBERS.map((name, i) => [name, numbers[i]])));
    this.version += 1;
    /** @type {Bar} */
    const bar = { ...named, number: frame.number, is_open: (frame.flags & 1) !== 0, row: frame.aux || 1, price, marks, bought, sold, unknown_lots, largest, version: this.version };
    let at = this.list.length;
    while (at > 0 && this.list[at - 1].number > bar.number) at -= 1;
    const same = this.list[at - 1]?.number === bar.number;
    if (same && bar.is_open && !this.list[at - 1].is_open) return; // told late: it has closed since
    this.list.splice(same ? at - 1 : at, same ? 1 : 0, bar);
    if (this.list.length > this.room) this.list.shift();
  }

  /** Index of the bar that holds a time, -1 where none does. @param {number} t */
  indexAt(t) {
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle].open_ms <= t) low = middle + 1;
      else high = middle;
    }
    const bar = this.list[low - 1];
    return bar && t < bar.open_ms + bar.period_ms ? low - 1 : -1;
  }
}

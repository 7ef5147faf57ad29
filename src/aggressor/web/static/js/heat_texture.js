/**
 * The book through time as pixels: an off-screen ring of columns, drawn by two copies.
 *
 * Why: a new column costs one column of pixels and the picture two scaled copies, however much
 * history there is. Zooming out adds neighbouring prices up and takes the mean over time, so a wall
 * is not diluted among empty prices and size that only flickers does not look like size that rests.
 * A cell of which much left without being traded is painted in the colour of that.
 */

import { theme } from "./theme.js";

/** @typedef {import("./heat_store.js").HeatStore} HeatStore */

const KEY = 1;
const VALID = 2;
const TALL = 1024;
const GONE_LEAST = 0.3;

export class HeatTexture {
  constructor() {
    this.canvas = new OffscreenCanvas(1, 1);
    this.context = /** @type {OffscreenCanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    /** Ticks a row, raw columns a pixel column. */
    this.row = 1;
    this.pack = 1;
    this.top = 0;
    this.rows = 0;
    this.wide = 1;
    this.first = 0;
    this.last = -1;
    this.done = 0;
    this.built = "";
    /** Lots that are drawn as "most". */
    this.full = 1;
    this.contrast = 1;
    this.sums = new Float32Array(TALL);
    this.mean = new Float32Array(TALL);
    this.left = new Float32Array(TALL);
    this.count = 0;
    this.bucket = -1;
    this.levels = new Float32Array(0);
    this.code = new Uint8Array(1025);
    this.pixels = new ImageData(1, TALL);
    this.rebuilds = 0;
    this.scaled_at = 0;
    /** @type {HeatStore|null} */
    this.lane = null;
  }

  /** Ticks a row and raw columns a pixel column for a view of so many pixels. @param {number} ticks @param {number} height @param {number} columns @param {number} width */
  grain(ticks, height, columns, width) {
    const least = (ticks * 2) / Math.max(1, height);
    const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
    const row = [1, 2, 5, 10].map((m) => m * power).find((one) => one >= least) ?? 10 * power;
    let pack = 1;
    while (columns / pack > width) pack *= 2;
    return { row: Math.max(1, row), pack };
  }

  /** Make the texture show [t0, t1] and [low, high]: new columns are added, else all is painted anew. @param {HeatStore} store @param {number} t0 @param {number} t1 @param {number} low @param {number} high @param {number} width @param {number} height */
  update(store, t0, t1, low, high, width, height) {
    const { row, pack } = this.grain(high - low, height, (t1 - t0) / store.period, width);
    const cell = store.period * pack;
    const [from, to] = [Math.floor(t0 / cell), Math.floor(t1 / cell)];
    const key = `${row}|${pack}|${theme.version}|${this.contrast}|${store.period}`;
    const within = low >= this.top - this.rows * this.row && high <= this.top;
    const held = from >= this.first && to - from < this.wide;
    const kept = store.start <= this.done && this.done <= store.stop && this.lane === store;
    const stop = store.since((from + this.wide) * cell);
    if (key !== this.built || !within || !held || !kept || this.outgrown(store)) {
      this.lane = store;
      this.rebuild(store, from, to, low, high, row, pack, key);
    } else if (stop > this.done) {
      this.walk(store, this.done, stop, null);
    }
  }

  /** Whether sizes have changed so much that the colours no longer fit; asked now and then. @param {HeatStore} store */
  outgrown(store) {
    if (store.stop - this.scaled_at < 1200) return false;
    this.scaled_at = store.stop;
    const full = this.scale(store, Math.max(store.start, store.stop - 1200));
    return full > 0 && (full > 1.7 * this.full || full < 0.6 * this.full);
  }

  /** @param {HeatStore} store @param {number} from @param {number} to @param {number} low @param {number} high @param {number} row @param {number} pack @param {string} key */
  rebuild(store, from, to, low, high, row, pack, key) {
    const margin = Math.ceil((to - from) * 0.3) + 8;
    const tall = Math.min(TALL, Math.ceil(((high - low) / row) * 1.5) + 4);
    const spare = Math.floor((tall * row - (high - low)) / 2);
    this.row = row;
    this.pack = pack;
    this.rows = tall;
    this.top = Math.ceil((high + spare) / row) * row;
    this.first = from - margin;
    this.wide = to - from + 2 * margin;
    this.built = key;
    this.rebuilds += 1;
    if (this.canvas.width !== this.wide || this.canvas.height !== tall) {
      this.canvas.width = this.wide;
      this.canvas.height = tall;
    }
    this.pixels = new ImageData(1, tall);
    this.levels = new Float32Array(tall * row);
    const cell = store.period * pack;
    const first = store.since(this.first * cell);
    const stop = store.since((this.first + this.wide) * cell);
    this.scaled_at = store.stop;
    this.full = this.scale(store, first) || this.full;
    this.curve();
    this.begin();
    const image = new ImageData(this.wide, tall);
    if (first < stop) {
      this.walk(store, store.keyBefore(first), first, image, false);
      this.walk(store, first, stop, image);
    }
    this.done = stop;
    this.context.putImageData(image, 0, 0);
  }

  begin() {
    this.sums.fill(0);
    this.mean.fill(0);
    this.left.fill(0);
    this.count = 0;
    this.bucket = -1;
    this.last = this.first - 1;
  }

  /** Lots at which a row is drawn as "most": what 1.5 % of the rows exceed, and three usual rows at least. @param {HeatStore} store @param {number} first */
  scale(store, first) {
    /** @type {number[]} */
    const sizes = [];
    const n = store.stop - first;
    for (let j = 0; j < 6 && n > 0; j++) {
      const column = first + Math.floor(((j + 0.5) * n) / 6);
      /** @type {Map<number, number>} */
      const rows = new Map();
      for (const [price, lots] of store.bookAt(column)) {
        if (price > this.top || price <= this.top - this.rows * this.row) continue;
        const row = Math.floor((this.top - price) / this.row);
        rows.set(row, (rows.get(row) ?? 0) + Math.abs(lots));
      }
      for (const lots of rows.values()) sizes.push(lots);
    }
    sizes.sort((a, b) => a - b);
    if (!sizes.length) return 0;
    return Math.max(sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * 0.985))], 3 * sizes[sizes.length >> 1]);
  }

  /** Share of "most" to place in the ramp, as a table. */
  curve() {
    for (let i = 0; i <= 1024; i++) this.code[i] = Math.round(255 * Math.min(1, (i / 1024) ** (0.62 / this.contrast)));
  }

  /** Go through columns [first, stop) of the store; paint into an image, or into the canvas. @param {HeatStore} store @param {number} first @param {number} stop @param {ImageData|null} image @param {boolean} [paint] */
  walk(store, first, stop, image, paint = true) {
    const { row, top, rows, levels, sums } = this;
    const bottom = top - rows * row;
    const cell = store.period * this.pack;
    for (let c = first; c < stop; c++) {
      const at = c & store.mask;
      if (store.flags[at] & KEY) {
        levels.fill(0);
        sums.fill(0);
      }
      const end = store.changesStop(c);
      for (let i = store.change_at[at]; i < end; i++) {
        const price = store.change_price[i & store.changes_mask];
        if (price > top || price <= bottom) continue;
        const lots = Math.abs(store.change_lots[i & store.changes_mask]);
        const level = top - price;
        const r = (level / row) | 0;
        sums[r] += lots - levels[level];
        levels[level] = lots;
      }
      if (!paint) continue;
      const bucket = Math.floor(store.ts[at] / cell + 1e-4);
      if (bucket !== this.bucket) {
        this.flush(image);
        this.bucket = bucket;
      }
      if (store.flags[at] & VALID) {
        for (let r = 0; r < rows; r++) this.mean[r] += sums[r];
        this.count += 1;
      }
      const stop_flow = store.flowsStop(c);
      for (let i = store.flow_at[at]; i < stop_flow; i++) {
        const price = store.flow_price[i & store.flows_mask];
        if (price <= top && price > bottom) this.left[((top - price) / row) | 0] += store.pulled[i & store.flows_mask] - Math.max(0, store.added[i & store.flows_mask]);
      }
    }
    if (paint) {
      this.flush(image, true);
      this.done = stop;
    }
  }

  /** Paint the bucket at hand; `keep`: it goes on. @param {ImageData|null} image @param {boolean} [keep] */
  flush(image, keep = false) {
    if (this.bucket >= this.first && this.count > 0) {
      this.reach(image);
      const x = this.bucket % this.wide;
      const { ramp, gone } = theme;
      const words = image ? new Uint32Array(image.data.buffer) : new Uint32Array(this.pixels.data.buffer);
      const [stride, at] = image ? [this.wide, x] : [1, 0];
      const factor = 1024 / (this.full * this.count);
      const gone_factor = 1 / this.full;
      for (let r = 0; r < this.rows; r++) {
        const share = Math.min(1024, (this.mean[r] * factor) | 0);
        const pulled = this.left[r] * gone_factor;
        words[r * stride + at] = pulled > GONE_LEAST ? gone[Math.min(255, (120 + pulled * 120) | 0)] : ramp[this.code[share]];
      }
      if (!image) this.context.putImageData(this.pixels, x, 0);
    }
    if (keep) return;
    this.mean.fill(0);
    this.left.fill(0);
    this.count = 0;
  }

  /** Let the ring reach the bucket at hand; columns that were skipped are empty. @param {ImageData|null} image */
  reach(image) {
    if (this.bucket <= this.last) return;
    if (!image) {
      const skipped = Math.min(this.bucket - this.last - 1, this.wide);
      for (let b = this.bucket - skipped; b < this.bucket; b++) this.context.clearRect(b % this.wide, 0, 1, this.rows);
    }
    this.last = this.bucket;
    this.first = Math.max(this.first, this.last - this.wide + 1);
  }

  /** Copy what is shown onto a canvas. @param {CanvasRenderingContext2D} onto @param {(t: number) => number} x @param {(price: number) => number} y @param {number} t0 @param {number} t1 @param {number} period */
  draw(onto, x, y, t0, t1, period) {
    const cell = period * this.pack;
    const first = Math.max(this.first, Math.floor(t0 / cell));
    const last = Math.min(this.last, Math.ceil(t1 / cell));
    if (last < first) return;
    onto.imageSmoothingEnabled = false;
    const top = y(this.top + 0.5);
    const height = y(this.top - this.rows * this.row + 0.5) - top;
    for (let b = first; b <= last; ) {
      const from = b % this.wide;
      const n = Math.min(last - b + 1, this.wide - from);
      const left = x(b * cell);
      onto.drawImage(this.canvas, from, 0, n, this.rows, left, top, x((b + n) * cell) - left, height);
      b += n;
    }
  }
}

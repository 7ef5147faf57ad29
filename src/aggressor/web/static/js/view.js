/**
 * What is looked at: one span of time, one span of prices, one cursor, shared by all panes.
 *
 * Why: a pane that scrolls by itself lies by omission. Whoever moves the span, the cursor or the
 * selection here moves it everywhere. Nothing here asks the server for anything: what is shown
 * comes out of the browser's rings, so panning and zooming never wait.
 */

/** @typedef {{t: number|null, price: number|null, from: string}} Cursor */

const SPAN_LEAST = 5e3;
const SPAN_MOST = 6 * 3600e3;

export class View {
  constructor() {
    /** Right edge, ms; moves with the market while `follow`. */
    this.t1 = 0;
    /** Width of the span of time, ms. */
    this.span = 180e3;
    this.follow = true;
    /** Share of the width left free at the right while following: the book as it stands. */
    this.lead = 0.06;
    /** Pixels that the span of time is drawn on: following moves by whole ones, so what stands is drawn once. */
    this.pixels = 1000;
    /** Prices shown, ticks, fractions allowed while dragging. */
    this.low = 0;
    this.high = 0;
    this.follow_price = true;
    /** Whether the span of prices fits itself to the span of time, until somebody sets it. */
    this.fit_price = true;
    /** @type {Cursor} */
    this.cursor = { t: null, price: null, from: "" };
    /** What was clicked last: a signal, a scene. @type {{id: string, t: number, low: number, high: number}|null} */
    this.selected = null;
    /** Counts up with every change, so that a pane knows whether to draw. */
    this.version = 1;
    this.cursor_version = 1;
  }

  get t0() {
    return this.t1 - this.span;
  }

  /** The moment that was gone to, ms; null while the market is followed or nothing is selected. */
  get back() {
    return this.follow || !this.selected ? null : this.selected.t;
  }

  changed() {
    this.version += 1;
  }

  /** Let the right edge follow the market. @param {number} now ms */
  tick(now) {
    if (!this.follow || !now) return;
    const t1 = this.edge(now);
    if (t1 !== this.t1) {
      this.t1 = t1;
      this.changed();
    }
  }

  /** Right edge while following, at a whole pixel. @param {number} now ms */
  edge(now) {
    const pixel = this.span / this.pixels;
    return Math.ceil((now + this.span * this.lead) / pixel) * pixel;
  }

  /** Move the span of time by `ms`; following ends unless the edge is reached. @param {number} ms @param {number} now */
  pan(ms, now) {
    const edge = this.edge(now);
    this.t1 = Math.min(this.t1 + ms, edge);
    this.follow = this.t1 >= edge - this.span * 1e-3;
    this.changed();
  }

  /** Show `factor` as much time, keeping moment `t` where it is. @param {number} factor @param {number} t @param {number} now */
  zoom(factor, t, now) {
    const span = Math.min(SPAN_MOST, Math.max(SPAN_LEAST, this.span * factor));
    const right = this.follow ? 0 : ((this.t1 - t) * span) / this.span;
    this.span = span;
    this.t1 = this.follow ? this.edge(now) : t + right;
    this.changed();
  }

  /** Show a moment in the middle, or as near to it as there is a market, and stop following. @param {number} t @param {number} now */
  goTo(t, now) {
    this.t1 = Math.min(t + this.span / 2, Math.max(t, now) + this.span * this.lead);
    this.follow = false;
    this.changed();
  }

  /** Go with the market again, in time and price. @param {number} now */
  goLive(now) {
    this.follow = true;
    this.follow_price = true;
    this.fit_price = true;
    this.t1 = this.edge(now);
    this.changed();
  }

  /** Set the prices shown. @param {number} low @param {number} high */
  prices(low, high) {
    if (!(high - low >= 4)) return;
    this.low = low;
    this.high = high;
    this.changed();
  }

  /** Show `factor` as many prices, keeping `price` where it is. @param {number} factor @param {number} price @param {number} most */
  zoomPrice(factor, price, most) {
    const span = Math.min(most, Math.max(8, (this.high - this.low) * factor));
    this.fit_price = false;
    const below = (price - this.low) / (this.high - this.low || 1);
    this.low = price - below * span;
    this.high = this.low + span;
    this.changed();
  }

  /** Keep the market inside the middle of the prices shown; moves in one step, not by a glide. @param {number} mid */
  keepInside(mid) {
    if (!this.follow_price || !Number.isFinite(mid)) return;
    const span = this.high - this.low;
    const at = (mid - this.low) / span;
    if (at > 0.22 && at < 0.78) return;
    this.low = Math.round(mid - span / 2);
    this.high = this.low + span;
    this.changed();
  }

  /** @param {number|null} t @param {number|null} price @param {string} from */
  point(t, price, from) {
    const now = this.cursor;
    if (now.t === t && now.price === price) return;
    this.cursor = { t, price, from };
    this.cursor_version += 1;
  }

  /** @param {{id: string, t: number, low: number, high: number}|null} what */
  select(what) {
    this.selected = what;
    this.changed();
    this.cursor_version += 1;
  }
}

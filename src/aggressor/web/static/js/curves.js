/**
 * Curves under the heatmap: CVD by kind of flow and by size, delta, open interest, funding, forced
 * orders. One panel for each group of HELLO's `curve`, all on the shared span of time.
 *
 * Why: a curve is a line of what was sent each second; where nothing was sent there is no line.
 * Divergences are drawn between the swings that the signal names, in price's own pane and here.
 */

import { PRICE_AXIS, Plot, TIME_AXIS, drawCross, drawCursorTime, drawTimeAxis } from "./axes.js";
import { CanvasPane } from "./pane.js";
import { attachPan } from "./pan.js";
import { faded, font, theme } from "./theme.js";
import { divergences } from "./divergences.js";
import { compact, known, valueMarks } from "./scales.js";

/** @typedef {{name: string, unit: string, label: string, group: string}} Curve */

/** Lines of a group, in the order of its curves: shape tells apart what colour may not. @type {{colour: import("./theme.js").Colour, dash: number[], wide: number}[]} */
const STYLES = [
  { colour: "ink", dash: [], wide: 1.6 },
  { colour: "hidden", dash: [], wide: 1.2 },
  { colour: "gone", dash: [4, 2], wide: 1.2 },
  { colour: "call", dash: [1.5, 2.5], wide: 1.4 },
  { colour: "muted", dash: [7, 3], wide: 1.2 },
];
const GAP_MS = 2500;
/** Groups shown before anybody chose. */
const FIRST = ["cvd", "open interest", "funding"];

export class CurvesPane extends CanvasPane {
  /** @param {string} id @param {string} title @param {import("./desk.js").Desk} desk @param {(group: string) => boolean} takes @param {{bars?: boolean, forced?: boolean, divergences?: boolean}} with_ */
  constructor(id, title, desk, takes, with_) {
    super(id, title, desk);
    this.calm = 45;
    this.takes = takes;
    this.with_ = with_;
    this.plot = new Plot(0, 0, 1, 1);
    /** @type {{plot: Plot, curves: Curve[], title: string}[]} */
    this.panels = [];
    this.groups = new Map();
    this.divergences = with_.divergences ? this.toggle("divergences", "Divergences", "Lines between the swings where price and CVD part, confirmed ones only", true) : null;
    /** @type {Map<string, {on: boolean}>} */
    this.shown_groups = new Map();
    this.hello_seen = -1;
    attachPan(this, () => this.plot, () => false, false);
  }

  key() {
    const { desk } = this;
    const s = desk.lane?.seen;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.view.version}|${theme.version}|${s?.curve}|${this.with_.bars ? s?.bars : 0}|${s?.forced}|${s?.signals}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    if (lane.curve.size === 0 && !(this.with_.bars && lane.bars.list.length)) return lane.state?.blank["curves"] ?? "The first second has not passed yet.";
    return "";
  }

  words() {
    const { lane } = this.desk;
    if (!lane || this.why()) return this.why();
    const n = lane.curve.stop - 1;
    const told = this.panels.flatMap(({ curves }) => curves).slice(0, 6);
    return told.map((one) => `${one.label} ${this.valued(lane.curve.at(one.name, n), one.unit)}`).join(", ");
  }

  /** Panels wanted, by group. @returns {[string, Curve[]][]} */
  wanted() {
    const curves = this.desk.store.hello?.curve ?? [];
    /** @type {Map<string, Curve[]>} */
    const groups = new Map();
    for (const one of curves) if (one.name !== "ms" && this.takes(one.group)) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
    if (this.desk.store.seen.hello !== this.hello_seen) {
      this.hello_seen = this.desk.store.seen.hello;
      for (const group of groups.keys()) if (!this.shown_groups.has(group)) this.shown_groups.set(group, this.toggle(`group ${group}`, group, `Show the panel of ${group}`, FIRST.includes(group)));
    }
    return [...groups].filter(([group]) => this.shown_groups.get(group)?.on ?? true);
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    const { lane, view } = this.desk;
    this.panels = [];
    if (!lane) return;
    const wanted = this.wanted();
    const extra = (this.with_.bars ? 1 : 0) + (this.with_.forced ? 1 : 0);
    const parts = wanted.length * 1.6 + extra;
    const room = height - TIME_AXIS;
    const whole = new Plot(0, 0, width - PRICE_AXIS, room);
    [whole.t0, whole.t1] = [view.t0, view.t1];
    this.plot = whole;
    drawTimeAxis(c, whole, true);
    let top = 0;
    /** @param {number} share */
    const next = (share) => {
      const plot = new Plot(0, top + 2, whole.width, Math.max(8, (room * share) / parts - 4));
      [plot.t0, plot.t1] = [view.t0, view.t1];
      top += (room * share) / parts;
      return plot;
    };
    for (const [group, curves] of wanted) this.panel(c, next(1.6), group, curves, lane, width);
    if (this.with_.bars) this.deltaBars(c, next(1), lane, width);
    if (this.with_.forced) this.forcedBars(c, next(1), lane, width);
    if (view.selected && view.selected.t > view.t0 && view.selected.t < view.t1) {
      c.fillStyle = faded("call", 0.5);
      c.fillRect(Math.round(whole.x(view.selected.t)), 0, 1, room);
    }
  }

  /** Lines of one group. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {string} group @param {Curve[]} curves @param {import("./store.js").Lane} lane @param {number} width */
  panel(c, plot, group, curves, lane, width) {
    const ring = lane.curve;
    const first = Math.max(ring.start, ring.since(plot.t0) - 1);
    const stop = Math.min(ring.stop, ring.since(plot.t1) + 1);
    let [low, high] = [Infinity, -Infinity];
    for (const { name } of curves) {
      let [least, most] = [Infinity, -Infinity];
      for (let n = first; n < stop; n++) {
        const value = ring.at(name, n);
        if (value < least) least = value;
        if (value > most) most = value;
      }
      if (curves.length > 1 && least === most) continue; // what stands still takes no room
      low = Math.min(low, least);
      high = Math.max(high, most);
    }
    if (!(high >= low)) [low, high] = this.still(ring, curves, stop);
    this.panels.push({ plot, curves, title: group });
    if (!(high >= low)) {
      this.legend(c, plot, group, curves.map((one, i) => ({ one, style: STYLES[i % STYLES.length], value: NaN })));
      c.font = font(12);
      c.textAlign = "left";
      c.textBaseline = "middle";
      c.fillStyle = theme.of("muted");
      const why = curves.map((one) => lane.state?.blank[one.name]).find(Boolean) ?? "not known in this span";
      c.fillText(why, plot.left + 8, plot.top + plot.height / 2 + 6, plot.width - 16);
      return;
    }
    const pad = (high - low || Math.abs(high) * 0.01 || 1) * 0.12;
    const caption = ((high - low + 2 * pad) * 18) / Math.max(30, plot.height - 18);
    [plot.low, plot.high] = [low - pad, high + pad + caption];
    this.axis(c, plot, curves[0].unit, width);
    c.save();
    c.beginPath();
    const captioned = plot.height > 40 ? 17 : 0; // a line that stands still may lie beyond the range
    c.rect(plot.left, plot.top + captioned, plot.width, plot.height - captioned);
    c.clip();
    curves.forEach((one, i) => this.line(c, plot, ring, one.name, first, stop, STYLES[i % STYLES.length]));
    if (this.divergences?.on && curves.some((one) => one.name === "cvd")) this.diverging(c, plot, lane);
    c.restore();
    this.legend(c, plot, group, curves.map((one, i) => ({ one, style: STYLES[i % STYLES.length], value: ring.at(one.name, stop - 1) })));
  }

  /** Reach of curves that all stand still. @param {import("./rings.js").Ring} ring @param {Curve[]} curves @param {number} stop @returns {[number, number]} */
  still(ring, curves, stop) {
    const values = curves.map((one) => ring.at(one.name, stop - 1)).filter(known);
    return values.length ? [Math.min(...values), Math.max(...values)] : [Infinity, -Infinity];
  }

  /** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./rings.js").Ring} ring @param {string} name @param {number} first @param {number} stop @param {{colour: import("./theme.js").Colour, dash: number[], wide: number}} style */
  line(c, plot, ring, name, first, stop, style) {
    const values = ring.columns[name];
    const stride = Math.max(1, Math.floor((stop - first) / (plot.width * 1.5)));
    c.strokeStyle = theme.of(style.colour);
    c.lineWidth = style.wide;
    c.setLineDash(style.dash);
    c.beginPath();
    let pen = false;
    let before = NaN;
    for (let n = first; n < stop; n += stride) {
      const value = values[n & ring.mask];
      const t = ring.time[n & ring.mask];
      if (!(value === value) || t - before > GAP_MS * stride) pen = false;
      before = t;
      if (!(value === value)) continue;
      const [x, y] = [plot.x(t), plot.y(value)];
      if (pen) c.lineTo(x, y);
      else c.moveTo(x, y);
      pen = true;
    }
    c.stroke();
    c.setLineDash([]);
  }

  /** Divergences: from swing to swing, as the signal has them. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane */
  diverging(c, plot, lane) {
    for (const { from, to, signal } of divergences(lane.signals, plot.t0, plot.t1)) {
      const { cvd_before, cvd } = signal.evidence;
      if (!known(cvd_before) || !known(cvd)) continue;
      c.strokeStyle = theme.of("call");
      c.lineWidth = 1.6;
      c.beginPath();
      c.moveTo(plot.x(from), plot.y(cvd_before));
      c.lineTo(plot.x(to), plot.y(cvd));
      c.stroke();
    }
  }

  /** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {string} group @param {{one: Curve, style: {colour: import("./theme.js").Colour, dash: number[]}, value: number}[]} entries */
  legend(c, plot, group, entries) {
    let x = plot.left + 8;
    const y = plot.top + 9;
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.font = font(11, 600);
    c.fillStyle = theme.of("muted");
    if (entries.length > 1) {
      c.fillText(group, x, y);
      x += c.measureText(group).width + 14;
    }
    for (const { one, style, value } of entries) {
      if (x > plot.right - 60) break;
      c.strokeStyle = theme.of(style.colour);
      c.lineWidth = 2;
      c.setLineDash(style.dash);
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(x + 14, y);
      c.stroke();
      c.setLineDash([]);
      const text = `${one.label} ${this.valued(value, one.unit)}`;
      c.font = font(11, 500);
      c.lineWidth = 3;
      c.strokeStyle = faded("panel", 0.8);
      c.strokeText(text, x + 18, y);
      c.fillStyle = theme.of("ink");
      c.fillText(text, x + 18, y);
      x += 30 + c.measureText(text).width;
    }
  }

  /** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {string} unit @param {number} width */
  axis(c, plot, unit, width) {
    c.font = font(11);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const v of valueMarks(plot.low, plot.high, Math.max(1, Math.floor(plot.height / 34)))) {
      const y = Math.round(plot.y(v));
      if (y < plot.top + 4 || y > plot.bottom - 4) continue;
      c.fillStyle = theme.of(v === 0 ? "line" : "grid");
      c.fillRect(plot.left, y, plot.width, 1);
      c.fillStyle = theme.of("faint");
      c.fillText(this.valued(v, unit), width - 5, y);
    }
    c.fillStyle = theme.of("line");
    c.fillRect(plot.left, Math.round(plot.bottom) + 1, plot.width, 1);
  }

  /** Delta of each bar. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane @param {number} width */
  deltaBars(c, plot, lane, width) {
    const seen = lane.bars.list.filter((bar) => bar.open_ms + bar.period_ms > plot.t0 && bar.open_ms < plot.t1);
    let most = 1;
    for (const bar of seen) most = Math.max(most, Math.abs(bar.delta_min), Math.abs(bar.delta_max), Math.abs(bar.delta));
    [plot.low, plot.high] = [-most * 1.1, most * (1.1 + (2.2 * 16) / Math.max(24, plot.height - 16))];
    this.axis(c, plot, "lots", width);
    for (const bar of seen) {
      const [x0, x1] = [plot.x(bar.open_ms), plot.x(bar.open_ms + bar.period_ms)];
      const [left, wide] = [x0 + 1, Math.max(1, x1 - x0 - 2)];
      const [y, zero] = [plot.y(bar.delta), plot.y(0)];
      c.fillStyle = faded(bar.delta >= 0 ? "bid" : "ask", bar.is_open ? 0.5 : 0.8);
      c.fillRect(left, Math.min(y, zero), wide, Math.max(1, Math.abs(y - zero)));
      c.fillStyle = faded("muted", 0.6);
      c.fillRect(left + wide / 2, plot.y(bar.delta_max), 1, plot.y(bar.delta_min) - plot.y(bar.delta_max));
    }
    this.caption(c, plot, "Delta of bars, with its reach");
  }

  /** Forced orders as published, bought above, sold below. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane @param {number} width */
  forcedBars(c, plot, lane, width) {
    const ring = lane.forced;
    const { ts, lots, side } = ring.columns;
    const [first, stop] = [ring.since(plot.t0), ring.since(plot.t1)];
    let most = 1;
    for (let n = first; n < stop; n++) most = Math.max(most, lots[n & ring.mask]);
    [plot.low, plot.high] = [-most * 1.2, most * 1.2];
    if (stop > first) this.axis(c, plot, "lots", width);
    for (let n = first; n < stop; n++) {
      const i = n & ring.mask;
      const [y, zero] = [plot.y(lots[i] * side[i]), plot.y(0)];
      c.fillStyle = theme.of(side[i] > 0 ? "bid" : "ask");
      c.fillRect(plot.x(ts[i]) - 1, Math.min(y, zero), 3, Math.max(1, Math.abs(y - zero)));
    }
    this.caption(c, plot, stop > first ? "Liquidations" : `Liquidations: ${lane.state?.blank["forced"] ?? "none published in this span"}`);
  }

  /** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {string} text */
  caption(c, plot, text) {
    c.font = font(11, 600);
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.fillStyle = theme.of("muted");
    c.fillText(text, plot.left + 8, plot.top + 9, plot.width - 16);
  }

  /** @param {number} value @param {string} unit */
  valued(value, unit) {
    const { units } = this.desk;
    if (!known(value)) return "–";
    if (unit === "lots" && units) return value < 0 ? units.signed(value) : units.brief(value);
    if (unit === "ticks" && units) return units.price(value);
    if (unit === "share") return `${(value * 100).toFixed(4)} %`;
    return value < 0 ? `−${compact(-value)}` : compact(value);
  }

  drawCursor(/** @type {CanvasRenderingContext2D} */ c, /** @type {number} */ width) {
    const { cursor } = this.desk.view;
    drawCross(c, this.plot, { ...cursor, price: null }, null, width);
    drawCursorTime(c, this.plot, cursor);
    const { lane } = this.desk;
    if (!lane || cursor.t === null) return;
    const ring = lane.curve;
    const n = ring.since(cursor.t) - 1;
    if (n < ring.start || cursor.t - ring.at("ts", n) > GAP_MS) return;
    for (const { plot, curves } of this.panels) {
      curves.forEach((one, i) => {
        const value = ring.at(one.name, n);
        if (!known(value)) return;
        c.fillStyle = theme.of(STYLES[i % STYLES.length].colour);
        c.beginPath();
        c.arc(plot.x(ring.at("ts", n)), plot.y(value), 2.5, 0, 2 * Math.PI);
        c.fill();
      });
      c.font = font(11, 500);
      c.textAlign = "right";
      c.textBaseline = "middle";
      const text = curves.map((one) => `${one.label} ${this.valued(ring.at(one.name, n), one.unit)}`).join("   ");
      const wide = c.measureText(text).width + 12;
      c.fillStyle = faded("raised", 0.94);
      c.fillRect(plot.right - wide - 4, plot.top + 1, wide, 17);
      c.fillStyle = theme.of("ink");
      c.fillText(text, plot.right - 10, plot.top + 10);
    }
  }
}
